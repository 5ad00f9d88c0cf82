import { Button } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'

import type { Deployment } from '#contract/models.ts'
import { count, memory } from '#ui/format.ts'
import { Empty } from '#ui/loaded.tsx'
import { sayError } from '#ui/notify.ts'
import { Pill, type Tone } from '#ui/pill.tsx'
import { type Column, Table } from '#ui/table.tsx'

import { useCore, useLive } from '../../core.ts'

const TONES: Readonly<Record<Deployment['state'], Tone>> = { stopped: 'mute', loading: 'hot', loaded: 'good', failed: 'bad' }

function Switch({ deployment }: { deployment: Deployment }) {
  const { client, queries } = useCore()
  const on = deployment.state === 'loaded' || deployment.state === 'loading'
  const change = useMutation({
    mutationFn: () => (on ? client.models.unload({ deploymentId: deployment.deploymentId }) : client.models.deploy({ sha256: deployment.sha256, settings: deployment.settings })),
    onError: (error) => sayError(on ? 'The model was not unloaded' : 'The model was not loaded', error),
    onSettled: () => void queries.invalidateQueries({ queryKey: [['models']] }),
  })
  return (
    <Button size="compact-xs" variant="default" loading={change.isPending} onClick={() => change.mutate()} aria-label={`${on ? 'Unload' : 'Load'} ${deployment.modelName}`}>
      {on ? 'Unload' : 'Load'}
    </Button>
  )
}

/** The core's word for every layer the model has. */
const ALL_LAYERS = 1_000

const COLUMNS: readonly Column<Deployment>[] = [
  { head: 'Model', cell: (deployment) => deployment.modelName },
  {
    head: 'State',
    cell: (deployment) => (
      <>
        <Pill tone={TONES[deployment.state]}>{deployment.state}</Pill>
        {deployment.detail !== null && <div className="age">{deployment.detail}</div>}
      </>
    ),
  },
  { head: 'Context', right: true, cell: ({ settings }) => count(settings.contextTokens) },
  { head: 'Slots', right: true, cell: ({ settings }) => settings.slots },
  { head: 'Threads', right: true, cell: ({ settings }) => settings.threads },
  { head: 'GPU layers', right: true, cell: ({ settings }) => (settings.gpuLayers >= ALL_LAYERS ? 'all' : settings.gpuLayers) },
  { head: 'Memory', right: true, cell: ({ rssBytes }) => (rssBytes === null ? 'not loaded' : memory(rssBytes)) },
  { head: <span className="visually-hidden">Act</span>, right: true, cell: (deployment) => <Switch deployment={deployment} /> },
]

/** The engine gave up after three crashes: the owner says when to try again. */
function BrokenEngine({ detail }: { detail: string | null }) {
  const { client } = useCore()
  const retry = useMutation({ mutationFn: () => client.models.retryEngine(), onError: (error) => sayError('The engine did not start', error) })
  return (
    <div className="banner bad" role="alert">
      <span>
        <b>The engine stopped after repeated crashes.</b> {detail}
      </span>
      <Button size="xs" variant="default" loading={retry.isPending} onClick={() => retry.mutate()}>
        Start it again
      </Button>
    </div>
  )
}

export function Deployments({ deployments }: { deployments: readonly Deployment[] }) {
  const engine = useLive()?.value.engine
  return (
    <>
      {engine?.kind === 'broken' && <BrokenEngine detail={engine.detail} />}
      {deployments.length === 0 ? (
        <Empty title="No model was loaded yet.">Load one above: context, slots and threads are chosen from the machine.</Empty>
      ) : (
        <Table caption="Deployments" columns={COLUMNS} rows={deployments} rowKey={(deployment) => deployment.deploymentId} />
      )}
    </>
  )
}
