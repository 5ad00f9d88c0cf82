/** Holds one deployment in the engine, through crashes and restarts; operations run one after another. */
import { StokerError, toErrorValue } from '#contract/errors.ts'
import type { DeploymentId } from '#contract/ids.ts'
import type { CoreContext } from '#core/context.ts'
import type { EngineState, LoadedModel } from '#core/engine/engine.port.ts'

import type { Wanted } from './deployments.ts'
import { createTurns } from './in-turn.ts'

/** Loads tried by ourselves after crashes, without one that succeeded; then the owner must ask. */
const RELOADS_MAX = 3

export interface HolderDeps extends Pick<CoreContext, 'engine' | 'events' | 'log'> {
  inUse(deploymentId: string): string | null
  load(deploymentId: DeploymentId): Promise<LoadedModel>
  /** Stores what is to be in memory after a restart. */
  remember(deploymentId: DeploymentId): void
  forget(deploymentId: DeploymentId): void
}

/** See createDeployments for the errors. */
export class Holder {
  private readonly deps: HolderDeps
  private readonly turns = createTurns()
  private readonly failures = new Map<DeploymentId, string>()
  private readonly unsubscribe: () => void
  private heldId: DeploymentId | null = null
  private loadingId: DeploymentId | null = null
  private reloads = 0

  constructor(deps: HolderDeps) {
    this.deps = deps
    this.unsubscribe = deps.engine.onState((state) => this.onEngine(state))
  }

  held(): DeploymentId | null {
    return this.heldId
  }

  wanted(deploymentId: DeploymentId): Wanted {
    return { loading: this.loadingId === deploymentId, held: this.heldId === deploymentId, failure: this.failures.get(deploymentId) ?? null }
  }

  /** Loads it unless it is what the engine holds already. */
  hold(deploymentId: DeploymentId): Promise<LoadedModel> {
    return this.turns.run(() => this.load(deploymentId))
  }

  drop(deploymentId: DeploymentId): Promise<void> {
    return this.turns.run(async () => {
      this.refuseInUse(deploymentId)
      this.failures.delete(deploymentId)
      this.deps.forget(deploymentId)
      if (this.heldId === deploymentId) {
        // Let go first: the engine's "ready" after the unload must not load it again.
        this.heldId = null
        await this.deps.engine.unload()
      }
      this.changed()
    })
  }

  async retry(deploymentId: DeploymentId | null): Promise<void> {
    this.reloads = 0
    this.failures.clear()
    await this.deps.engine.retry()
    if (deploymentId !== null) await this.hold(deploymentId)
  }

  /** Loads in the background; a failure is kept for the screens and logged. */
  loadQuietly(deploymentId: DeploymentId): void {
    this.hold(deploymentId).catch((error: unknown) => {
      if (!this.turns.closed) this.deps.log.warn({ err: error, deploymentId }, 'a deployment could not be loaded')
    })
  }

  stop(): void {
    this.turns.close()
    this.unsubscribe()
  }

  private async load(deploymentId: DeploymentId): Promise<LoadedModel> {
    const state = this.deps.engine.state()
    if (this.heldId === deploymentId && state.kind === 'loaded') return state.model
    if (this.heldId !== null && this.heldId !== deploymentId) this.refuseInUse(this.heldId)
    this.loadingId = deploymentId
    this.failures.clear()
    this.changed()
    try {
      const model = await this.deps.load(deploymentId)
      this.heldId = deploymentId
      this.reloads = 0
      if (!this.turns.closed) this.deps.remember(deploymentId)
      return model
    } catch (error) {
      const value = toErrorValue(error)
      this.failures.set(deploymentId, value.message)
      // After a crash the engine comes back by itself and onEngine tries again; everything else waits for the owner.
      this.heldId = value.code === 'ENGINE_CRASHED' ? deploymentId : null
      throw error
    } finally {
      this.loadingId = null
      this.changed()
    }
  }

  private onEngine(state: EngineState): void {
    this.deps.events.changed('engine')
    this.deps.events.changed('deployments')
    if (state.kind !== 'ready' || this.heldId === null || this.loadingId !== null || this.reloads >= RELOADS_MAX) return
    this.reloads += 1
    this.loadQuietly(this.heldId)
  }

  private refuseInUse(deploymentId: DeploymentId): void {
    const reason = this.deps.inUse(deploymentId)
    if (reason !== null) throw new StokerError('MODEL_IN_USE', reason, { data: { deploymentId } })
  }

  private changed(): void {
    this.deps.events.changed('deployments')
    this.deps.events.changed('models')
  }
}
