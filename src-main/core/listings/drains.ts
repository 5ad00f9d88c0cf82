/**
 * Accepted work of a listing that takes no more: it is finished, for ten minutes at most; what then still runs is
 * failed by us and its buyers pay nothing.
 */
import type { Clock, EpochMs } from '#contract/time.ts'
import { MINUTE_MS } from '#contract/time.ts'

const DRAIN_MS = 10 * MINUTE_MS

export interface DrainParts {
  clock: Clock
  /** Jobs of the listing that the deployment still works on. */
  running(instrument: string, deploymentId: string): number
  giveUp(instrument: string, deploymentId: string, message: string): void
  changed(): void
}

interface Drain {
  instrument: string
  deploymentId: string
  until: EpochMs
  stop: AbortController
}

export class Drains {
  readonly #parts: DrainParts
  readonly #drains = new Set<Drain>()

  constructor(parts: DrainParts) {
    this.#parts = parts
  }

  /** Nothing happens when nothing runs. */
  begin(instrument: string, deploymentId: string): void {
    if (this.#find(instrument, deploymentId) !== undefined || this.#parts.running(instrument, deploymentId) === 0)
      return
    const { clock } = this.#parts
    const drain = { instrument, deploymentId, until: clock.now() + DRAIN_MS, stop: new AbortController() }
    this.#drains.add(drain)
    clock.sleep(DRAIN_MS, { signal: drain.stop.signal, unref: true }).then(
      () => this.#late(drain),
      () => undefined,
    )
    this.#parts.changed()
  }

  /** It takes jobs again: what runs is ordinary work. */
  end(instrument: string, deploymentId: string): void {
    const drain = this.#find(instrument, deploymentId)
    if (drain !== undefined) this.#forget(drain)
  }

  /** A job ended: drains without one are over. */
  settle(): void {
    for (const drain of this.#drains) {
      if (this.#parts.running(drain.instrument, drain.deploymentId) === 0) this.#forget(drain)
      else this.#parts.changed()
    }
  }

  /** Of one instrument, whichever deployments still work for it. */
  of(instrument: string): { jobs: number; until: EpochMs; deploymentId: string } | null {
    const mine = [...this.#drains].filter((drain) => drain.instrument === instrument)
    const last = mine.at(-1)
    if (last === undefined) return null
    const jobs = mine.reduce((sum, drain) => sum + this.#parts.running(drain.instrument, drain.deploymentId), 0)
    return { jobs, until: Math.max(...mine.map(({ until }) => until)), deploymentId: last.deploymentId }
  }

  get idle(): boolean {
    return this.#drains.size === 0
  }

  stop(): void {
    for (const { stop } of this.#drains) stop.abort()
    this.#drains.clear()
  }

  #find(instrument: string, deploymentId: string): Drain | undefined {
    return [...this.#drains].find((drain) => drain.instrument === instrument && drain.deploymentId === deploymentId)
  }

  #forget(drain: Drain): void {
    drain.stop.abort()
    this.#drains.delete(drain)
    this.#parts.changed()
  }

  #late(drain: Drain): void {
    this.#parts.giveUp(
      drain.instrument,
      drain.deploymentId,
      'the listing was taken down and the job was not done ten minutes later',
    )
    if (this.#drains.has(drain)) this.#forget(drain)
  }
}
