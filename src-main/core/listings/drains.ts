/**
 * Accepted work of a listing that takes no more: it is finished, for ten minutes at most; what then still runs is
 * failed by us and its buyers pay nothing.
 */
import { because, type Reason } from '#contract/reasons.ts'
import type { Clock, EpochMs } from '#contract/time.ts'
import { MINUTE_MS } from '#contract/time.ts'

const DRAIN_MS = 10 * MINUTE_MS

export interface DrainsDeps {
  clock: Clock
  /** Jobs of the listing that the deployment still works on. */
  running(instrument: string, deploymentId: string): number
  giveUp(instrument: string, deploymentId: string, reason: Reason): void
  changed(): void
}

interface Drain {
  instrument: string
  deploymentId: string
  until: EpochMs
  cancelled: AbortController
}

export class Drains {
  readonly #deps: DrainsDeps
  readonly #drains = new Set<Drain>()

  constructor(deps: DrainsDeps) {
    this.#deps = deps
  }

  /** Nothing happens when nothing runs. */
  begin(instrument: string, deploymentId: string): void {
    if (this.#find(instrument, deploymentId) !== undefined || this.#deps.running(instrument, deploymentId) === 0) return
    const { clock } = this.#deps
    const drain = { instrument, deploymentId, until: clock.now() + DRAIN_MS, cancelled: new AbortController() }
    this.#drains.add(drain)
    clock.sleep(DRAIN_MS, { signal: drain.cancelled.signal, unref: true }).then(
      () => this.#late(drain),
      () => undefined,
    )
    this.#deps.changed()
  }

  /** It takes jobs again: what runs is ordinary work. */
  end(instrument: string, deploymentId: string): void {
    const drain = this.#find(instrument, deploymentId)
    if (drain !== undefined) this.#forget(drain)
  }

  /** A job ended: drains without one are over. */
  settle(): void {
    for (const drain of this.#drains) {
      if (this.#deps.running(drain.instrument, drain.deploymentId) === 0) this.#forget(drain)
      else this.#deps.changed()
    }
  }

  /** Of one instrument, whichever deployments still work for it. */
  of(instrument: string): { jobs: number; until: EpochMs; deploymentId: string } | null {
    const mine = [...this.#drains].filter((drain) => drain.instrument === instrument)
    const last = mine.at(-1)
    if (last === undefined) return null
    const jobs = mine.reduce((sum, drain) => sum + this.#deps.running(drain.instrument, drain.deploymentId), 0)
    return { jobs, until: Math.max(...mine.map(({ until }) => until)), deploymentId: last.deploymentId }
  }

  get idle(): boolean {
    return this.#drains.size === 0
  }

  stop(): void {
    for (const { cancelled } of this.#drains) cancelled.abort()
    this.#drains.clear()
  }

  #find(instrument: string, deploymentId: string): Drain | undefined {
    return [...this.#drains].find((drain) => drain.instrument === instrument && drain.deploymentId === deploymentId)
  }

  #forget(drain: Drain): void {
    drain.cancelled.abort()
    this.#drains.delete(drain)
    this.#deps.changed()
  }

  #late(drain: Drain): void {
    this.#deps.giveUp(drain.instrument, drain.deploymentId, because('listing.drainLate'))
    if (this.#drains.has(drain)) this.#forget(drain)
  }
}
