/** Orders that wait for a free slot, in order of arrival, each for a bounded time. */
import { after } from '../clocks.ts'
import type { MarketContext } from '../context.ts'
import { LIMITS } from '../limits.ts'

export class WaitingLine {
  readonly #clock: MarketContext['clock']
  readonly #places = new Map<string, { instrument: string; stopTimer: () => void }>()

  constructor(clock: MarketContext['clock']) {
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
  orderIds(): IterableIterator<string> {
    return this.#places.keys()
  }

  /** `onTimeUp` runs when the order has waited long enough; it has left the line then. */
  enter(orderId: string, instrument: string, onTimeUp: () => void): void {
    const stopTimer = after(this.#clock, LIMITS.waitForSlotMs, () => {
      this.#places.delete(orderId)
      onTimeUp()
    })
    this.#places.set(orderId, { instrument, stopTimer })
  }

  /** False when it was not waiting. */
  leave(orderId: string): boolean {
    this.#places.get(orderId)?.stopTimer()
    return this.#places.delete(orderId)
  }
}
