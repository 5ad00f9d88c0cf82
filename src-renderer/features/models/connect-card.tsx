/** Models on other servers that speak the OpenAI API: address and key, then one of the models they offer. */
import { Button, NativeSelect, TextInput } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'

import { errorText } from '#ui/say.ts'
import { sayDone } from '#ui/notify.ts'
import { Card } from '#ui/page.tsx'

import { useCore } from '../../core-client.ts'
import { EndpointFields } from './endpoint-fields.tsx'
import {
  contextProblem,
  EMPTY_ENDPOINT,
  EMPTY_REMOTE,
  type EndpointDraft,
  ENDPOINTS_MAX,
  readKey,
  readRemote,
  readUrl,
  type RemoteDraft,
  type RequestedRemote,
} from './remote-draft.ts'

interface Offered {
  id: string
  contextTokens: number | null
}

/** Which model, and how much of a conversation a job may have there. */
function Choice({
  offered,
  draft,
  onDraft,
}: {
  offered: readonly Offered[]
  draft: RemoteDraft
  onDraft: (draft: RemoteDraft) => void
}) {
  if (offered.length === 0)
    return <p className="foot">This server answers, and names no model. Load one there, then look again.</p>
  const choose = (model: string): void => {
    const known = offered.find(({ id }) => id === model)?.contextTokens ?? null
    onDraft({ ...draft, model, contextTokens: known === null ? draft.contextTokens : String(known) })
  }
  return (
    <div className="fields">
      <NativeSelect
        label="Model"
        description={`${offered.length === 1 ? 'the one' : `one of the ${offered.length}`} it offers`}
        value={draft.model}
        data={[{ value: '', label: 'choose one' }, ...offered.map(({ id }) => ({ value: id, label: id }))]}
        onChange={(event) => choose(event.currentTarget.value)}
      />
      <TextInput
        label="Context"
        description="tokens of one job, as the server is set"
        inputMode="numeric"
        value={draft.contextTokens}
        error={contextProblem(draft.contextTokens)}
        onChange={(event) => onDraft({ ...draft, contextTokens: event.currentTarget.value })}
      />
    </div>
  )
}

function useConnect(onConnected: () => void) {
  const { client, queries } = useCore()
  return useMutation({
    mutationFn: (requested: RequestedRemote) => client.models.connectRemote(requested),
    onSuccess: (deployment) => {
      sayDone(`Connected: ${deployment.modelName}.`)
      onConnected()
    },
    onSettled: () => void queries.invalidateQueries({ queryKey: [['models']] }),
    // The keys of a settled call are not kept in the page.
    gcTime: 0,
  })
}

export function ConnectCard() {
  const { client } = useCore()
  const [draft, setDraft] = useState(EMPTY_REMOTE)
  const look = useMutation({
    mutationFn: (at: { url: string; key: string | null }) => client.models.remoteModels(at),
    gcTime: 0,
  })
  const connect = useConnect(() => (setDraft(EMPTY_REMOTE), look.reset()))
  const [first = EMPTY_ENDPOINT] = draft.endpoints
  const url = readUrl(first.url)
  const requested = look.data === undefined ? null : readRemote(draft)
  const change = (at: number, endpoint: EndpointDraft): void => {
    connect.reset()
    // Another server, or another key: what was offered is not known to hold any more.
    const asked = at === 0 && (endpoint.url !== first.url || endpoint.key !== first.key)
    if (asked) look.reset()
    setDraft({
      ...draft,
      ...(asked ? { model: '' } : {}),
      endpoints: draft.endpoints.map((each, index) => (index === at ? endpoint : each)),
    })
  }
  const onLook = (): void => {
    if (url === null) return
    connect.reset()
    look.mutate(
      { url, key: readKey(first.key) },
      {
        onSuccess: ([only, ...more]) =>
          only !== undefined &&
          more.length === 0 &&
          setDraft({ ...draft, model: only.id, contextTokens: String(only.contextTokens ?? '') }),
      },
    )
  }
  const error = connect.error ?? look.error
  return (
    <Card
      title="Connect a server"
      aside={<span className="age">vLLM, llama.cpp, Ollama: any that speaks the OpenAI API</span>}
    >
      <form
        onSubmit={(event) => (event.preventDefault(), requested === null ? onLook() : connect.mutate(requested))}
        aria-label="Connect a server"
      >
        <div className="column">
          {draft.endpoints.map((endpoint, index) => (
            <EndpointFields
              key={index}
              number={index + 1}
              of={draft.endpoints.length}
              endpoint={endpoint}
              onChange={(next) => change(index, next)}
              onRemove={() => {
                if (index === 0) look.reset()
                setDraft({ ...draft, endpoints: draft.endpoints.filter((_, at) => at !== index) })
              }}
            />
          ))}
        </div>
        <div aria-live="polite">
          {error !== null && (
            <p className="banner bad" role="alert" style={{ margin: '12px 0 0' }}>
              {errorText(error)}
            </p>
          )}
          {look.data !== undefined && <Choice offered={look.data} draft={draft} onDraft={setDraft} />}
        </div>
        <div className="btns" style={{ marginTop: 12 }}>
          {/* The return key does what comes next: a disabled submit button would swallow it. */}
          <Button
            type={requested === null ? 'submit' : 'button'}
            variant="default"
            loading={look.isPending}
            disabled={url === null}
            onClick={requested === null ? undefined : onLook}
          >
            Look for models
          </Button>
          {draft.endpoints.length < ENDPOINTS_MAX && (
            <Button
              variant="default"
              onClick={() => setDraft({ ...draft, endpoints: [...draft.endpoints, EMPTY_ENDPOINT] })}
            >
              Add a server
            </Button>
          )}
          <Button
            type={requested === null ? 'button' : 'submit'}
            loading={connect.isPending}
            disabled={requested === null}
          >
            Connect
          </Button>
        </div>
      </form>
      <p className="foot">
        Several servers with the same model share its jobs. A key is kept on this rig and never shown; buyers are told
        that nobody attests what runs there.
      </p>
    </Card>
  )
}
