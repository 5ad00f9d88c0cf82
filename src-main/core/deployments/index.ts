/**
 * Deployments: which models are in memory, with which settings. Several at once, each in an engine of its own; every
 * change waits for the one before it.
 */
import { freemem } from 'node:os'

import { fail } from '#contract/errors.ts'
import { because, type Reason } from '#contract/reasons.ts'
import type { DeploymentId } from '#contract/ids.ts'
import type { Deployment } from '#contract/models.ts'
import type { CoreContext, DeploymentsService, HandBack, LoadedDeployment } from '#core/core-context.ts'
import type { HardwareService } from '#core/hardware/index.ts'
import type { ModelsService, StoredModel } from '#core/models/index.ts'

import { createCalibrate, type Calibrate } from './calibrate-model.ts'
import { createCalls, type DeploymentCalls } from './deployment-calls.ts'
import { createDeploymentRepository, type DeploymentRepository } from './deployment-repository.ts'
import { createDeploymentView } from './deployment-view.ts'
import { deploymentsApi } from './deployments.api.ts'
import {
  clearAllWanted,
  clearWanted,
  listDeployments,
  setWanted,
  wantedDeployments,
  type StoredDeployment,
} from './deployments.store.ts'
import type { EngineView } from './engine-summary.ts'
import { LoadedDeployments } from './loaded-deployments.ts'
import { createMachineMemory, localIds, type MachineMemory } from './machine-memory.ts'
import { measureCall, type MeasureCalls } from './measure-call.ts'
import { ensureFits } from './memory-budget.ts'
import { createRemoteCalls, type RemoteCalls } from './remote-calls.ts'
import { createRemoteKeys } from './remote-keys.ts'
import { startingSettings, type StartDeps } from './starting-settings.ts'
import { createUpkeep, type Upkeep } from './upkeep.worker.ts'
import { watchModelFiles } from './model-watch.worker.ts'

export { clearAllWanted } from './deployments.store.ts'
export { identityOf } from './engine-identity.ts'
export { SILENT_MS, summarise, type EngineView } from './engine-summary.ts'

export type DeploymentsContext = Pick<
  CoreContext,
  'os' | 'rigDb' | 'clock' | 'ids' | 'log' | 'engines' | 'events' | 'dataDir'
>
export interface DeploymentsDeps {
  models: ModelsService
  hardware: HardwareService
}

export interface DeploymentsHooks {
  /** Why it may not be unloaded now (a listing, an exam, running jobs), in plain words; null when it may. */
  inUse(deploymentId: string): Reason | null
  handBack?: HandBack
  /** Off makes runs reproducible (the demo); on by default. */
  prefixReuse?: boolean
  /** Measure a model before its first load; on by default. */
  calibrateOnDeploy?: boolean
  /** Free main memory in bytes; the system's by default. */
  freeBytes?(): number
}

export interface Deployments extends DeploymentsService, DeploymentCalls, RemoteCalls, MeasureCalls {
  api: ReturnType<typeof deploymentsApi>
  /** What is or should be in memory, with its engine's state. */
  engines(): EngineView[]
  /** Whether one of the model's deployments is in memory. */
  modelLoaded(sha256: string): boolean
  /** Why a model may not be removed: one of its deployments is in memory or in use. For createModels' hook. */
  modelInUse(sha256: string): Reason | null
  /**
   * Ends every engine at once, whatever runs in it; a load under way fails. Nothing comes back by itself, not after a
   * restart either. Returns what was in memory.
   */
  endAll(): Promise<DeploymentId[]>
  /**
   * Loads again what was in memory when Stoker ended, nothing of a machine given back; its failure shows in the list
   * and is no error here.
   */
  start(): void
  /** The engines themselves end with EnginesPort.stop. */
  stop(): void
}

const unavailable: HandBack = () => Promise.reject(fail('deployment.handBackEarly'))

