/**
 * Deployments: which models are in memory, with which settings. Several at once, each in an engine of its own; every
 * change waits for the one before it.
 */
import { freemem } from 'node:os'

import { StokerError } from '#contract/errors.ts'
import type { DeploymentId } from '#contract/ids.ts'
import type { CalibrationView, Deployment } from '#contract/models.ts'
import type { CoreContext, DeploymentsService, HandBack, LoadedDeployment } from '#core/core-context.ts'
import type { HardwareService } from '#core/hardware/index.ts'
import type { ModelsService, StoredModel } from '#core/models/index.ts'

import { createCalibrate, type Calibrate } from './calibrate-model.ts'
import { createCalls, type DeploymentCalls } from './deployment-calls.ts'
import { deploymentsApi } from './deployments.api.ts'
import {
  clearAllWanted,
  clearWanted,
  findDeployment,
  listDeployments,
  setWanted,
  wantedDeployments,
} from './deployments.store.ts'
import type { EngineView } from './engine-summary.ts'
import { Holder } from './loaded-deployments.ts'
import { measureCall, type CalibrationStep } from './measure-call.ts'
import { createRemoteCalls, type RemoteCalls } from './remote-calls.ts'
import { createRemoteKeys } from './remote-keys.ts'
import { makeRoom, type Leaving } from './memory-budget.ts'
import { createShelf, type Shelf } from './deployment-repository.ts'
import { startingSettings, type StartDeps } from './starting-settings.ts'
import { createUpkeep } from './upkeep.worker.ts'

export { clearAllWanted } from './deployments.store.ts'

export type DeploymentsContext = Pick<
  CoreContext,
  'os' | 'rigDb' | 'clock' | 'ids' | 'log' | 'engines' | 'events' | 'dataDir'
>
export interface DeploymentsParts {
  models: ModelsService
  hardware: HardwareService
}

export interface DeploymentsHooks {
  /** Why it may not be unloaded now (a listing, an exam, running jobs), in plain words; null when it may. */
  inUse(deploymentId: string): string | null
  handBack?: HandBack
  /** Off makes runs reproducible (the demo); on by default. */
  prefixReuse?: boolean
  /** Measure a model before its first load; on by default. */
  calibrateOnDeploy?: boolean
  /** Free main memory in bytes; the system's by default. */
  freeBytes?(): number
}

