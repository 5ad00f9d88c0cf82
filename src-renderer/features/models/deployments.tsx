/** Every deployment as a card: those in memory first. */
import { Button } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'

import type { Deployment } from '#contract/models.ts'
import type { Reason } from '#contract/reasons.ts'
import { sayError } from '#ui/notify.ts'
import { say } from '#ui/say.ts'

import { useCore, useLive } from '../../core-client.ts'
import { DeploymentCard } from './deployment-card.tsx'

/** The engine gave up after three crashes: the owner says when to try again. */
function BrokenEngine({ detail }: { detail: Reason | null }) {
  const { client } = useCore()
  const retry = useMutation({
    mutationFn: () => client.models.retryEngine(),
    onError: (error) => sayError('The engine did not start', error),
  })
  return (
    <div className="banner bad" role="alert">
      <span>
        <b>The engine stopped after repeated crashes.</b> {detail !== null && say(detail)}
      </span>
      <Button size="xs" variant="default" loading={retry.isPending} onClick={() => retry.mutate()}>
        Start it again
      </Button>
    </div>
  )
}

const RANK: Readonly<Record<Deployment['state'], number>> = { loaded: 0, loading: 1, failed: 2, stopped: 3 }

export function Deployments({ deployments }: { deployments: readonly Deployment[] }) {
  const engine = useLive()?.value.engine
  const ordered = [...deployments].sort((a, b) => RANK[a.state] - RANK[b.state] || b.createdAt - a.createdAt)
  return (
    <>
      {engine?.kind === 'broken' && <BrokenEngine detail={engine.detail} />}
      {ordered.length > 0 && <h2 className="group">Deployments: a model with its settings</h2>}
      <div className={ordered.length === 1 ? 'grid' : 'grid g2'} style={{ alignItems: 'start' }}>
        {ordered.map((deployment) => (
          <DeploymentCard key={deployment.deploymentId} deployment={deployment} />
        ))}
      </div>
    </>
  )
}
