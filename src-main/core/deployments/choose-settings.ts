/**
 * Chooses settings for a model nobody chose any for: where it begins, what was measured, and made smaller until the
 * engine's own estimate fits the free memory.
 */
import type { StoredModel } from '#core/models/index.ts'

import {
  smallerSettings,
  withMeasured,
  withWish,
  type DeploymentSettings,
  type Measured,
  type SettingsWish,
} from './deployments.ts'
import { leaveUntilFits, surelyFits, type RoomDeps } from './memory-budget.ts'
import { startingSettings, type StartDeps } from './starting-settings.ts'

export interface ChooseDeps extends RoomDeps, StartDeps {
  engines: StartDeps['engines']
  /** What was measured of the model here; asked with the settings chosen so far. */
  measured(settings: DeploymentSettings): Promise<Measured | null>
}

/**
 * Fields the owner named are kept as they are; slots, context or cache type named, nothing is made smaller. Error
 * BAD_REQUEST: see startingSettings.
 */
export async function chooseSettings(
  deps: ChooseDeps,
  model: StoredModel,
  wish: SettingsWish,
): Promise<DeploymentSettings> {
  const start = await startingSettings(deps, model, wish)
  const measured = [wish.threads, wish.processes, wish.gpus].every((value) => value === undefined)
    ? await deps.measured(start)
    : null
  const settings = measured === null ? start : withMeasured(start, measured, wish)
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