/** What is in memory; before a load it makes sure that the model fits. */
function createLoaded(
  context: DeploymentsContext,
  deps: DeploymentsDeps,
  hooks: DeploymentsHooks,
  repository: DeploymentRepository,
): { loaded: LoadedDeployments; memory: MachineMemory } {
  const { rigDb, clock, engines } = context
  const loaded: LoadedDeployments = new LoadedDeployments({
    ...context,
    inUse: (deploymentId) => hooks.inUse(deploymentId),
    kindOf: (deploymentId) => repository.kindOf(repository.get(deploymentId)),
    async ensureFits(deploymentId) {
      const { sha256, remote, settings } = repository.get(deploymentId)
      if (remote !== null) return
      const model = await deps.models.ready(sha256)
      await ensureFits({ ...memory, evict: (victim) => loaded.unloadNow(victim) }, model, settings)
    },
    async load(engine, deploymentId) {
      const stored = repository.get(deploymentId)
      const { sha256, remote } = stored
      const settings = repository.engineSettings(stored)
      if (remote !== null) return engine.load({ path: remote.model, sha256 }, settings)
      const check = async (): Promise<void> => void (await deps.models.ready(sha256))
      return engine.load({ path: (await deps.models.ready(sha256)).path, sha256, check }, settings)
    },
    remember: (deploymentId) => rigDb.tx((db) => setWanted(db, deploymentId, clock.now())),
    forget: (deploymentId) => rigDb.tx((db) => clearWanted(db, deploymentId)),
    forgetAll: () => rigDb.tx((db) => clearAllWanted(db)),
    memoryChanged: () => deps.hardware.stale(),
  })
  const memory = createMachineMemory({
    engines,
    loaded,
    repository,
    freeBytes: () => hooks.freeBytes?.() ?? Math.min(freemem(), process.availableMemory()),
  })
  return { loaded, memory }
}

/** Measurements that the owner asks for: refused while anything on this machine is in use. */
function createMeasure(
  { models, hardware, engines }: DeploymentsDeps & Pick<StartDeps, 'engines'>,
  hooks: DeploymentsHooks,
  memoryOf: { loaded: LoadedDeployments; repository: DeploymentRepository },
  calibrate: Calibrate,
): MeasureCalls {
  const { loaded } = memoryOf
  const busyWith = (id: string): Reason | null =>
    hooks.inUse(id) ?? (loaded.working(id) > 0 ? because('inUse.working') : null)
  const deps = {
    models,
    loaded,
    calibrate,
    busy: () =>
      localIds(memoryOf)
        .map(busyWith)
        .find((reason) => reason !== null) ?? null,
    settingsFor: async (model: StoredModel) => ({
      ...(await startingSettings({ hardware, engines }, model)),
      prefixReuse: false,
    }),
  }
  return {
    calibration: (sha256) => calibrate.stored(sha256),
    measure: (sha256, signal) => measureCall(deps, sha256, signal),
  }
}

function createDeploymentUpkeep(
  context: DeploymentsContext,
  deps: Pick<DeploymentsDeps, 'models'>,
  { repository, loaded }: { repository: DeploymentRepository; loaded: LoadedDeployments },
): Upkeep {
  const { rigDb } = context
  const wanted = (which: (stored: StoredDeployment) => boolean): DeploymentId[] =>
    wantedDeployments(rigDb.read)
      .filter(which)
      .map(({ deploymentId }) => deploymentId)
  return createUpkeep(context, {
    loaded,
    idleUnloadMsOf: (deploymentId) => repository.find(deploymentId)?.idleUnloadMs ?? null,
    wantedRemote: () => wanted(({ remote }) => remote !== null),
    wantedLocal: () => wanted(({ remote }) => remote === null),
    async fileReady(deploymentId) {
      const model = deps.models.find(repository.find(deploymentId)?.sha256 ?? '')
      return model !== null && (await deps.models.look(model)) === 'ready'
    },
  })
}

