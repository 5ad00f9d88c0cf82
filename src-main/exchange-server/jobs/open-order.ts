/**
 * One order while it looks for a supplier: who failed it, who was busy just now, how long it may still wait. Monotonic
 * milliseconds.
 */
import type { ErrorCode, ErrorValue } from '#contract/errors.ts'

import { LIMITS } from '../exchange-limits.ts'
import type { RoutedJob, BuyerOrder } from './routed-job.ts'

/**
 * Refusals that say "not now" and nothing about the order: the same supplier may serve it in a moment. CONFLICT: its
 * ask changed while the job was on its way.
 */
const NOT_NOW: readonly ErrorCode[] = ['ENGINE_BUSY', 'ENGINE_NOT_LOADED', 'CONFLICT']

export class OpenOrder {
  readonly order: BuyerOrder
  /** Suppliers that failed it; they are not asked again. */
  readonly tried = new Set<string>()
  /** Jobs of it that were refused for the request itself. */
  readonly unservable: string[] = []
  job: RoutedJob | null = null
  lastError: ErrorValue | null = null
  readonly #resting = new Set<string>()
  #busyAnswers = 0
  #waitsUntil: number | null = null

  constructor(order: BuyerOrder) {
    this.order = order
  }

  /**
   * Takes note of a supplier's failure before any text. True when that supplier rests and may be asked again: tell
   * `rested` when.
   */
  failedBy(supplier: string, error: ErrorValue): boolean {
    if (NOT_NOW.includes(error.code) && this.#busyAnswers < LIMITS.busyAnswers) {
      this.#busyAnswers += 1
      this.#resting.add(supplier)
      return true
    }
    this.tried.add(supplier)
    this.lastError = error
    return false
  }

  rested(supplier: string): void {
    this.#resting.delete(supplier)
  }

  /** Not to be asked at this moment: it failed the order, or said a moment ago that it is busy. */
  barred(supplier: string): boolean {
    return this.tried.has(supplier) || this.#resting.has(supplier)
  }

  /**
   * What is left of the time an order may wait, counted from its first wait: going back into the line gives no new
   * time.
   */
  waitMs(now: number): number {
    this.#waitsUntil ??= now + LIMITS.waitForSlotMs
    return Math.max(0, this.#waitsUntil - now)
  }

  /** When it began to wait for the first time; its place in the line. */
  since(now: number): number {
    return (this.#waitsUntil ?? now + LIMITS.waitForSlotMs) - LIMITS.waitForSlotMs
  }
}
