/**
 * What a newer measurement of this machine would change in a deployment's settings, and one button that loads it so.
 */
import { Button } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'

import type { Deployment } from '#contract/models.ts'
import { sayDone, sayError } from '#ui/notify.ts'

import { useCore } from '../../core-client.ts'
import { fasterWords } from './measured.ts'

export function Faster({ deployment: { sha256, settings, measured } }: { deployment: Deployment }) {
  const { client, queries } = useCore()
  const load = useMutation({
    mutationFn: (faster: NonNullable<Deployment['measured']>) =>
      client.models.deploy({ sha256, settings: { ...settings, ...faster } }),
    onSuccess: (loaded) => sayDone(`${loaded.modelName} is ${loaded.state} with the measured settings.`),
    onError: (error) => sayError('The model was not loaded', error),
    onSettled: () => void queries.invalidateQueries({ queryKey: [['models']] }),
  })
  if (measured === null || measured === undefined) return null
  return (
    <div className="btns" style={{ margin: '10px 0' }}>
      <Button
        size="compact-sm"
        variant="default"
        className="wraps"
        loading={load.isPending}
        onClick={() => load.mutate(measured)}
      >
        Load with {fasterWords(measured)}
      </Button>
      <span className="age">measured as faster here; this deployment stays as it is</span>
    </div>
  )
}