export function createDeployments(
  context: DeploymentsContext,
  deps: DeploymentsDeps,
  hooks: DeploymentsHooks,
): Deployments {
  const { rigDb } = context
  const keys = createRemoteKeys(context.dataDir)
  const calibrate = createCalibrate(context, deps.hardware)
  const repository = createDeploymentRepository(context, {
    models: deps.models,
    keys,
    prefixReuse: hooks.prefixReuse ?? true,
  })
  const { loaded, memory } = createLoaded(context, deps, hooks, repository)
  const view = createDeploymentView({ repository, loaded, keys, calibrated: calibrate.known })
  const inUse = (deploymentId: string): Reason | null => hooks.inUse(deploymentId)
  const engines = (): EngineView[] =>
    loaded.ids().flatMap((deploymentId) => {
      const engine = loaded.engine(deploymentId)
      if (engine === null) return []
      const { silentMs = 0 } = engine.stats()
      return [{ modelName: repository.nameOfId(deploymentId), state: engine.state(), silentMs }]
    })
  const upkeep = createDeploymentUpkeep(context, deps, { repository, loaded })
  let stopWatch = (): void => undefined
  const deployments = {
    ...createDeploymentsService(repository, loaded),
    ...createCalls(context, {
      ...deps,
      repository,
      loaded,
      calibrate,
      view,
      memory,
      localIds: () => localIds({ loaded, repository }),
      engines,
      calibrateOnDeploy: hooks.calibrateOnDeploy ?? true,
    }),
    ...createRemoteCalls(context, { repository, loaded, keys, inUse, view }),
    ...createMeasure({ ...deps, engines: context.engines }, hooks, { loaded, repository }, calibrate),
    engines,
    modelLoaded: (sha256: string) => loaded.ids().some((id) => loaded.modelOf(id)?.sha256 === sha256),
    modelInUse(sha256: string): Reason | null {
      const ofModel = listDeployments(rigDb.read).filter((stored) => stored.sha256 === sha256)
      return whyInUse(ofModel.map(view), loaded, inUse)
    },
    endAll: () => loaded.endAll(),
    start(): void {
      for (const { deploymentId } of wantedDeployments(rigDb.read)) loaded.loadQuietly(deploymentId)
      upkeep.start()
      stopWatch = watchFiles(context, deps.models, repository, loaded)
      calibrate.start()
    },
    stop(): void {
      upkeep.stop()
      stopWatch()
      loaded.stop()
    },
  }
  return { ...deployments, api: deploymentsApi(context.os, deployments, hooks.handBack ?? unavailable) }
}

/** Looks after the files of what is in memory; returns what stops it. */
const watchFiles = (
  context: DeploymentsContext,
  models: ModelsService,
  repository: DeploymentRepository,
  loaded: LoadedDeployments,
): (() => void) =>
  watchModelFiles(context, {
    models,
    loaded,
    sha256Of(deploymentId) {
      const stored = repository.find(deploymentId)
      return stored === null || stored.remote !== null ? null : stored.sha256
    },
  })

/** Why none of these deployments' model may be removed now; null when it may. */
function whyInUse(
  views: readonly Deployment[],
  loaded: LoadedDeployments,
  inUse: DeploymentsHooks['inUse'],
): Reason | null {
  for (const { deploymentId, state, modelName } of views) {
    // One that failed may have an engine that comes back by itself.
    if (state === 'loading' || loaded.engine(deploymentId) !== null)
      return because('inUse.inMemory', { model: modelName })
    const reason = inUse(deploymentId)
    if (reason !== null) return reason
  }
  return null
}

function createDeploymentsService(repository: DeploymentRepository, loaded: LoadedDeployments): DeploymentsService {
  const loadedOne = (deploymentId: string): LoadedDeployment | null => {
    const model = loaded.modelOf(deploymentId)
    const stored = model === null ? null : repository.find(deploymentId)
    return model !== null && stored !== null && model.sha256 === stored.sha256
      ? { ...repository.facts(stored), model }
      : null
  }
  return {
    find(deploymentId) {
      const stored = repository.find(deploymentId)
      return stored === null ? null : repository.facts(stored)
    },
    ensureLoaded: async (deploymentId) => loaded.ensureLoaded(repository.get(deploymentId).deploymentId),
    loaded: loadedOne,
    allLoaded: () =>
      loaded
        .ids()
        .map(loadedOne)
        .filter((one) => one !== null),
    broken: () => loaded.broken(),
    restartBroken: (deploymentId) => loaded.restartBroken(deploymentId as DeploymentId),
    engine: (deploymentId) => loaded.engine(deploymentId),
    failure: (deploymentId) => loaded.loadStatus(deploymentId as DeploymentId).failure?.reason ?? null,
    onModelChange: (listener) => loaded.onModelChange(listener),
    onChange: (listener) => loaded.onChange(listener),
    used: (deploymentId) => loaded.touch(deploymentId),
  }
}
