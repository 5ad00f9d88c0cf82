/**
 * Holds deployments in memory, each in an engine of its own, through crashes and restarts; operations run one after
 * another.
 */
import { StokerError, toErrorValue, type ErrorCode } from '#contract/errors.ts'
import type { DeploymentId } from '#contract/ids.ts'
import type { CoreContext } from '#core/core-context.ts'
import type { EnginePort, EngineState, LoadedModel } from '#core/engine/engine.port.ts'
import type { EngineKind } from '#core/engine/engines.port.ts'

import { smallerOf, type Wanted } from './deployments.ts'
import { createTurns } from './in-turn.ts'

/** Loads tried by ourselves after crashes, without one that succeeded; then the owner must ask. */
const RELOADS_MAX = 3
/**
 * After these the engine stays: it comes back by itself, or waits for the owner's retry. After any other its processes
 * end.
 */
const KEPT: readonly ErrorCode[] = ['ENGINE_CRASHED', 'ENGINE_BROKEN']

export interface HolderDeps extends Pick<CoreContext, 'engines' | 'events' | 'log' | 'clock'> {
  /** Why it may not be unloaded now, in plain words; null when it may. */
  inUse(deploymentId: string): string | null
  kindOf(deploymentId: DeploymentId): EngineKind
  /** Before a load: what is idle may have to leave. Errors: ENGINE_OUT_OF_MEMORY and the model's own. */
  makeRoom(deploymentId: DeploymentId): Promise<void>
  load(engine: EnginePort, deploymentId: DeploymentId): Promise<LoadedModel>
  /** Stores what is to be in memory after a restart. */
  remember(deploymentId: DeploymentId): void
  forget(deploymentId: DeploymentId): void
  /** Nothing is to be in memory after a restart. */
  forgetAll(): void
  /** Memory was taken or given back. */
  memoryChanged(): void
}

interface Held {
  engine: EnginePort
  remote: boolean
  off(): void
  reloads: number
  /** Monotonic milliseconds. */
  usedAt: number
}

const isLoaded = (engine: EnginePort): boolean => engine.state().kind === 'loaded'

/** See createDeployments for the errors. */
export class Holder {
  readonly #deps: HolderDeps
  readonly #turns = createTurns()
  readonly #held = new Map<DeploymentId, Held>()
  readonly #failures = new Map<DeploymentId, NonNullable<Wanted['failure']>>()
  readonly #listeners = new Set<() => void>()
  #loadingId: DeploymentId | null = null
  /** Ends with endAll: a load asked for before one must not succeed after it, and a measurement stops. */
  #ending = new AbortController()

  constructor(deps: HolderDeps) {
    this.#deps = deps
  }

  /** In the order in which they came into memory. */
  heldIds(): DeploymentId[] {
    return [...this.#held.keys()]
  }

  engine(deploymentId: string): EnginePort | null {
    return this.#held.get(deploymentId as DeploymentId)?.engine ?? null
  }

  loaded(deploymentId: string): LoadedModel | null {
    const state = this.engine(deploymentId)?.state()
    return state?.kind === 'loaded' ? state.model : null
  }

  wanted(deploymentId: DeploymentId): Wanted {
    return {
      loading: this.#loadingId === deploymentId,
      held: this.#held.has(deploymentId),
      failure: this.#failures.get(deploymentId) ?? null,
    }
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  touch(deploymentId: string): void {
    const held = this.#held.get(deploymentId as DeploymentId)
    if (held !== undefined) held.usedAt = this.#deps.clock.mono()
  }

  /** What runs or waits in its engine. */
  working(deploymentId: string): number {
    const stats = this.engine(deploymentId)?.stats()
    return stats === undefined ? 0 : stats.running + stats.queued
  }

  /**
   * Milliseconds since the last work came or ended; null while it works, is wanted by somebody, or is not in memory.
   */
  idleFor(deploymentId: DeploymentId): number | null {
    const held = this.#held.get(deploymentId)
    if (held === undefined || !isLoaded(held.engine)) return null
    if (this.working(deploymentId) > 0 || this.#deps.inUse(deploymentId) !== null) {
      this.touch(deploymentId)
      return null
    }
    return this.#deps.clock.mono() - held.usedAt
  }

  /**
   * Taken when a wish comes, and passed on to whatever it leads to: aborts when the machine is given back meanwhile.
   */
  untilGivenBack(): AbortSignal {
    return this.#ending.signal
  }

  /** Loads it unless it is in memory; not any more once `until` was aborted. */
  async hold(deploymentId: DeploymentId, until = this.#ending.signal): Promise<LoadedModel> {
    until.throwIfAborted()
    return this.loaded(deploymentId) ?? this.#turns.run(() => this.#load(deploymentId, until))
  }

  drop(deploymentId: DeploymentId): Promise<void> {
    return this.#turns.run(async () => {
      const reason = this.#deps.inUse(deploymentId)
      if (reason !== null) throw new StokerError('MODEL_IN_USE', reason, { data: { deploymentId } })
      await this.dropNow(deploymentId)
    })
  }

