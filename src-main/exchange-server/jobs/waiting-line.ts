/** Orders that wait for a free slot, in order of arrival, each for a bounded time. */
import { after } from '../exchange-clocks.ts'
import type { ExchangeContext } from '../exchange-context.ts'
import { LIMITS } from '../exchange-limits.ts'

export class WaitingLine {
  readonly #clock: ExchangeContext['clock']
  readonly #places = new Map<string, { instrument: string; since: number; stopTimer: () => void }>()

  constructor(clock: ExchangeContext['clock']) {
    this.#clock = clock
  }

  get full(): boolean {
    return this.#places.size >= LIMITS.waitingOrders
  }

  has(orderId: string): boolean {
    return this.#places.has(orderId)
  }

  count(instrument: string): number {
    let count = 0
    for (const place of this.#places.values()) if (place.instrument === instrument) count += 1
    return count
  }

  /** Oldest first; places may be left while it is walked. */
  orderIds(): string[] {
    return [...this.#places].toSorted(([, a], [, b]) => a.since - b.since).map(([orderId]) => orderId)
  }

  /**
   * `since` is its place: an order that comes back keeps it. `onTimeUp` runs when the order has waited `forMs`; it has
   * left the line then.
   */
  enter(orderId: string, place: { instrument: string; since: number; forMs: number }, onTimeUp: () => void): void {
    const { instrument, since, forMs } = place
    const stopTimer = after(this.#clock, forMs, () => {
      this.#places.delete(orderId)
      onTimeUp()
    })
    this.#places.set(orderId, { instrument, since, stopTimer })
  }

  /** False when it was not waiting. */
  leave(orderId: string): boolean {
    this.#places.get(orderId)?.stopTimer()
    return this.#places.delete(orderId)
  }
}
