/** The owner's own use: an OpenAI-compatible address on this machine, off until switched on. The key is shown once. */
import { Button, CopyButton, Switch, TextInput } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useState } from 'react'

import type { OwnUse } from '#contract/app.ts'
import { Loaded } from '#ui/loaded.tsx'
import { sayError } from '#ui/notify.ts'
import { Card } from '#ui/page.tsx'
import { day } from '#ui/format-time.ts'
import { say } from '#ui/say.ts'

import { useCore } from '../../core-client.ts'

const PORT_MIN = 1_024
const PORT_MAX = 65_535

function Copied({ text, what }: { text: string; what: string }) {
  return (
    <span className="btns">
      <code className="mono" style={{ overflowWrap: 'anywhere' }}>
        {text}
      </code>
      <CopyButton value={text}>
        {({ copied, copy }) => (
          <Button size="compact-xs" variant="default" onClick={copy} aria-label={`Copy the ${what}`}>
            {copied ? 'Copied' : 'Copy'}
          </Button>
        )}
      </CopyButton>
    </span>
  )
}

function Key({ keyMadeAt }: { keyMadeAt: number | null }) {
  const { client, queries } = useCore()
  const make = useMutation({
    mutationFn: () => client.app.ownUseKey(),
    onError: (error) => sayError('No key was made', error),
    onSettled: () => void queries.invalidateQueries({ queryKey: [['app', 'ownUse']] }),
  })
  return (
    <>
      {make.data !== undefined && (
        <output className="banner act" style={{ margin: 0 }}>
          <span>
            <b>Copy this key now; it is not shown again.</b> <Copied text={make.data.key} what="key" />
          </span>
        </output>
      )}
      <div className="btns">
        <Button size="xs" variant="default" loading={make.isPending} onClick={() => make.mutate()}>
          {keyMadeAt === null ? 'Make a key' : 'Make a new key'}
        </Button>
        <span className="age">
          {keyMadeAt === null ? 'no key yet: nobody can call' : `made ${day(keyMadeAt)}; a new one ends it`}
        </span>
      </div>
    </>
  )
}

function Form({ ownUse }: { ownUse: OwnUse }) {
  const { client, queries } = useCore()
  const [port, setPort] = useState(String(ownUse.port))
  const change = useMutation({
    mutationFn: (requested: { enabled?: boolean; port?: number }) => client.app.setOwnUse(requested),
    onError: (error) => sayError('Own use was not changed', error),
    onSettled: () => void queries.invalidateQueries({ queryKey: [['app', 'ownUse']] }),
  })
  const number = /^\d{1,5}$/.test(port.trim()) ? Number(port) : Number.NaN
  const valid = number >= PORT_MIN && number <= PORT_MAX
  return (
    <div className="column">
      <Switch
        label="Answer OpenAI clients on this machine"
        description="Chat, completions, embeddings where the model can. Own use goes before jobs; nothing is billed."
        checked={ownUse.enabled}
        disabled={change.isPending}
        onChange={(event) => change.mutate({ enabled: event.currentTarget.checked })}
      />
      {ownUse.problem !== null && (
        <p className="banner bad" role="alert" style={{ margin: 0 }}>
          {say(ownUse.problem)}
        </p>
      )}
      {ownUse.url !== null && (
        <dl className="facts">
          <dt>Base URL</dt>
          <dd>
            <Copied text={ownUse.url} what="address" />
          </dd>
        </dl>
      )}
      <form
        className="btns"
        style={{ alignItems: 'flex-end' }}
        onSubmit={(event) => (event.preventDefault(), valid && change.mutate({ port: number }))}
      >
        <TextInput
          style={{ flex: '0 1 9rem' }}
          label="Port"
          inputMode="numeric"
          value={port}
          error={valid ? null : `${PORT_MIN} to ${PORT_MAX}`}
          onChange={(event) => setPort(event.currentTarget.value)}
        />
        <Button type="submit" variant="default" loading={change.isPending} disabled={!valid || number === ownUse.port}>
          Use this port
        </Button>
      </form>
    </div>
  )
}

export function OwnUseCard() {
  const { rpc } = useCore()
  const ownUse = useQuery(rpc.app.ownUse.queryOptions())
  return (
    <Card title="Own use">
      <Loaded query={ownUse}>
        {(data) => (
          <div className="column">
            <Form key={data.port} ownUse={data} />
            {/* Outside of the form, so that another port does not take a key away that was not copied yet. */}
            <Key keyMadeAt={data.keyMadeAt} />
            <p className="foot" style={{ margin: 0 }}>
              Give any OpenAI client this base URL and the key. It listens on 127.0.0.1 only: no other machine can reach
              it. After you take the machine back, calls are refused until a model is loaded again.
            </p>
          </div>
        )}
      </Loaded>
    </Card>
  )
}
