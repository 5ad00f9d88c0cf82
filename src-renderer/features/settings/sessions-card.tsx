/** Browsers that are signed in (headless only). They live in the server, not in the core, hence plain HTTP. */
import { Button } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'

import { Empty, Loaded } from '#ui/loaded.tsx'
import { sayError } from '#ui/notify.ts'
import { Card } from '#ui/page.tsx'
import { type Column, Table } from '#ui/table.tsx'
import { day, hour, moment } from '#ui/format-time.ts'

import { fetchAsPage, keepPageSecret, useConnection } from '../../core-client.ts'

interface Session {
  id: string
  createdAt: number
  label: string
  current: boolean
}

async function readSessions(): Promise<Session[]> {
  const answer = await fetchAsPage('auth/sessions')
  if (!answer.ok) throw new Error('The server did not list the sessions.')
  return ((await answer.json()) as { sessions: Session[] }).sessions
}

/** `Firefox on Linux` instead of the whole user-agent line. */
export function browserName(label: string): string {
  const browser = /Edg\//.test(label)
    ? 'Edge'
    : /Firefox\//.test(label)
      ? 'Firefox'
      : /Chrom(e|ium)\//.test(label)
        ? 'Chromium'
        : /Safari\//.test(label)
          ? 'Safari'
          : label.slice(0, 40)
  const system = /Windows/.test(label)
    ? 'Windows'
    : /Mac OS X/.test(label)
      ? 'macOS'
      : /Android/.test(label)
        ? 'Android'
        : /Linux/.test(label)
          ? 'Linux'
          : null
  return system === null ? browser : `${browser} on ${system}`
}

function SignOut({ session, onDone }: { session: Session; onDone: () => void }) {
  const end = useMutation({
    mutationFn: async () => {
      const answer = session.current
        ? await fetchAsPage('auth/logout', { method: 'POST' })
        : await fetchAsPage(`auth/sessions/${encodeURIComponent(session.id)}`, { method: 'DELETE' })
      if (!answer.ok) throw new Error('The server did not end the session.')
      if (session.current) keepPageSecret(null)
    },
    onSuccess: () => (session.current ? location.reload() : onDone()),
    onError: (error) => sayError('Not signed out', error),
  })
  return (
    <Button
      size="compact-xs"
      variant="default"
      loading={end.isPending}
      onClick={() => end.mutate()}
      aria-label={`Sign out ${browserName(session.label)}`}
    >
      Sign out
    </Button>
  )
}

const columnsOf = (onDone: () => void): Column<Session>[] => [
  {
    head: 'Browser',
    cell: (session) => (
      <span title={session.label} style={{ whiteSpace: 'normal' }}>
        {browserName(session.label)}
        {session.current && <span className="age"> this one</span>}
      </span>
    ),
  },
  {
    head: 'Since',
    cell: (session) => (
      <span title={moment(session.createdAt)}>
        {day(session.createdAt)}, {hour(session.createdAt)}
      </span>
    ),
  },
  {
    head: <span className="visually-hidden">Act</span>,
    right: true,
    cell: (session) => <SignOut session={session} onDone={onDone} />,
  },
]

export function SessionsCard() {
  const connection = useConnection()
  const headless = connection.kind === 'online' && connection.hello.mode === 'headless'
  const sessions = useQuery({ queryKey: ['sessions'], queryFn: readSessions, enabled: headless })
  if (!headless) return null
  const { dataOption } = connection.hello
  const columns = columnsOf(() => void sessions.refetch())
  return (
    <Card title="Signed-in browsers">
      <Loaded query={sessions}>
        {(rows) =>
          rows.length === 0 ? (
            <Empty title="No browser is signed in.">This page came in by the API token.</Empty>
          ) : (
            <Table caption="Signed-in browsers" columns={columns} rows={rows} rowKey={(session) => session.id} />
          )
        }
      </Loaded>
      <p className="foot">
        A new link for another browser: <code>npm run -s stoker -- link{dataOption}</code>
      </p>
    </Card>
  )
}
