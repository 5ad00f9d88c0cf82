/** Deployments: which model the engine holds, with which settings. One at a time; every change waits for the one before it. */
import { StokerError } from '#contract/errors.ts'
import { brandId, type DeploymentId } from '#contract/ids.ts'
import type { Deployment } from '#contract/models.ts'
import type { CoreContext, DeploymentFacts, DeploymentsFace } from '#core/context.ts'
import type { EngineSettings } from '#core/engine/engine.port.ts'
import type { HardwareFace } from '#core/hardware/index.ts'
import { modelName, type ModelsFace } from '#core/models/index.ts'

import { chooseSettings } from './choose-settings.ts'
import { deploymentsApi } from './deployments.api.ts'
import { clearWanted, findDeployment, findOrCreate, latestOfModel, listDeployments, setWanted, wantedDeployment, type StoredDeployment } from './deployments.store.ts'
import { deploymentState, type SettingsWish } from './deployments.ts'
import { Holder } from './holder.ts'

export type DeploymentsContext = Pick<CoreContext, 'os' | 'rigDb' | 'clock' | 'ids' | 'log' | 'engine' | 'events'>
export interface DeploymentsParts {
  models: ModelsFace
  hardware: HardwareFace
}

export interface DeploymentsHooks {
  /** Why it may not be unloaded now (a listing, an exam, running jobs), in plain words; null when it may. */
  inUse(deploymentId: string): string | null
  /** Off makes runs reproducible (the demo); on by default. */
  prefixReuse?: boolean
}

export interface DeploymentsApi {
  list(): Deployment[]
  /** Finds or creates the deployment and loads it. Errors: NOT_FOUND, MODEL_*, ENGINE_*, MODEL_IN_USE (another one is listed). */
  deploy(sha256: string, wish: SettingsWish): Promise<Deployment>
  /** Error MODEL_IN_USE while it is listed, examined or working: nothing is pulled from under a buyer. */
  unload(deploymentId: string): Promise<Deployment>
  /** The owner's explicit retry after ENGINE_BROKEN; tells the engine's state. */
  retryEngine(): Promise<string>
}

/** Everything stored, with how it is shown. */
function createShelf({ rigDb, engine }: DeploymentsContext, models: ModelsFace, prefixReuse: boolean) {
  const engineSettings = (stored: StoredDeployment): EngineSettings => ({ ...stored.settings, prefixReuse })
  const nameOf = (stored: StoredDeployment): string => {
    const model = models.find(stored.sha256)
    return model === null ? 'unknown model' : modelName(model)
  }
  return {
    engineSettings,
    nameOf,
    facts: (stored: StoredDeployment): DeploymentFacts => ({
      deploymentId: stored.deploymentId,
      sha256: stored.sha256,
      modelName: nameOf(stored),
      settings: engineSettings(stored),
    }),
    find(deploymentId: string): StoredDeployment {
      const stored = findDeployment(rigDb.read, deploymentId)
      if (stored === null) throw new StokerError('NOT_FOUND', 'This deployment does not exist any more; deploy the model again.', { data: { deploymentId } })
      return stored
    },
    view(stored: StoredDeployment, holder: Holder): Deployment {
      const shown = deploymentState(holder.wanted(stored.deploymentId), engine.state())
      const { deploymentId, sha256, settings, createdAt } = stored
      return { deploymentId, sha256, modelName: nameOf(stored), settings, createdAt, ...shown, rssBytes: shown.state === 'loaded' ? engine.stats().rssBytes : null }
    },
  }
}
type Shelf = ReturnType<typeof createShelf>

function createCalls(context: DeploymentsContext, parts: DeploymentsParts, shelf: Shelf, holder: Holder): DeploymentsApi {
  const { rigDb, engine, clock } = context
  const view = (deploymentId: string): Deployment => shelf.view(shelf.find(deploymentId), holder)
  return {
    list: () => listDeployments(rigDb.read).map((stored) => shelf.view(stored, holder)),
    async deploy(sha256, wish) {
      const model = await parts.models.ready(sha256)
      const named = Object.values(wish).some((value) => value !== undefined)
      // Without a wish the owner means the one used before: its qualification stays good.
      const known = named ? null : latestOfModel(rigDb.read, sha256)
      const settings = known?.settings ?? (await chooseSettings({ engine, hardware: parts.hardware }, model, wish))
      const fresh = { deploymentId: brandId<DeploymentId>(context.ids.next('dep')), sha256: model.sha256, settings, createdAt: clock.now(), wantedSince: null }
      const { deploymentId } = known ?? rigDb.tx((db) => findOrCreate(db, fresh))
      await holder.hold(deploymentId)
      return view(deploymentId)
    },
    async unload(deploymentId) {
      await holder.drop(shelf.find(deploymentId).deploymentId)
      return view(deploymentId)
    },
    async retryEngine() {
      await holder.retry(wantedDeployment(rigDb.read)?.deploymentId ?? null)
      return engine.state().kind
    },
  }
}

export function createDeployments(context: DeploymentsContext, parts: DeploymentsParts, hooks: DeploymentsHooks) {
  const { rigDb, engine, clock } = context
  const shelf = createShelf(context, parts.models, hooks.prefixReuse ?? true)
  const holder = new Holder({
    ...context,
    inUse: (deploymentId) => hooks.inUse(deploymentId),
    async load(deploymentId) {
      const stored = shelf.find(deploymentId)
      const { path, sha256 } = await parts.models.ready(stored.sha256)
      return engine.load({ path, sha256 }, shelf.engineSettings(stored))
    },
    remember: (deploymentId) => rigDb.tx((db) => setWanted(db, deploymentId, clock.now())),
    forget: (deploymentId) => rigDb.tx((db) => clearWanted(db, deploymentId)),
  })
  const calls = createCalls(context, parts, shelf, holder)

  const face: DeploymentsFace = {
    find(deploymentId) {
      const stored = findDeployment(rigDb.read, deploymentId)
      return stored === null ? null : shelf.facts(stored)
    },
    ensureLoaded: async (deploymentId) => holder.hold(shelf.find(deploymentId).deploymentId),
    loaded() {
      const state = engine.state()
      const held = holder.held()
      const stored = held === null ? null : findDeployment(rigDb.read, held)
      return stored !== null && state.kind === 'loaded' && state.model.sha256 === stored.sha256 ? { ...shelf.facts(stored), model: state.model } : null
    },
  }

  return {
    ...face,
    ...calls,
    api: deploymentsApi(context.os, calls),
    /** Why a model may not be removed: one of its deployments is in memory or in use. For createModels' hook. */
    modelInUse(sha256: string): string | null {
      for (const stored of listDeployments(rigDb.read)) {
        if (stored.sha256 !== sha256) continue
        const { state } = shelf.view(stored, holder)
        if (state === 'loaded' || state === 'loading') return `${shelf.nameOf(stored)} is in memory; unload it first.`
        const reason = hooks.inUse(stored.deploymentId)
        if (reason !== null) return reason
      }
      return null
    },
    /** Loads again what was in memory when Stoker ended; its failure shows in the list and is no error here. */
    start(): void {
      const wanted = wantedDeployment(rigDb.read)
      if (wanted !== null) holder.loadQuietly(wanted.deploymentId)
    },
    stop: () => holder.stop(),
  }
}
