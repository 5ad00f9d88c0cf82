/** One deployment: where it runs, how fast it is, and what is done with it. */
import { Button } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'

import type { Deployment } from '#contract/models.ts'
import { count } from '#ui/format.ts'
import { sayDone, sayError } from '#ui/notify.ts'
import { Card } from '#ui/page.tsx'
import { Pill, type Tone } from '#ui/pill.tsx'
import { say } from '#ui/say.ts'

import { useCore } from '../../core-client.ts'
import { Faster } from './faster.tsx'
import { KeepWarm } from './keep-warm.tsx'
import { measuresOf, settingsWords } from './measured.ts'
import { Parts } from './parts.tsx'
import { insteadWords } from './smaller.ts'

const TONES: Readonly<Record<Deployment['state'], Tone>> = {
  stopped: 'mute',
  loading: 'hot',
  loaded: 'good',
  failed: 'bad',
}
const REMOTE_WORDS: Readonly<Record<Deployment['state'], string>> = {
  stopped: 'not connected',
  loading: 'connecting',
  loaded: 'connected',
  failed: 'failed',
}

function Acts({ deployment }: { deployment: Deployment }) {
  const { client, queries } = useCore()
  const { deploymentId, sha256, settings, modelName, engine } = deployment
  const on = deployment.state === 'loaded' || deployment.state === 'loading'
  const remote = engine.kind === 'remote'
  const refresh = (): void => void queries.invalidateQueries({ queryKey: [['models']] })
  const change = useMutation({
    mutationFn: () => (on ? client.models.unload({ deploymentId }) : client.models.deploy({ sha256, settings })),
    onError: (error) => sayError(on ? `${modelName} was not unloaded` : `${modelName} was not loaded`, error),
    onSettled: refresh,
  })
  const forget = useMutation({
    mutationFn: () => client.models.remove({ sha256 }),
    onSuccess: () => sayDone('Forgotten, with its keys.'),
    onError: (error) => sayError('It was not forgotten', error),
    onSettled: refresh,
  })
  const word = remote ? (on ? 'Disconnect' : 'Connect') : on ? 'Unload' : 'Load'
  return (
    <>
      {remote && !on && (
        <Button
          size="compact-sm"
          variant="default"
          loading={forget.isPending}
          onClick={() => forget.mutate()}
          aria-label={`Forget ${modelName}`}
        >
          Forget
        </Button>
      )}
      <Button
        size="compact-sm"
        variant="default"
        loading={change.isPending}
        onClick={() => change.mutate()}
        aria-label={`${word} ${modelName}`}
      >
        {word}
      </Button>
    </>
  )
}

/** Why it is not in memory, and what would fit instead. */
function Failure({ deployment: { deploymentId, sha256, settings, detail, smaller } }: { deployment: Deployment }) {
  const { client, queries } = useCore()
  const load = useMutation({
    mutationFn: (size: NonNullable<Deployment['smaller']>) =>
      client.models.deploy({ sha256, settings: { ...settings, ...size } }),
    onSuccess: (loaded) => sayDone(`${loaded.modelName} is ${loaded.state}.`),
    onError: (error) => sayError('The model was not loaded', error),
    onSettled: () => void queries.invalidateQueries({ queryKey: [['models']] }),
  })
  return (
    <div className="banner bad" style={{ margin: '10px 0 0' }} data-deployment={deploymentId}>
      <span>{detail === null ? 'It could not be loaded; the log of the rig has the details.' : say(detail)}</span>
      {smaller !== null && (
        <Button size="xs" variant="default" loading={load.isPending} onClick={() => load.mutate(smaller)}>
          {insteadWords(smaller)}
        </Button>
      )}
    </div>
  )
}

function Measures({ deployment }: { deployment: Deployment }) {
  return (
    <dl className="measures">
      {measuresOf(deployment).map(({ name, value, foot }) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd className={/\d/.test(value) ? 'num' : 'none'}>{value}</dd>
          {foot !== null && <dd className="age num">{foot}</dd>}
        </div>
      ))}
    </dl>
  )
}

export function DeploymentCard({ deployment }: { deployment: Deployment }) {
  const { engine, state, detail, settings, modelName } = deployment
  const remote = engine.kind === 'remote'
  const device = !remote && state === 'loaded' && detail !== null ? ` · ${say(detail)}` : ''
  return (
    <Card
      // Two deployments of one model differ in their settings: so must their names.
      label={`${modelName}, ${count(settings.slots)} × ${count(settings.contextTokens)} (${deployment.deploymentId})`}
      title={
        <>
          {remote ? engine.model : modelName}{' '}
          <span className="age">{remote ? 'on other servers' : 'on this machine'}</span>
        </>
      }
      aside={
        <span className="btns">
          <Pill tone={TONES[state]}>{remote ? REMOTE_WORDS[state] : state}</Pill>
          <Acts deployment={deployment} />
        </span>
      }
    >
      <p className="sub">
        {settingsWords(deployment)}
        {device}
      </p>
      {state === 'loading' && detail !== null && <p className="foot">{say(detail)}</p>}
      {state === 'failed' && <Failure deployment={deployment} />}
      {state === 'loaded' && <Measures deployment={deployment} />}
      <Faster deployment={deployment} />
      {deployment.processes.length > 0 && <Parts deployment={deployment} />}
      {state === 'loaded' && <KeepWarm deployment={deployment} />}
    </Card>
  )
}
