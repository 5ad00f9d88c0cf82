/** Chooses settings for a model nobody chose any for: the defaults, made smaller until the engine's own estimate fits the free memory. */
import { availableParallelism } from 'node:os'

import type { HardwareFace } from '#core/hardware/index.ts'
import type { StoredModel } from '#core/models/index.ts'

import { defaultSettings, smallerSettings, withWish, type DeploymentSettings, type MachineFacts, type Measured, type SettingsWish } from './deployments.ts'
import { leaveUntilFits, surelyFits, type RoomDeps } from './room.ts'

export interface ChooseDeps extends RoomDeps {
  hardware: Pick<HardwareFace, 'current'>
  /** What was measured of the model here; asked with the settings chosen so far. */
  measured(settings: DeploymentSettings): Promise<Measured | null>
}

/** What may be used now. */
export async function machineFacts(hardware: Pick<HardwareFace, 'current'>): Promise<MachineFacts> {
  const free = await hardware.current().then(
    ({ gpus }) => gpus.map((gpu) => gpu.memoryFreeBytes).filter((bytes) => bytes !== null),
    () => [],
  )
  return { cores: availableParallelism(), gpuFreeBytes: free.length === 0 ? null : free.reduce((sum, bytes) => sum + bytes, 0) }
}

/** Fields the owner named are kept as they are; slots, context or cache type named, nothing is made smaller. */
export async function chooseSettings(deps: ChooseDeps, model: StoredModel, wish: SettingsWish): Promise<DeploymentSettings> {
  const machine = await machineFacts(deps.hardware)
  // Only a partial offload must know the blocks, and only the header knows them.
  const layers =
    machine.gpuFreeBytes === null
      ? null
      : await deps.engines.inspect(model.path).then(
          (inspection) => inspection.layers ?? null,
          () => null,
        )
  const facts = { ...model, layers }
  const first = withWish(defaultSettings(facts, machine), wish)
  const measured = wish.threads === undefined && wish.processes === undefined ? await deps.measured(first) : null
  const settings = measured === null ? first : withWish(defaultSettings(facts, machine, measured), wish)
  const named = [wish.slots, wish.contextTokens, wish.kvType].some((value) => value !== undefined)
  if (named || surelyFits(model, settings, deps.freeBytes())) return settings
  for (const smaller of smallerSettings(settings)) {
    const wanted = withWish(smaller, wish)
    // Idle models leave before this one is made smaller.
    const memory = await leaveUntilFits(deps, model, wanted)
    if (memory?.fits !== 'no') return wanted
  }
  return settings
}
