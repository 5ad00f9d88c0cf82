/**
 * Syncs are the dearest frames: up to 500 receipts, 500 releases and 500 jobs each. A session has one in flight, until
 * its result is acknowledged; all together they take turns and get at most half of the time.
 */
import type { SupplierFrame } from '#contract/supplier.ts'

import { after } from '../exchange-clocks.ts'
import type { ExchangeContext } from '../exchange-context.ts'

type Sync = Extract<SupplierFrame, { t: 'sync' }>

/** What is needed of a session. */
export interface SyncingPeer {
  readonly gone: boolean
  readonly link: { readonly sent: number; readonly acknowledged: number }
}

interface State {
  /** The next one, once the one before is acknowledged. */
  next: Sync | null
  /** The number of the frame that answered the last one; null before the first. */
  answeredBy: number | null
}

export class SyncQueue<Peer extends SyncingPeer> {
  readonly #clock: ExchangeContext['clock']
  readonly #answer: (peer: Peer, sync: Sync) => void
  readonly #states = new Map<Peer, State>()
  /** Whose turn it is, in the order they asked. */
  readonly #turns = new Set<Peer>()
  #restsUntil = 0
  #stopTimer: (() => void) | null = null

  constructor(clock: ExchangeContext['clock'], answer: (peer: Peer, sync: Sync) => void) {
    this.#clock = clock
    this.#answer = answer
  }

  /** Answers now or when its turn has come. False when one waits already: the session asks without listening. */
  ask(peer: Peer, sync: Sync): boolean {
    const state = this.#states.get(peer) ?? { next: null, answeredBy: null }
    if (state.next !== null) return false
    state.next = sync
    this.#states.set(peer, state)
    this.acknowledged(peer)
    return true
  }

  /** The session acknowledged something: its next sync may be due. */
  acknowledged(peer: Peer): void {
    const state = this.#states.get(peer)
    if (state === undefined || state.next === null) return
    if (state.answeredBy !== null && peer.link.acknowledged < state.answeredBy) return
    this.#turns.add(peer)
    this.#run()
  }

  left(peer: Peer): void {
    this.#states.delete(peer)
    this.#turns.delete(peer)
  }

  stop(): void {
    this.#stopTimer?.()
    this.#stopTimer = null
    this.#turns.clear()
  }

  #run(): void {
    if (this.#stopTimer !== null) return
    const wait = this.#restsUntil - this.#clock.mono()
    if (wait > 0) {
      this.#stopTimer = after(this.#clock, wait, () => {
        this.#stopTimer = null
        this.#one()
      })
    } else this.#one()
  }

  /** One answer, then a rest as long as it took. */
  #one(): void {
    const [peer] = this.#turns
    if (peer === undefined) return
    this.#turns.delete(peer)
    const state = this.#states.get(peer)
    const sync = state?.next ?? null
    if (state !== undefined && sync !== null && !peer.gone) {
      const began = this.#clock.mono()
      state.next = null
      try {
        this.#answer(peer, sync)
      } finally {
        state.answeredBy = peer.link.sent
        const ended = this.#clock.mono()
        this.#restsUntil = ended + (ended - began)
      }
    }
    if (this.#turns.size > 0) this.#run()
  }
}
