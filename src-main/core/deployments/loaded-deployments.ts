/**
 * The deployments in memory, each attached to an engine of its own, through crashes and restarts; operations run one
 * after another.
 */
import { type ErrorCode, fail, StokerError } from '#contract/errors.ts'
import type { Reason } from '#contract/reasons.ts'
import type { DeploymentId, ModelSha256 } from '#contract/ids.ts'
import type { CoreContext } from '#core/core-context.ts'
import type { EnginePort, EngineState, LoadedModel } from '#core/engine/engine.port.ts'
import type { EngineKind } from '#core/engine/engines.port.ts'

import { smallerOf, type LoadStatus } from './deployments.ts'
import { createTurns } from './in-turn.ts'

/** Loads tried by ourselves after crashes, without one that succeeded; then the owner must ask. */
const RELOADS_MAX = 3
/**
 * After these errors the engine stays attached: it comes back by itself, or waits for the owner's retry. After any other
 * it is released.
 */
const ATTACHED_AFTER: readonly ErrorCode[] = ['ENGINE_CRASHED', 'ENGINE_BROKEN']

export interface LoadedDeploymentsDeps extends Pick<CoreContext, 'engines' | 'events' | 'log' | 'clock'> {
  /** Why it may not be unloaded now, in plain words; null when it may. */
  inUse(deploymentId: string): Reason | null
  kindOf(deploymentId: DeploymentId): EngineKind
  /** Before a load: idle ones may have to be evicted. Errors: ENGINE_OUT_OF_MEMORY and the model's own. */
  ensureFits(deploymentId: DeploymentId): Promise<void>
  load(engine: EnginePort, deploymentId: DeploymentId): Promise<LoadedModel>
  /** Stores what is to be in memory after a restart. */
  remember(deploymentId: DeploymentId): void
  forget(deploymentId: DeploymentId): void
  /** Nothing is to be in memory after a restart. */
  forgetAll(): void
  /** Memory was taken or given back. */
  memoryChanged(): void
}

interface AttachedEngine {
  engine: EnginePort
  remote: boolean
  off(): void
  reloads: number
  /** Monotonic milliseconds. */
  usedAt: number
}

/** What happened to a deployment whose files were touched. */
export interface ModelChange {
  deploymentId: DeploymentId
  sha256: ModelSha256
  /** The first file that is not as it was hashed. */
  path: string
  /** By what the system says; nothing was hashed yet. */
  found: 'changed' | 'missing'
}

const isLoaded = (engine: EnginePort): boolean => engine.state().kind === 'loaded'

/** See createDeployments for the errors. */
export class LoadedDeployments {
  readonly #deps: LoadedDeploymentsDeps
  readonly #turns = createTurns()
  readonly #attached = new Map<DeploymentId, AttachedEngine>()
  readonly #failures = new Map<DeploymentId, NonNullable<LoadStatus['failure']>>()
  readonly #listeners = new Set<() => void>()
  readonly #changeListeners = new Set<(change: ModelChange) => void>()
  #loadingId: DeploymentId | null = null
  /** Asked for and not ended yet: whoever asks for the same meanwhile gets the same, and one unload ends it for all. */
  readonly #loads = new Map<DeploymentId, { model: Promise<LoadedModel>; ended: AbortController }>()
  /** Ends with endAll: a load asked for before one must not succeed after it, and a measurement stops. */
  #cancelled = new AbortController()

  constructor(deps: LoadedDeploymentsDeps) {
    this.#deps = deps
  }

