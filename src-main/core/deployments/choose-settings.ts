/** Chooses settings for a model nobody chose any for: the defaults, made smaller until the engine's own estimate fits the free memory. */
import { availableParallelism } from 'node:os'

import type { EnginePort } from '#core/engine/engine.port.ts'
import type { HardwareFace } from '#core/hardware/index.ts'
import type { StoredModel } from '#core/models/index.ts'

import { defaultSettings, smallerSettings, withWish, type DeploymentSettings, type SettingsWish } from './deployments.ts'

/** Fields the owner named are kept as they are, so then nothing is made smaller. */
export async function chooseSettings({ engine, hardware }: { engine: EnginePort; hardware: HardwareFace }, model: StoredModel, wish: SettingsWish): Promise<DeploymentSettings> {
  const free = await hardware.current().then(
    ({ gpus }) => gpus.map((gpu) => gpu.memoryFreeBytes).filter((bytes) => bytes !== null),
    () => [],
  )
  const defaults = defaultSettings(model, { cores: availableParallelism(), gpuFreeBytes: free.length === 0 ? null : Math.max(...free) })
  const settings = withWish(defaults, wish)
  const named = Object.values(wish).some((value) => value !== undefined)
  // What another model holds now becomes free when this one takes its place: the estimate would be too dark.
  if (named || engine.state().kind === 'loaded') return settings
  for (const smaller of smallerSettings(settings)) {
    const { memory } = await engine.inspect(model.path, smaller)
    if (memory.fits !== 'no') return smaller
  }
  return settings
}
