/** Which model of the first run is chosen. Pure. */
import type { Model } from '#contract/models.ts'

type Choosable = Pick<Model, 'sha256' | 'state' | 'bundled'> & { memory: Pick<Model['memory'], 'fits'> }

/**
 * The owner's pick while it can be used, else the bundled model, else the first that can be; derived each time, because
 * the bundled one is registered seconds after a cold start.
 */
export function chosenModel(models: readonly Choosable[], picked: Model['sha256'] | null): Model['sha256'] | null {
  const usable = models.filter((model) => model.state === 'ready' && model.memory.fits !== 'no')
  const model = usable.find((each) => each.sha256 === picked) ?? usable.find((each) => each.bundled) ?? usable[0]
  return model?.sha256 ?? null
}