  /** In the order in which they came into memory. */
  ids(): DeploymentId[] {
    return [...this.#attached.keys()]
  }

  engine(deploymentId: string): EnginePort | null {
    return this.#attached.get(deploymentId as DeploymentId)?.engine ?? null
  }

  modelOf(deploymentId: string): LoadedModel | null {
    const state = this.engine(deploymentId)?.state()
    return state?.kind === 'loaded' ? state.model : null
  }

  loadStatus(deploymentId: DeploymentId): LoadStatus {
    return {
      loading: this.#loadingId === deploymentId,
      attached: this.#attached.has(deploymentId),
      failure: this.#failures.get(deploymentId) ?? null,
    }
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Told after a deployment was stopped because its files were touched: nothing is served from it any more. */
  onModelChange(listener: (change: ModelChange) => void): () => void {
    this.#changeListeners.add(listener)
    return () => this.#changeListeners.delete(listener)
  }

  /**
   * Its files were touched: it is out of memory for everybody at once, its offers with it, and only then its engine
   * ends and the jobs in it fail. It is loaded again once its files are right (upkeep.worker.ts).
   */
  async stopForFiles(change: ModelChange): Promise<void> {
    const { deploymentId, path } = change
    const { code, reason } = fail('model.fileTouched', { path })
    const attached = this.#attached.get(deploymentId)
    if (attached === undefined) return
    this.#failures.set(deploymentId, { code, reason, smaller: null })
    attached.off()
    this.#attached.delete(deploymentId)
    for (const listener of this.#changeListeners) listener(change)
    this.#changed()
    await this.#endEngine(deploymentId)
  }

  touch(deploymentId: string): void {
    const attached = this.#attached.get(deploymentId as DeploymentId)
    if (attached !== undefined) attached.usedAt = this.#deps.clock.mono()
  }

  /** What runs or waits in its engine. */
  working(deploymentId: string): number {
    const stats = this.engine(deploymentId)?.stats()
    return stats === undefined ? 0 : stats.running + stats.queued
  }

  /**
   * Milliseconds since the last work came or ended; null while it works, is in use, or is not in memory.
   */
  idleFor(deploymentId: DeploymentId): number | null {
    const attached = this.#attached.get(deploymentId)
    if (attached === undefined || !isLoaded(attached.engine)) return null
    if (this.working(deploymentId) > 0 || this.#deps.inUse(deploymentId) !== null) {
      this.touch(deploymentId)
      return null
    }
    return this.#deps.clock.mono() - attached.usedAt
  }

  /**
   * Taken when a request comes, and passed on to whatever it leads to: aborts when the machine is given back meanwhile.
   */
  givenBackSignal(): AbortSignal {
    return this.#cancelled.signal
  }

  /** Loads it unless it is in memory; not any more once `givenBack` was aborted. */
  async ensureLoaded(deploymentId: DeploymentId, givenBack = this.#cancelled.signal): Promise<LoadedModel> {
    givenBack.throwIfAborted()
    const known = this.modelOf(deploymentId)
    if (known !== null) return known
    const asked = this.#loads.get(deploymentId)
    if (asked !== undefined) return asked.model
    const ended = new AbortController()
    const signal = AbortSignal.any([givenBack, ended.signal])
    const model = this.#turns
      .run(() => this.#load(deploymentId, signal))
      .finally(() => {
        if (this.#loads.get(deploymentId)?.ended === ended) this.#loads.delete(deploymentId)
      })
    this.#loads.set(deploymentId, { model, ended })
    return model
  }

  /** A load of it that waits or is under way, its warm-up too, ends at once with CANCELLED. */
  async unload(deploymentId: DeploymentId): Promise<void> {
    const asked = this.#loads.get(deploymentId)
    if (asked !== undefined) {
      this.#checkUnused(deploymentId)
      this.#loads.delete(deploymentId)
      asked.ended.abort(fail('deployment.unloadedWhileLoading'))
      if (this.#loadingId === deploymentId) await this.#release(deploymentId)
    }
    return this.#turns.run(async () => {
      this.#checkUnused(deploymentId)
      await this.unloadNow(deploymentId)
    })
  }

  #checkUnused(deploymentId: DeploymentId): void {
    const reason = this.#deps.inUse(deploymentId)
    if (reason !== null) throw fail('model.inUse', { reason }, { data: { deploymentId } })
  }

  /** Unloads it when it still is idle for so long; tells whether it did. */
  unloadIdle(deploymentId: DeploymentId, idleMs: number): Promise<boolean> {
    return this.#turns.run(async () => {
      const idle = this.idleFor(deploymentId)
      if (idle === null || idle < idleMs) return false
      await this.unloadNow(deploymentId)
      return true
    })
  }

  /** For ensureFits, which runs inside a load's turn. */
  async unloadNow(deploymentId: DeploymentId): Promise<void> {
    this.#failures.delete(deploymentId)
    this.#deps.forget(deploymentId)
    await this.#release(deploymentId)
    this.#changed()
  }

  /**
   * Ends every engine at once, and the hosts that read headers or measure, without waiting for a load under way: that
   * load fails with CANCELLED. What failed or waits for its server is not tried again either. Returns what was in
   * memory.
   */
  async endAll(): Promise<DeploymentId[]> {
    this.#cancelled.abort(fail('deployment.handedBack'))
    this.#cancelled = new AbortController()
    this.#loads.clear()
    this.#failures.clear()
    const ended = this.ids()
    try {
      this.#deps.forgetAll()
    } catch (error) {
      // A full disk must not keep the memory from its owner.
      this.#deps.log.error(
        { err: error },
        'it could not be stored that nothing is to be in memory: a restart may load it again',
      )
    }
    await Promise.all([...ended.map((deploymentId) => this.#release(deploymentId)), this.#deps.engines.endHelpers()])
    this.#changed()
    return ended
  }

  /** Work that must not run beside a load; it has to end with `givenBack`, and does not begin after it. */
  exclusive<T>(givenBack: AbortSignal, work: () => Promise<T>): Promise<T> {
    return this.#turns.run(() => {
      givenBack.throwIfAborted()
      return work()
    })
  }

  /** Of this machine; servers elsewhere are upkeep's to try again. */
  broken(): { deploymentId: DeploymentId; reason: Reason }[] {
    return [...this.#attached].flatMap(([deploymentId, { engine, remote }]) => {
      const state = engine.state()
      return !remote && state.kind === 'broken' ? [{ deploymentId, reason: state.reason }] : []
    })
  }

