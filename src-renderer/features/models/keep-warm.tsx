/** How long a model without work stays in memory. */
import { NativeSelect } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'

import type { Deployment } from '#contract/models.ts'
import { MINUTE_MS } from '#contract/time.ts'
import { sayError } from '#ui/notify.ts'
import { duration } from '#ui/format-time.ts'

import { useCore } from '../../core-client.ts'
import { idleChoices } from './idle.ts'

const KEEP = 'keep'

export function KeepWarm({
  deployment: { deploymentId, idleUnloadMs, engine, modelName },
}: {
  deployment: Deployment
}) {
  const { client, queries } = useCore()
  const change = useMutation({
    mutationFn: (requested: number | null) => client.models.keepWarm({ deploymentId, idleUnloadMs: requested }),
    onError: (error) => sayError('This was not changed', error),
    onSettled: () => void queries.invalidateQueries({ queryKey: [['models', 'deployments']] }),
  })
  const remote = engine.kind === 'remote'
  // What was just chosen stands at once; the core's answer follows.
  const shown = change.isPending ? change.variables : idleUnloadMs
  return (
    <div className="warm">
      <NativeSelect
        size="xs"
        label={
          <>
            When idle<span className="visually-hidden">, {modelName}</span>
          </>
        }
        value={shown === null ? KEEP : String(shown)}
        disabled={change.isPending}
        data={[
          { value: KEEP, label: remote ? 'stay connected' : 'keep in memory' },
          ...idleChoices(idleUnloadMs).map((ms) => ({
            value: String(ms),
            label: `${remote ? 'disconnect' : 'unload'} after ${duration(ms)}`,
          })),
        ]}
        onChange={({ currentTarget: { value } }) =>
          change.mutate(value === KEEP ? null : Math.max(MINUTE_MS, Number(value)))
        }
      />
      <span className="age">While listed it always stays.</span>
    </div>
  )
}
