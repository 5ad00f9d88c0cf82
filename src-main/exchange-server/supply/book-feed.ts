/** The book of each instrument, pushed to every supplier when it changes, at most once a second. */
import type { Instrument } from '#contract/ids.ts'
import { brandId } from '#contract/ids.ts'
import { comparePrices, type Price } from '#contract/money.ts'
import type { BookV2 } from '#contract/supplier-v2.ts'
import { HOUR_MS } from '#contract/time.ts'

import { after } from '../exchange-clocks.ts'
import type { ExchangeContext } from '../exchange-context.ts'
import { LIMITS } from '../exchange-limits.ts'
import { callsSince } from '../store/calls.store.ts'
import type { Peer } from './peer.ts'
import type { Registry, StandingOffer } from './supplier-registry.ts'

const ROWS_MAX = 200

export class BookFeed {
  readonly #context: ExchangeContext
  readonly #registry: Registry
  readonly #waitingFor: (instrument: string) => number
  readonly #changed = new Set<string>()
  #stopTimer: (() => void) | null = null

  constructor(context: ExchangeContext, registry: Registry, waitingFor: (instrument: string) => number) {
    this.#context = context
    this.#registry = registry
    this.#waitingFor = waitingFor
  }

  changed(instrument: string): void {
    this.#changed.add(instrument)
    this.#stopTimer ??= after(this.#context.clock, LIMITS.bookEveryMs, () => {
      this.#stopTimer = null
      const instruments = [...this.#changed]
      this.#changed.clear()
      for (const one of instruments) this.#push(one)
    })
  }

  /** Every book, to one supplier that has just connected. */
  greet(peer: Peer): void {
    for (const instrument of this.#context.specs.keys()) this.#send(peer, instrument)
  }

  stop(): void {
    this.#stopTimer?.()
    this.#stopTimer = null
  }

  #push(instrument: string): void {
    for (const peer of this.#registry.all()) this.#send(peer, instrument)
  }

  #send(peer: Peer, instrument: string): void {
    if (peer.wire === null) return
    const { clock, db } = this.#context
    const book: BookV2 = {
      instrument: brandId<Instrument>(instrument),
      at: clock.now(),
      rows: rowsOf(this.#registry.standing(instrument, this.#context.clock.now()), peer.supplier),
      jobsLastHour: callsSince(db.read, instrument, clock.now() - HOUR_MS),
      waiting: this.#waitingFor(instrument),
    }
    peer.send({ t: 'book', book })
  }
}

/** One row a price, cheapest first; `mine` marks the prices this supplier offers at. */
function rowsOf(offers: readonly StandingOffer[], viewer: string): BookV2['rows'] {
  const rows = new Map<string, { ask: Price; suppliers: number; freeSlots: number; mine: boolean }>()
  for (const offer of offers) {
    const { ask } = offer
    const at = `${ask.input} ${ask.cachedInput} ${ask.output}`
    const row = rows.get(at) ?? { ask, suppliers: 0, freeSlots: 0, mine: false }
    rows.set(at, {
      ask,
      suppliers: row.suppliers + 1,
      freeSlots: row.freeSlots + offer.freeSlots,
      mine: row.mine || offer.supplier === viewer,
    })
  }
  return [...rows.values()].toSorted((a, b) => comparePrices(a.ask, b.ask)).slice(0, ROWS_MAX)
}