  /** Only what is broken, and still wanted in memory. */
  async restartBroken(deploymentId: DeploymentId): Promise<void> {
    const attached = this.#attached.get(deploymentId)
    if (attached?.engine.state().kind !== 'broken') return
    const givenBack = this.givenBackSignal()
    attached.reloads = 0
    await attached.engine.retry()
    await this.ensureLoaded(deploymentId, givenBack)
  }

  /** Tries all again that are broken or should be in memory. Throws the first failure, after all were tried. */
  async retry(wanted: readonly DeploymentId[]): Promise<void> {
    this.#failures.clear()
    const givenBack = this.givenBackSignal()
    const errors: unknown[] = []
    const keep = (error: unknown): void => void errors.push(error)
    for (const { engine } of this.#attached.values())
      if (engine.state().kind === 'broken') await engine.retry().catch(keep)
    for (const attached of this.#attached.values()) attached.reloads = 0
    for (const deploymentId of new Set([...wanted, ...this.#attached.keys()]))
      await this.ensureLoaded(deploymentId, givenBack).catch(keep)
    if (errors.length > 0) throw errors[0]
  }

  /** Loads in the background; a failure is kept for the screens and logged. */
  loadQuietly(deploymentId: DeploymentId): void {
    this.ensureLoaded(deploymentId).catch((error: unknown) => {
      if (!this.#turns.closed) this.#deps.log.warn({ err: error, deploymentId }, 'a deployment could not be loaded')
    })
  }

  /** The engines end with EnginesPort.stop. */
  stop(): void {
    this.#turns.close()
    this.#cancelled.abort(fail('stoker.stopping'))
    this.#listeners.clear()
    this.#changeListeners.clear()
    for (const attached of this.#attached.values()) attached.off()
  }

  async #load(deploymentId: DeploymentId, givenBack: AbortSignal): Promise<LoadedModel> {
    givenBack.throwIfAborted()
    const known = this.modelOf(deploymentId)
    if (known !== null) return known
    this.#loadingId = deploymentId
    this.#failures.delete(deploymentId)
    this.#changed()
    try {
      await this.#deps.ensureFits(deploymentId)
      givenBack.throwIfAborted()
      const attached = this.#attached.get(deploymentId) ?? this.#attach(deploymentId)
      const model = await this.#deps.load(attached.engine, deploymentId)
      givenBack.throwIfAborted()
      // Stopped meanwhile, because its files were touched.
      const stopped = this.#failures.get(deploymentId)
      if (stopped !== undefined) throw fail('model.stoppedMeanwhile', { reason: stopped.reason })
      attached.reloads = 0
      this.touch(deploymentId)
      if (!this.#turns.closed) this.#deps.remember(deploymentId)
      return model
    } catch (error) {
      givenBack.throwIfAborted()
      if (this.#failures.has(deploymentId)) throw error
      const { code, reason, data } = error instanceof StokerError ? error : fail('stoker.internal')
      const smaller = code === 'ENGINE_OUT_OF_MEMORY' ? smallerOf(data) : null
      this.#failures.set(deploymentId, { code, reason, smaller, endpoint: data['endpoint'] === true })
      // After a crash the engine comes back by itself and onEngine tries again; everything else waits for the owner, or
      // for upkeep's next look at remote servers.
      if (!ATTACHED_AFTER.includes(code) || this.#attached.get(deploymentId)?.remote === true)
        await this.#release(deploymentId)
      throw error
    } finally {
      this.#loadingId = null
      this.#changed()
    }
  }

  #attach(deploymentId: DeploymentId): AttachedEngine {
    const kind = this.#deps.kindOf(deploymentId)
    const engine = this.#deps.engines.of(deploymentId, kind)
    const attached = {
      engine,
      remote: kind.kind === 'remote',
      off: engine.onState((state) => this.#onEngine(deploymentId, state)),
      reloads: 0,
      usedAt: this.#deps.clock.mono(),
    }
    this.#attached.set(deploymentId, attached)
    return attached
  }

  /** Detaches its engine, whose processes end, so the memory is the system's again. */
  async #release(deploymentId: DeploymentId): Promise<void> {
    const attached = this.#attached.get(deploymentId)
    if (attached === undefined) return
    // First: what the engine says while it ends must not load it again.
    attached.off()
    this.#attached.delete(deploymentId)
    await this.#endEngine(deploymentId)
  }

  async #endEngine(deploymentId: DeploymentId): Promise<void> {
    await this.#deps.engines
      .release(deploymentId)
      .catch((error: unknown) => this.#deps.log.warn({ err: error, deploymentId }, 'an engine did not end cleanly'))
  }

  #onEngine(deploymentId: DeploymentId, state: EngineState): void {
    // Killed in a load, its engine came back with the model by itself.
    if (state.kind === 'loaded' && this.#loadingId !== deploymentId) this.#failures.delete(deploymentId)
    this.#deps.events.changed('engine')
    this.#deps.events.changed('deployments')
    for (const listener of this.#listeners) listener()
    const attached = this.#attached.get(deploymentId)
    if (
      state.kind !== 'ready' ||
      attached === undefined ||
      this.#loadingId === deploymentId ||
      attached.reloads >= RELOADS_MAX
    )
      return
    attached.reloads += 1
    this.loadQuietly(deploymentId)
  }

  #changed(): void {
    this.#deps.memoryChanged()
    for (const topic of ['deployments', 'models', 'engine'] as const) this.#deps.events.changed(topic)
    for (const listener of this.#listeners) listener()
  }
}