  /** Unloads it when it still is idle for so long; tells whether it did. */
  dropIdle(deploymentId: DeploymentId, idleMs: number): Promise<boolean> {
    return this.#turns.run(async () => {
      const idle = this.idleFor(deploymentId)
      if (idle === null || idle < idleMs) return false
      await this.dropNow(deploymentId)
      return true
    })
  }

  /** For makeRoom, which runs inside a load's turn. */
  async dropNow(deploymentId: DeploymentId): Promise<void> {
    this.#failures.delete(deploymentId)
    this.#deps.forget(deploymentId)
    await this.#letGo(deploymentId)
    this.#changed()
  }

  /**
   * Ends every engine at once, and the hosts that read headers or measure, without waiting for a load under way: that
   * load fails with CANCELLED. What failed or waits for its server is not tried again either. Returns what was in
   * memory.
   */
  async endAll(): Promise<DeploymentId[]> {
    this.#ending.abort(new StokerError('CANCELLED', 'The machine was given back to its owner meanwhile.'))
    this.#ending = new AbortController()
    this.#failures.clear()
    const ended = this.heldIds()
    try {
      this.#deps.forgetAll()
    } catch (error) {
      // A full disk must not keep the memory from its owner.
      this.#deps.log.error(
        { err: error },
        'it could not be stored that nothing is to be in memory: a restart may load it again',
      )
    }
    await Promise.all([...ended.map((deploymentId) => this.#letGo(deploymentId)), this.#deps.engines.endHelpers()])
    this.#changed()
    return ended
  }

  /** Work that must not run beside a load; it has to end with `until`, and does not begin after it. */
  exclusive<T>(until: AbortSignal, work: () => Promise<T>): Promise<T> {
    return this.#turns.run(() => {
      until.throwIfAborted()
      return work()
    })
  }

  /** Tries all again that are broken or should be in memory. Throws the first failure, after all were tried. */
  async retry(wanted: readonly DeploymentId[]): Promise<void> {
    this.#failures.clear()
    const until = this.untilGivenBack()
    const errors: unknown[] = []
    const keep = (error: unknown): void => void errors.push(error)
    for (const { engine } of this.#held.values()) if (engine.state().kind === 'broken') await engine.retry().catch(keep)
    for (const held of this.#held.values()) held.reloads = 0
    for (const deploymentId of new Set([...wanted, ...this.#held.keys()]))
      await this.hold(deploymentId, until).catch(keep)
    if (errors.length > 0) throw errors[0]
  }

  /** Loads in the background; a failure is kept for the screens and logged. */
  loadQuietly(deploymentId: DeploymentId): void {
    this.hold(deploymentId).catch((error: unknown) => {
      if (!this.#turns.closed) this.#deps.log.warn({ err: error, deploymentId }, 'a deployment could not be loaded')
    })
  }

  /** The engines end with EnginesPort.stop. */
  stop(): void {
    this.#turns.close()
    this.#ending.abort(new StokerError('CANCELLED', 'Stoker is stopping.'))
    this.#listeners.clear()
    for (const held of this.#held.values()) held.off()
  }

  async #load(deploymentId: DeploymentId, until: AbortSignal): Promise<LoadedModel> {
    until.throwIfAborted()
    const known = this.loaded(deploymentId)
    if (known !== null) return known
    this.#loadingId = deploymentId
    this.#failures.delete(deploymentId)
    this.#changed()
    try {
      await this.#deps.makeRoom(deploymentId)
      until.throwIfAborted()
      const held = this.#held.get(deploymentId) ?? this.#take(deploymentId)
      const model = await this.#deps.load(held.engine, deploymentId)
      until.throwIfAborted()
      held.reloads = 0
      this.touch(deploymentId)
      if (!this.#turns.closed) this.#deps.remember(deploymentId)
      return model
    } catch (error) {
      until.throwIfAborted()
      const { code, message, data } = toErrorValue(error)
      const smaller = code === 'ENGINE_OUT_OF_MEMORY' ? smallerOf(data) : null
      this.#failures.set(deploymentId, { code, message, smaller, endpoint: data['endpoint'] === true })
      // After a crash the engine comes back by itself and onEngine tries again; everything else waits for the owner, or
      // for upkeep's next look at remote servers.
      if (!KEPT.includes(code) || this.#held.get(deploymentId)?.remote === true) await this.#letGo(deploymentId)
      throw error
    } finally {
      this.#loadingId = null
      this.#changed()
    }
  }

  #take(deploymentId: DeploymentId): Held {
    const kind = this.#deps.kindOf(deploymentId)
    const engine = this.#deps.engines.of(deploymentId, kind)
    const held = {
      engine,
      remote: kind.kind === 'remote',
      off: engine.onState((state) => this.#onEngine(deploymentId, state)),
      reloads: 0,
      usedAt: this.#deps.clock.mono(),
    }
    this.#held.set(deploymentId, held)
    return held
  }

  /** Its processes end, so the memory is the system's again. */
  async #letGo(deploymentId: DeploymentId): Promise<void> {
    const held = this.#held.get(deploymentId)
    if (held === undefined) return
    // First: what the engine says while it ends must not load it again.
    held.off()
    this.#held.delete(deploymentId)
    await this.#deps.engines
      .release(deploymentId)
      .catch((error: unknown) => this.#deps.log.warn({ err: error, deploymentId }, 'an engine did not end cleanly'))
  }

  #onEngine(deploymentId: DeploymentId, state: EngineState): void {
    this.#deps.events.changed('engine')
    this.#deps.events.changed('deployments')
    for (const listener of this.#listeners) listener()
    const held = this.#held.get(deploymentId)
    if (state.kind !== 'ready' || held === undefined || this.#loadingId === deploymentId || held.reloads >= RELOADS_MAX)
      return
    held.reloads += 1
    this.loadQuietly(deploymentId)
  }

  #changed(): void {
    this.#deps.memoryChanged()
    for (const topic of ['deployments', 'models', 'engine'] as const) this.#deps.events.changed(topic)
    for (const listener of this.#listeners) listener()
  }
}