export interface Deployments extends DeploymentsService, DeploymentCalls, RemoteCalls {
  api: ReturnType<typeof deploymentsApi>
  calibration(sha256: string): Promise<CalibrationView | null>
  measure(sha256: string, signal: AbortSignal | undefined): AsyncGenerator<CalibrationStep, void, void>
  /** What is or should be in memory, with its engine's state. */
  engines(): EngineView[]
  /** Whether one of the model's deployments is in memory. */
  modelLoaded(sha256: string): boolean
  /** Why a model may not be removed: one of its deployments is in memory or in use. For createModels' hook. */
  modelInUse(sha256: string): string | null
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

const unavailable: HandBack = () =>
  Promise.reject(new StokerError('UNAVAILABLE', 'Giving the machine back is not there yet.'))

/** The holder, and what of it the calls need to make room. */
function createHolder(context: DeploymentsContext, parts: DeploymentsParts, hooks: DeploymentsHooks, shelf: Shelf) {
  const { rigDb, clock } = context
  const room = {
    engines: context.engines,
    freeBytes: () => hooks.freeBytes?.() ?? Math.min(freemem(), process.availableMemory()),
    idle: () => idleLocal(holder, shelf),
    others: () =>
      holder
        .heldIds()
        .filter((id) => shelf.look(id)?.remote === null && holder.loaded(id) !== null && holder.idleFor(id) === null)
        .map(shelf.nameOfId),
  }
  const holder: Holder = new Holder({
    ...context,
    inUse: (deploymentId) => hooks.inUse(deploymentId),
    kindOf: (deploymentId) => shelf.kindOf(shelf.find(deploymentId)),
    async makeRoom(deploymentId) {
      const { sha256, remote, settings } = shelf.find(deploymentId)
      if (remote !== null) return
      const model = await parts.models.ready(sha256)
      await makeRoom({ ...room, drop: (victim) => holder.dropNow(victim) }, model, settings)
    },
    async load(engine, deploymentId) {
      const stored = shelf.find(deploymentId)
      const { sha256, remote } = stored
      const path = remote === null ? (await parts.models.ready(sha256)).path : remote.model
      return engine.load({ path, sha256 }, shelf.engineSettings(stored))
    },
    remember: (deploymentId) => rigDb.tx((db) => setWanted(db, deploymentId, clock.now())),
    forget: (deploymentId) => rigDb.tx((db) => clearWanted(db, deploymentId)),
    forgetAll: () => rigDb.tx((db) => clearAllWanted(db)),
    memoryChanged: () => parts.hardware.stale(),
  })
  return { holder, room }
}

/** The owner's wish for a measurement: refused while anything on this machine is in use. */
function createMeasure(
  { models, hardware, engines }: DeploymentsParts & Pick<StartDeps, 'engines'>,
  hooks: DeploymentsHooks,
  { holder, shelf }: { holder: Holder; shelf: Shelf },
  calibrate: Calibrate,
): Pick<Deployments, 'calibration' | 'measure'> {
  const busyWith = (id: string): string | null =>
    hooks.inUse(id) ?? (holder.working(id) > 0 ? 'A model is working; measure when nothing runs.' : null)
  const parts = {
    models,
    holder,
    calibrate,
    busy: () =>
      localIds(holder, shelf)
        .map(busyWith)
        .find((reason) => reason !== null) ?? null,
    settingsFor: async (model: StoredModel) => ({
      ...(await startingSettings({ hardware, engines }, model)),
      prefixReuse: false,
    }),
  }
  return {
    calibration: (sha256) => calibrate.stored(sha256),
    measure: (sha256, signal) => measureCall(parts, sha256, signal),
  }
}

export function createDeployments(
  context: DeploymentsContext,
  parts: DeploymentsParts,
  hooks: DeploymentsHooks,
): Deployments {
  const { rigDb } = context
  const keys = createRemoteKeys(context.dataDir)
  const calibrate = createCalibrate(context, parts.hardware)
  const shelf = createShelf(context, {
    models: parts.models,
    keys,
    prefixReuse: hooks.prefixReuse ?? true,
    calibrated: calibrate.known,
  })
  const { holder, room } = createHolder(context, parts, hooks, shelf)
  const engines = (): EngineView[] =>
    holder.heldIds().flatMap((deploymentId) => {
      const state = holder.engine(deploymentId)?.state()
      return state === undefined ? [] : [{ modelName: shelf.nameOfId(deploymentId), state }]
    })
  const upkeep = createUpkeep(context, {
    holder,
    idleUnloadMsOf: (deploymentId) => findDeployment(rigDb.read, deploymentId)?.idleUnloadMs ?? null,
    wantedRemote: () =>
      wantedDeployments(rigDb.read)
        .filter(({ remote }) => remote !== null)
        .map(({ deploymentId }) => deploymentId),
  })
  const deployments = {
    ...createDeploymentsService(context, shelf, holder),
    ...createCalls(context, {
      ...parts,
      shelf,
      holder,
      calibrate,
      room,
      localIds: () => localIds(holder, shelf),
      engines,
      calibrateOnDeploy: hooks.calibrateOnDeploy ?? true,
    }),
    ...createRemoteCalls(context, { shelf, holder, keys, inUse: (deploymentId) => hooks.inUse(deploymentId) }),
    ...createMeasure({ ...parts, engines: context.engines }, hooks, { holder, shelf }, calibrate),
    engines,
    modelLoaded: (sha256: string) => holder.heldIds().some((id) => holder.loaded(id)?.sha256 === sha256),
    modelInUse: (sha256: string) =>
      modelInUse(
        listDeployments(rigDb.read)
          .filter((stored) => stored.sha256 === sha256)
          .map((stored) => shelf.view(stored, holder)),
        holder,
        hooks,
      ),
    endAll: () => holder.endAll(),
    start(): void {
      for (const { deploymentId } of wantedDeployments(rigDb.read)) holder.loadQuietly(deploymentId)
      upkeep.start()
      calibrate.start()
    },
    stop(): void {
      upkeep.stop()
      holder.stop()
    },
  }
  return { ...deployments, api: deploymentsApi(context.os, deployments, hooks.handBack ?? unavailable) }
}

/** Those in memory; one on remote servers uses neither cores nor memory of this machine. */
const localIds = (holder: Holder, shelf: Shelf): DeploymentId[] =>
  holder.heldIds().filter((id) => (shelf.look(id)?.remote ?? null) === null)

/** Those that may leave the memory, least recently used first; a remote one takes none. */
function idleLocal(holder: Holder, shelf: Shelf): Leaving[] {
  return holder
    .heldIds()
    .flatMap((deploymentId) => {
      const [idle, model, engine] = [
        holder.idleFor(deploymentId),
        holder.loaded(deploymentId),
        holder.engine(deploymentId),
      ]
      const stored = shelf.look(deploymentId)
      if (idle === null || model === null || engine === null || stored === null || stored.remote !== null) return []
      const { rssBytes } = engine.stats()
      return [
        {
          deploymentId,
          idle,
          sha256: model.sha256,
          bytes: stored.settings.gpuLayers > 0 || rssBytes === 0 ? Infinity : rssBytes,
        },
      ]
    })
    .toSorted((a, b) => b.idle - a.idle)
}

function modelInUse(views: readonly Deployment[], holder: Holder, hooks: DeploymentsHooks): string | null {
  for (const { deploymentId, state, modelName } of views) {
    // One that failed may have an engine that comes back by itself.
    if (state === 'loading' || holder.engine(deploymentId) !== null)
      return `${modelName} is in memory; unload it first.`
    const reason = hooks.inUse(deploymentId)
    if (reason !== null) return reason
  }
  return null
}

function createDeploymentsService({ rigDb }: DeploymentsContext, shelf: Shelf, holder: Holder): DeploymentsService {
  const loaded = (deploymentId: string): LoadedDeployment | null => {
    const model = holder.loaded(deploymentId)
    const stored = model === null ? null : findDeployment(rigDb.read, deploymentId)
    return model !== null && stored !== null && model.sha256 === stored.sha256
      ? { ...shelf.facts(stored), model }
      : null
  }
  return {
    find(deploymentId) {
      const stored = findDeployment(rigDb.read, deploymentId)
      return stored === null ? null : shelf.facts(stored)
    },
    ensureLoaded: async (deploymentId) => holder.hold(shelf.find(deploymentId).deploymentId),
    loaded,
    allLoaded: () =>
      holder
        .heldIds()
        .map(loaded)
        .filter((one) => one !== null),
    engine: (deploymentId) => holder.engine(deploymentId),
    onChange: (listener) => holder.onChange(listener),
    used: (deploymentId) => holder.touch(deploymentId),
  }
}
