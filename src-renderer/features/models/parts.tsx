/** What serves a deployment: engine processes on this machine, or endpoints elsewhere. */
import type { Deployment } from '#contract/models.ts'
import { memory } from '#ui/format.ts'
import { Pill } from '#ui/pill.tsx'
import { type Column, Table } from '#ui/table.tsx'

import { partState } from './measured.ts'

type Part = Deployment['processes'][number]

const stateColumn = (kind: Deployment['engine']['kind']): Column<Part> => ({
  head: 'State',
  cell: ({ state }) => {
    const [tone, word] = partState(kind, state)
    return <Pill tone={tone}>{word}</Pill>
  },
})
const jobsColumn: Column<Part> = { head: 'Jobs', right: true, cell: ({ running, slots }) => `${running} of ${slots}` }

const LOCAL: readonly Column<Part>[] = [
  {
    head: 'Process',
    cell: ({ name, pid, rssBytes }) => (
      <>
        {name}
        {pid !== null && (
          <div className="age num">
            pid {pid}
            {rssBytes > 0 && `, ${memory(rssBytes)}`}
          </div>
        )}
      </>
    ),
  },
  stateColumn('local'),
  jobsColumn,
  { head: 'Threads in use', right: true, cell: ({ threads }) => (threads === 0 ? 'not known' : threads) },
]

const remoteColumns = (keyed: ReadonlySet<string>): readonly Column<Part>[] => [
  {
    head: 'Server',
    cell: ({ name }) => (
      <>
        <span className="mono">{name}</span>
        <div className="age">{keyed.has(name) ? 'with a key' : 'without a key'}</div>
      </>
    ),
  },
  stateColumn('remote'),
  jobsColumn,
]

export function Parts({ deployment: { deploymentId, engine, processes, modelName } }: { deployment: Deployment }) {
  const remote = engine.kind === 'remote'
  const columns =
    engine.kind === 'remote'
      ? remoteColumns(new Set(engine.endpoints.filter(({ hasKey }) => hasKey).map(({ url }) => url)))
      : LOCAL
  return (
    <Table
      caption={`${remote ? 'Servers' : 'Processes'} of ${modelName} (${deploymentId})`}
      columns={columns}
      rows={processes}
      rowKey={({ name, pid }) => `${name} ${pid}`}
    />
  )
}
