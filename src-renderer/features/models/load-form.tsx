/** Loading a model: one button, and beside it the settings for owners who want to choose them. */
import { Button, NativeSelect, TextInput } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'

import type { Deployment, Model } from '#contract/models.ts'
import { errorText } from '#ui/say.ts'
import { sayDone } from '#ui/notify.ts'

import { useCore } from '../../core-client.ts'
import { CHOSEN, choiceFields, EMPTY_DRAFT, NUMBER_FIELDS, readSettings, type SettingsDraft } from './settings-draft.ts'
import { insteadWords, smallerIn } from './smaller.ts'

function Fields({
  draft,
  problems,
  onDraft,
}: {
  draft: SettingsDraft
  problems: ReturnType<typeof readSettings>['problems']
  onDraft: (draft: SettingsDraft) => void
}) {
  const { rpc } = useCore()
  const hardware = useQuery(rpc.app.hardware.queryOptions({ staleTime: 60_000 })).data
  // Those that the engine sees; as the system lists them until somebody has asked it.
  const gpus = hardware?.devices.filter(({ engine }) => engine !== null).length || (hardware?.gpus.length ?? 0)
  return (
    <div className="fields">
      {NUMBER_FIELDS.map(({ name, label, hint }) => (
        <TextInput
          key={name}
          label={label}
          description={hint}
          placeholder={CHOSEN}
          inputMode="numeric"
          value={draft[name]}
          error={problems[name]}
          onChange={(event) => onDraft({ ...draft, [name]: event.currentTarget.value })}
        />
      ))}
      {choiceFields(draft, gpus).map(({ name, label, hint, options }) => (
        <NativeSelect
          key={name}
          label={label}
          description={hint}
          value={draft[name]}
          data={[{ value: '', label: CHOSEN }, ...options.map(([value, words]) => ({ value, label: words }))]}
          onChange={(event) => onDraft({ ...draft, [name]: event.currentTarget.value })}
        />
      ))}
    </div>
  )
}

/** Why it was not loaded, in the core's words, and what would fit. */
function NotLoaded({
  error,
  onInstead,
}: {
  error: unknown
  onInstead: (settings: Partial<Deployment['settings']>) => void
}) {
  const smaller = smallerIn(error)
  return (
    <div className="banner bad" role="alert" style={{ margin: '10px 0 0' }}>
      <span>{errorText(error)}</span>
      {smaller !== null && (
        <Button size="xs" variant="default" onClick={() => onInstead(smaller)}>
          {insteadWords(smaller)}
        </Button>
      )}
    </div>
  )
}

export function LoadForm({ model, loaded, children }: { model: Model; loaded: boolean; children?: ReactNode }) {
  const { client, queries } = useCore()
  const [draft, setDraft] = useState(EMPTY_DRAFT)
  const { requested, problems } = readSettings(draft)
  const named = Object.keys(requested).length > 0
  const load = useMutation({
    mutationFn: (settings: Partial<Deployment['settings']>) =>
      client.models.deploy({ sha256: model.sha256, ...(Object.keys(settings).length > 0 ? { settings } : {}) }),
    onSuccess: (deployment) => sayDone(`${deployment.modelName} is ${deployment.state}.`),
    onSettled: () => void queries.invalidateQueries({ queryKey: [['models']] }),
  })
  // With the settings left to Stoker a model that does not fit is not tried; an owner who names smaller ones may try.
  const possible =
    model.state === 'ready' && Object.keys(problems).length === 0 && (named || (!loaded && model.memory.fits !== 'no'))
  const offered = !loaded || named
  return (
    <form
      onSubmit={(event) => (event.preventDefault(), possible && load.mutate(requested))}
      style={{ marginTop: 12 }}
      aria-label={`Load ${model.name ?? model.fileName}`}
    >
      <details className="foot">
        <summary>Settings of the deployment</summary>
        <Fields draft={draft} problems={problems} onDraft={setDraft} />
      </details>
      {load.isError && (
        <NotLoaded error={load.error} onInstead={(settings) => load.mutate({ ...requested, ...settings })} />
      )}
      {(offered || children !== undefined) && (
        <div className="btns" style={{ marginTop: 12 }}>
          {offered && (
            <Button type="submit" size="xs" loading={load.isPending} disabled={!possible}>
              {loaded ? 'Load with these settings' : 'Load'}
            </Button>
          )}
          {children}
        </div>
      )}
    </form>
  )
}
