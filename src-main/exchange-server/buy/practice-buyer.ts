/**
 * The labelled buyer inside a practice exchange: funded by the issuer, seeded, can be switched off. It buys through the
 * same routing as everybody, below HTTP, so that a newcomer earns practice credits without an open port.
 */
import { inputTokens } from '#contract/bytes4.ts'
import { EMBEDDED_VENUE } from '#contract/embedded-venue.ts'
import type { GradeSpec } from '#contract/grades.ts'
import { brandId, type Instrument } from '#contract/ids.ts'
import { inferenceRequest } from '#contract/inference.ts'
import { nano, nanoPerMtok } from '#contract/money.ts'

import { buyerAccount } from '../exchange-accounts.ts'
import { after } from '../exchange-clocks.ts'
import type { ExchangeContext } from '../exchange-context.ts'
import type { Router } from '../jobs/router.ts'
import { within } from '../supply/matching.ts'
import type { Offer, Peer } from '../supply/peer.ts'
import type { Registry } from '../supply/supplier-registry.ts'
import { fund, openBuyer } from './buyers.ts'
import { PracticePace, practiceJobs, SLOW_NOTICE } from './practice-pace.ts'
import { practicePrompt, SeededDraws } from './practice-prompts.ts'

const { id: PRACTICE_BUYER, order: ORDER_WORD, name: BUYER_NAME } = EMBEDDED_VENUE.ownBuyer
const UNIT = EMBEDDED_VENUE.unit
/** It pays at most 20 practice credits per million tokens. */
const PRACTICE_PRICE_CAP = nanoPerMtok(20_000_000_000)
const AT_ONCE = 2
const FIRST_MS = 500
const CREDIT = nano(1_000_000_000_000)
const CREDIT_LOW = 10_000_000_000n
const TOKENS_LEAST = 16
const TOKENS_SPREAD = 33

export class PracticeBuyer {
  readonly #context: ExchangeContext
  readonly #router: Router
  readonly #registry: Registry
  readonly #draws: SeededDraws
  readonly #running = new Map<string, () => void>()
  /** Sessions and instruments that know of the slow pace. */
  readonly #notified = new WeakMap<Peer, Set<string>>()
  /** Read from the books when it first buys. */
  #pace: PracticePace | null = null
  #enabled: boolean
  #turn = 0
  #dueAt = Number.POSITIVE_INFINITY
  #stopTimer: () => void = () => undefined

  constructor(
    context: ExchangeContext,
    router: Router,
    registry: Registry,
    options: { seed: string; enabled: boolean },
  ) {
    this.#context = context
    this.#router = router
    this.#registry = registry
    this.#draws = new SeededDraws(options.seed)
    this.#enabled = options.enabled
  }

  get enabled(): boolean {
    return this.#enabled
  }

  setEnabled(enabled: boolean): void {
    this.#enabled = enabled
    if (enabled) this.#schedule(FIRST_MS)
    else this.stop()
  }

  /** A listing appeared or changed: the first purchase comes within a second. */
  listed(peer: Peer, offer: Offer): void {
    if (!this.#enabled) return
    if (!within(offer.ask, PRACTICE_PRICE_CAP)) {
      peer.send({
        t: 'notice',
        level: 'act-soon',
        text: `The practice buyer pays at most ${PRACTICE_PRICE_CAP / 10 ** UNIT.scale} ${UNIT.name} per million tokens; your ask for ${offer.instrument} is above that, so it does not buy from you.`,
        instrument: brandId<Instrument>(offer.instrument),
      })
      return
    }
    // Offers are repeated whenever free memory or slots change: only a new one is worth a purchase of its own.
    const isNew = !this.#paceNow().slow || this.#tellSlow(peer, offer.instrument)
    if (isNew || this.#dueAt === Number.POSITIVE_INFINITY) this.#schedule(FIRST_MS)
  }

  stop(): void {
    this.#stopTimer()
    this.#dueAt = Number.POSITIVE_INFINITY
    for (const cancel of this.#running.values()) cancel()
    this.#running.clear()
  }

  #schedule(inMs: number): void {
    const at = this.#context.clock.mono() + inMs
    if (at >= this.#dueAt) return
    this.#stopTimer()
    this.#dueAt = at
    this.#stopTimer = after(this.#context.clock, inMs, () => {
      this.#dueAt = Number.POSITIVE_INFINITY
      this.#buy()
    })
  }

  #buy(): void {
    const specs = [...this.#context.specs.values()].filter((spec) =>
      this.#registry
        .standing(spec.instrument, this.#context.clock.now())
        .some((offer) => within(offer.ask, PRACTICE_PRICE_CAP)),
    )
    // Without a listing it sleeps until the next one.
    if (!this.#enabled || specs.length === 0) return
    this.#turn += 1
    const spec = specs[this.#turn % specs.length]!
    const free = this.#registry
      .standing(spec.instrument, this.#context.clock.now())
      .some((offer) => offer.freeSlots > 0)
    if (free && this.#running.size < AT_ONCE) {
      try {
        this.#order(spec)
      } catch (error) {
        this.#context.log.warn({ err: error }, 'the practice buyer could not order')
      }
    }
    this.#schedule(this.#paceNow().nextMs(this.#draws))
  }

  #paceNow(): PracticePace {
    this.#pace ??= new PracticePace(practiceJobs(this.#context.db.read))
    return this.#pace
  }

  /** Once a session and instrument: it stands beside the listing until the listing changes. False when it was before. */
  #tellSlow(peer: Peer, instrument: string): boolean {
    const notified = this.#notified.get(peer) ?? new Set()
    if (notified.has(instrument)) return false
    this.#notified.set(peer, notified.add(instrument))
    peer.send({ t: 'notice', level: 'info', text: SLOW_NOTICE, instrument: brandId<Instrument>(instrument) })
    return true
  }

  #order(spec: GradeSpec): void {
    const messages = [{ role: 'user' as const, content: practicePrompt(this.#draws) }]
    const input = inputTokens(messages)
    const maxTokens = Math.min(
      TOKENS_LEAST + this.#draws.next(TOKENS_SPREAD),
      spec.limits.outputTokens,
      spec.limits.contextTokens - input,
    )
    if (maxTokens < 1) return
    this.#topUp()
    const orderId = this.#context.ids.next(ORDER_WORD)
    const over = (): void => void this.#running.delete(orderId)
    this.#running.set(orderId, () => undefined)
    const cancel = this.#router.submit({
      orderId,
      buyerId: PRACTICE_BUYER,
      spec,
      request: inferenceRequest.parse({ messages, maxTokens }),
      inputTokens: input,
      maxPrice: PRACTICE_PRICE_CAP,
      sink: { onRouted: () => undefined, onDelta: () => undefined, onDone: over, onFailed: over },
    })
    if (this.#running.has(orderId)) this.#running.set(orderId, cancel)
    if (!this.#paceNow().ordered()) return
    for (const peer of this.#registry.all())
      for (const offer of peer.offers.values())
        if (within(offer.ask, PRACTICE_PRICE_CAP)) this.#tellSlow(peer, offer.instrument)
  }

  #topUp(): void {
    const { db, books } = this.#context
    db.tx((write) => {
      openBuyer(this.#context, write, {
        buyerId: PRACTICE_BUYER,
        name: BUYER_NAME,
        practice: true,
      })
      const { credits, debits, pendingDebits } = books.balance(write, buyerAccount(PRACTICE_BUYER))
      if (credits - debits - BigInt(pendingDebits) < CREDIT_LOW) fund(this.#context, write, PRACTICE_BUYER, CREDIT)
    })
  }
}
