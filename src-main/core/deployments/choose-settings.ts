/**
 * Chooses settings for a model nobody chose any for: where it begins, what was measured, and made smaller until the
 * engine's own estimate fits the free memory.
 */
import type { StoredModel } from '#core/models/index.ts'

import {
  smallerSettings,
  withMeasured,
  withRequested,
  type DeploymentSettings,
  type MeasuredSettings,
  type RequestedSettings,
} from './deployments.ts'
import { evictUntilFits, surelyFits, type MemoryBudgetDeps } from './memory-budget.ts'
import { startingSettings, type StartDeps } from './starting-settings.ts'

export interface ChooseDeps extends MemoryBudgetDeps, StartDeps {
  engines: StartDeps['engines']
  /** What was measured of the model here; asked with the settings chosen so far. */
  measured(settings: DeploymentSettings): Promise<MeasuredSettings | null>
}

/**
 * Fields the owner named are kept as they are; slots, context or cache type named, nothing is made smaller. Error
 * BAD_REQUEST: see startingSettings.
 */
export async function chooseSettings(
  deps: ChooseDeps,
  model: StoredModel,
  requested: RequestedSettings,
): Promise<DeploymentSettings> {
  const start = await startingSettings(deps, model, requested)
  const measured = [requested.threads, requested.processes, requested.gpus].every((value) => value === undefined)
    ? await deps.measured(start)
    : null
  const settings = measured === null ? start : withMeasured(start, measured, requested)
  const named = [requested.slots, requested.contextTokens, requested.kvType].some((value) => value !== undefined)
  if (named || surelyFits(model, settings, deps.freeBytes())) return settings
  for (const smaller of smallerSettings(settings)) {
    const candidate = withRequested(smaller, requested)
    // Idle models are evicted before this one is made smaller.
    const memory = await evictUntilFits(deps, model, candidate)
    if (memory?.fits !== 'no') return candidate
  }
  return settings
}
