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
  appliesTo,
  type DeploymentSettings,
  type MeasuredSettings,
  type SettingsMeasurement,
  type RequestedSettings,
} from './deployments.ts'
import { summarise, type EngineView } from './engine-summary.ts'
import type { LoadedDeployments } from './loaded-deployments.ts'
import type { DeploymentRepository } from './deployment-repository.ts'

export type CallsContext = Pick<CoreContext, 'rigDb' | 'clock' | 'ids' | 'events'>
export interface DeploymentCallsDeps {
  models: Pick<ModelsService, 'ready'>
  hardware: Pick<HardwareService, 'current'>
  repository: DeploymentRepository
  loaded: LoadedDeployments
  calibrate: Calibrate
  view(this: void, stored: StoredDeployment): Deployment
  memory: Omit<ChooseDeps, 'evict' | 'hardware' | 'measured'>
  /** Those in memory that use this machine's cores. */
  localIds: () => DeploymentId[]
  /** Measure a model before its first load. */
  calibrateOnDeploy: boolean
  engines(): EngineView[]
}

export interface DeploymentCalls {
  list(): Deployment[]
  /** Finds or creates the deployment and loads it. Errors: NOT_FOUND, MODEL_*, ENGINE_*. */
  deploy(sha256: string, requested: RequestedSettings): Promise<Deployment>
  /** Error MODEL_IN_USE while it is listed, examined or working: nothing is pulled from under a buyer. */
  unload(deploymentId: string): Promise<Deployment>
  /**
   * The owner's explicit retry after ENGINE_BROKEN, of all that should be in memory; returns the state of the engines
   * as one.
   */
  retryEngine(): Promise<string>
  /**
   * Null keeps it in memory, as every deployment is from the start; otherwise it is unloaded after so many
   * milliseconds without work.
   */
  keepWarm(deploymentId: string, idleUnloadMs: number | null): Deployment
}

/** A new deployment's row; nobody wants it in memory yet. */
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

/** Chooses settings for a model that was never loaded as requested now. */
function createChoose({
  models,
  hardware,
  loaded,
  calibrate,
  memory,
  localIds,
  calibrateOnDeploy,
}: DeploymentCallsDeps) {
  const measured = async (
    model: StoredModel,
    settings: DeploymentSettings,
    givenBack: AbortSignal,
  ): Promise<MeasuredSettings | null> => {
    const stored = async (): Promise<SettingsMeasurement | null> => {
      const found = await calibrate.stored(model.sha256)
      return found !== null && appliesTo(settings, found) ? found : null
    }
    const known = await stored()
    // What was measured while other programs ran is used only until there is better. Beside another model the figures
    // would be wrong, and its streams disturbed.
    if (known?.quiet === true || !calibrateOnDeploy || localIds().length > 0) return known
    return loaded.exclusive(givenBack, async () => {
      // What waited before this turn may have measured it, or loaded another.
      const meanwhile = await stored()
      if (meanwhile?.quiet === true || localIds().length > 0) return meanwhile
      return (await calibrate.beforeFirstLoad(model, { ...settings, prefixReuse: false }, givenBack)) ?? meanwhile
    })
  }
  return async (
    sha256: string,
    requested: RequestedSettings,
    givenBack: AbortSignal,
  ): Promise<{ model: StoredModel; settings: DeploymentSettings }> => {
    const model = await models.ready(sha256)
    // Given back meanwhile, no host is started again for this.
    const engines: ChooseDeps['engines'] = {
      async inspect(path, settings) {
        givenBack.throwIfAborted()
        return memory.engines.inspect(path, settings)
      },
      async gpus() {
        givenBack.throwIfAborted()
        return memory.engines.gpus()
      },
    }
    const evict = async (id: DeploymentId): Promise<void> => void (await loaded.unloadIdle(id, 0))
    const deps = {
      ...memory,
      engines,
      hardware,
      evict,
      measured: (settings: DeploymentSettings) => measured(model, settings, givenBack),
    }
    return { model, settings: await chooseSettings(deps, model, requested) }
  }
}

export function createCalls(context: CallsContext, deps: DeploymentCallsDeps): DeploymentCalls {
  const { rigDb, events } = context
  const { repository, loaded } = deps
  const choose = createChoose(deps)
  const view = (deploymentId: string): Deployment => deps.view(repository.get(deploymentId))
  return {
    list: () => listDeployments(rigDb.read).map(deps.view),
    async deploy(sha256, requested) {
      const givenBack = loaded.givenBackSignal()
      const named = Object.values(requested).some((value) => value !== undefined)
      // Where nothing is requested the owner means the one used before: its qualification stays good. A remote one has
      // nothing to choose.
      const latest = latestOfModel(rigDb.read, sha256)
      const known = latest !== null && (!named || latest.remote !== null) ? latest : null
      if (known !== null) {
        await loaded.ensureLoaded(known.deploymentId, givenBack)
        return view(known.deploymentId)
      }
      const { model, settings } = await choose(sha256, requested, givenBack)
      givenBack.throwIfAborted()
      const { deploymentId } = rigDb.tx((db) =>
        findOrCreate(db, freshDeployment(context, { sha256: model.sha256, remote: null, settings })),
      )
      await loaded.ensureLoaded(deploymentId, givenBack)
      return view(deploymentId)
    },
    async unload(deploymentId) {
      await loaded.unload(repository.get(deploymentId).deploymentId)
      return view(deploymentId)
    },
    async retryEngine() {
      await loaded.retry(wantedDeployments(rigDb.read).map((stored) => stored.deploymentId))
      return summarise(deps.engines()).kind
    },
    keepWarm(deploymentId, idleUnloadMs) {
      const stored = repository.get(deploymentId)
      rigDb.tx((db) => setIdleUnload(db, stored.deploymentId, idleUnloadMs))
      loaded.touch(deploymentId)
      events.changed('deployments')
      return view(deploymentId)
    },
  }
}
