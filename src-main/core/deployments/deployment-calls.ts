/** What the owner can do with deployments: load, unload, keep in memory, try again. */
import { brandId, type DeploymentId } from '#contract/ids.ts'
import type { Deployment } from '#contract/models.ts'
import type { CoreContext } from '#core/core-context.ts'
import type { HardwareService } from '#core/hardware/index.ts'
import type { ModelsService, StoredModel } from '#core/models/index.ts'

import type { Calibrate } from './calibrate-model.ts'
import { chooseSettings, type ChooseDeps } from './choose-settings.ts'
import {
  findOrCreate,
  latestOfModel,
  listDeployments,
  setIdleUnload,
  wantedDeployments,
  type StoredDeployment,
} from './deployments.store.ts'
import {
  holdsFor,
  type DeploymentSettings,
  type Measured,
  type MeasuredHere,
  type SettingsWish,
} from './deployments.ts'
import { summarise, type EngineView } from './engine-summary.ts'
import type { Holder } from './loaded-deployments.ts'
import type { Shelf } from './deployment-repository.ts'

export type CallsContext = Pick<CoreContext, 'rigDb' | 'clock' | 'ids' | 'events'>
export interface CallsParts {
  models: Pick<ModelsService, 'ready'>
  hardware: Pick<HardwareService, 'current'>
  shelf: Shelf
  holder: Holder
  calibrate: Calibrate
  room: Omit<ChooseDeps, 'drop' | 'hardware' | 'measured'>
  /** Those in memory that use this machine's cores. */
  localIds: () => DeploymentId[]
  /** Measure a model before its first load. */
  calibrateOnDeploy: boolean
  engines(): EngineView[]
}

export interface DeploymentCalls {
  list(): Deployment[]
  /** Finds or creates the deployment and loads it. Errors: NOT_FOUND, MODEL_*, ENGINE_*. */
  deploy(sha256: string, wish: SettingsWish): Promise<Deployment>
  /** Error MODEL_IN_USE while it is listed, examined or working: nothing is pulled from under a buyer. */
  unload(deploymentId: string): Promise<Deployment>
  /**
   * The owner's explicit retry after ENGINE_BROKEN, of all that should be in memory; tells the state of the engines as
   * one.
   */
  retryEngine(): Promise<string>
  /**
   * Null keeps it in memory, as every deployment is from the start; otherwise it leaves after so many milliseconds
   * without work.
   */
  keepWarm(deploymentId: string, idleUnloadMs: number | null): Deployment
}

/** A new deployment's row; it has no wish for memory yet. */
export const freshDeployment = (
  { ids, clock }: Pick<CoreContext, 'ids' | 'clock'>,
  part: Pick<StoredDeployment, 'sha256' | 'remote' | 'settings'>,
): StoredDeployment => ({
  deploymentId: brandId<DeploymentId>(ids.next('dep')),
  idleUnloadMs: null,
  createdAt: clock.now(),
  wantedSince: null,
  ...part,
})

/** Settings for a model that was never loaded with such a wish. */
function createChoose({ models, hardware, holder, calibrate, room, localIds, calibrateOnDeploy }: CallsParts) {
  const measured = async (
    model: StoredModel,
    settings: DeploymentSettings,
    until: AbortSignal,
  ): Promise<Measured | null> => {
    const stored = async (): Promise<MeasuredHere | null> => {
      const found = await calibrate.stored(model.sha256)
      return found !== null && holdsFor(settings, found) ? found : null
    }
    const known = await stored()
    // What was measured while other programs ran is used only until there is better. Beside another model the figures
    // would be wrong, and its streams disturbed.
    if (known?.quiet === true || !calibrateOnDeploy || localIds().length > 0) return known
    return holder.exclusive(until, async () => {
      // What waited before this turn may have measured it, or loaded another.
      const meanwhile = await stored()
      if (meanwhile?.quiet === true || localIds().length > 0) return meanwhile
      return (await calibrate.beforeFirstLoad(model, { ...settings, prefixReuse: false }, until)) ?? meanwhile
    })
  }
  return async (
    sha256: string,
    wish: SettingsWish,
    until: AbortSignal,
  ): Promise<{ model: StoredModel; settings: DeploymentSettings }> => {
    const model = await models.ready(sha256)
    // Given back meanwhile, no host is started again for this.
    const engines: ChooseDeps['engines'] = {
      async inspect(path, settings) {
        until.throwIfAborted()
        return room.engines.inspect(path, settings)
      },
      async gpus() {
        until.throwIfAborted()
        return room.engines.gpus()
      },
    }
    const drop = async (id: DeploymentId): Promise<void> => void (await holder.dropIdle(id, 0))
    const deps = {
      ...room,
      engines,
      hardware,
      drop,
      measured: (settings: DeploymentSettings) => measured(model, settings, until),
    }
    return { model, settings: await chooseSettings(deps, model, wish) }
  }
}

export function createCalls(context: CallsContext, parts: CallsParts): DeploymentCalls {
  const { rigDb, events } = context
  const { shelf, holder } = parts
  const choose = createChoose(parts)
  const view = (deploymentId: string): Deployment => shelf.view(shelf.find(deploymentId), holder)
  return {
    list: () => listDeployments(rigDb.read).map((stored) => shelf.view(stored, holder)),
    async deploy(sha256, wish) {
      const until = holder.untilGivenBack()
      const named = Object.values(wish).some((value) => value !== undefined)
      // Without a wish the owner means the one used before: its qualification stays good. A remote one has nothing to
      // choose.
      const latest = latestOfModel(rigDb.read, sha256)
      const known = latest !== null && (!named || latest.remote !== null) ? latest : null
      if (known !== null) {
        await holder.hold(known.deploymentId, until)
        return view(known.deploymentId)
      }
      const { model, settings } = await choose(sha256, wish, until)
      until.throwIfAborted()
      const { deploymentId } = rigDb.tx((db) =>
        findOrCreate(db, freshDeployment(context, { sha256: model.sha256, remote: null, settings })),
      )
      await holder.hold(deploymentId, until)
      return view(deploymentId)
    },
    async unload(deploymentId) {
      await holder.drop(shelf.find(deploymentId).deploymentId)
      return view(deploymentId)
    },
    async retryEngine() {
      await holder.retry(wantedDeployments(rigDb.read).map((stored) => stored.deploymentId))
      return summarise(parts.engines()).kind
    },
    keepWarm(deploymentId, idleUnloadMs) {
      const stored = shelf.find(deploymentId)
      rigDb.tx((db) => setIdleUnload(db, stored.deploymentId, idleUnloadMs))
      holder.touch(deploymentId)
      events.changed('deployments')
      return view(deploymentId)
    },
  }
}
