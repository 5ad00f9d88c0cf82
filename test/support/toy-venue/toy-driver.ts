/** The driver of the toy market: a poll-shaped venue without receipts, exams, streaming or a book. */
import { StokerError } from '#contract/errors.ts'
import { brandId, type Instrument, type JobId } from '#contract/ids.ts'
import { nano, nanoPerMtok, onePrice } from '#contract/money.ts'
import { said } from '#contract/reasons.ts'
import type { Realm, UnitCode } from '#contract/units.ts'
import type { GradeSpec } from '#contract/grades.ts'
import type { Clock } from '#contract/time.ts'
import type { LeaseSource } from '#core/capacity/lease.port.ts'
import type { Statement, VenueEvent } from '#core/venues/venue-events.ts'
import type { VenueCapabilities, VenueOffer, VenuePort, VenueState } from '#core/venues/venue.port.ts'
import { every } from '#lib/every.ts'

import type { FakeToyServer, ToyJob } from './fake-toy-server.ts'

export const TOY_CAPABILITIES: VenueCapabilities = {
  transport: 'poll',
  streaming: false,
  cancel: false,
  counts: 'venue',
  pricing: 'venue',
  onePrice: false,
  receipts: 'statement',
  exams: 'none',
  book: false,
  pause: false,
  reprice: true,
  prompts: 'chat',
}
export interface ToyOptions {
  server: FakeToyServer
  key: () => string
  clock: Clock
  realm: Realm
  unit: UnitCode
  spec: GradeSpec
}
const POLL_MS = 100
const ACCOUNT_EVERY = 5

export class ToyDriver implements VenuePort {
  readonly capabilities = TOY_CAPABILITIES
  readonly #options: ToyOptions
  readonly #onState = new Set<(state: VenueState) => void>()
  readonly #onEvent = new Set<(event: VenueEvent) => void>()
  readonly #offers = new Map<string, VenueOffer>()
  /** Popped and not handed in. */
  readonly #popped = new Set<string>()
  #state: VenueState = { kind: 'stopped' }
  #seenAt: number | null = null
  #leases: LeaseSource = { take: () => null }
  #polls = 0
  #loop: { stop(): void } | null = null

  constructor(options: ToyOptions) {
    this.#options = options
  }

  state = (): VenueState => this.#state
  lastSeenAt = (): number | null => this.#seenAt
  onState = (listener: (state: VenueState) => void): (() => void) => (
    this.#onState.add(listener),
    () => this.#onState.delete(listener)
  )
  onEvent = (listener: (event: VenueEvent) => void): (() => void) => (
    this.#onEvent.add(listener),
    () => this.#onEvent.delete(listener)
  )

  start(leases: LeaseSource): void {
    this.#leases = leases
    this.#loop = every(this.#options.clock, POLL_MS, () => this.#poll(), { onError: () => undefined })
  }

  stop(): Promise<void> {
    this.#loop?.stop()
    this.#set({ kind: 'stopped' })
    return Promise.resolve()
  }

  declare(offer: VenueOffer): void {
    this.#online()
    this.#offers.set(offer.instrument, offer)
    this.#tell({ kind: 'offer', instrument: offer.instrument, error: null })
  }

  withdraw(instrument: Instrument): void {
    this.#offers.delete(instrument)
  }

  /** Fetched means accepted, and text goes with the hand-in. */
  accept(): void {}
  text(): void {}
  reconcile(): void {}
  startExam(): void {
    throw new StokerError('FORBIDDEN', 'The toy market examines nobody.')
  }
  cancelExam(): void {}

  refuse(jobId: JobId): void {
    this.failed(jobId)
  }

  failed(jobId: JobId): void {
    this.#popped.delete(jobId)
    this.#call((server, key) => server.fail(key, jobId))
  }

  done({ jobId, text }: { jobId: JobId; text: string | null }): void {
    // Once: what became of one that was handed in before a restart is in the account.
    if (text === null || !this.#popped.delete(jobId)) return
    const points = this.#call((server, key) => server.handIn(key, jobId, text))
    if (points !== null) this.#tell({ kind: 'acknowledged', jobId, amountNano: nano(points) })
  }

  #poll(): void {
    if (this.#state.kind !== 'online') {
      if (this.#call((server, key) => (server.hello(key), true)) === null) return
      const { clock, realm, unit, spec } = this.#options
      const terms = { realm, unit, feeBps: 0, holdMs: 0, specs: [spec], exchange: brandId<never>('') }
      this.#set({ kind: 'online', since: clock.now(), fresh: true, terms })
    }
    for (const offer of this.#offers.values()) this.#fetch(offer)
    if ((this.#polls += 1) % ACCOUNT_EVERY === 0) this.#readAccount()
  }

  #fetch({ instrument }: VenueOffer): void {
    const lease = this.#leases.take(instrument)
    if (lease === null) return
    const job = this.#call((server, key) => server.pop(key))
    if (job === null) return lease.release()
    this.#popped.add(job.id)
    this.#tell({ kind: 'job', job: { ...this.#request(job), instrument, lease } })
  }

  #request({ id, prompt, maxTokens, ttlMs }: ToyJob) {
    return {
      jobId: brandId<JobId>(id),
      specVersion: this.#options.spec.version,
      request: {
        messages: [{ role: 'user' as const, content: prompt }],
        maxTokens,
        sampling: { temperature: 0, topP: 1, topK: 40, minP: 0 },
        stop: [],
        ignoreEos: false,
      },
      // It pays by its own rule; what a job brings is said when it is handed in.
      price: onePrice(nanoPerMtok(0)),
      reserveNano: nano(0),
      deadlineMs: ttlMs,
      salt: '',
    }
  }

  #readAccount(): void {
    const text = this.#call((server, key) => server.account(key))
    if (text === null) return
    const { lines } = JSON.parse(text) as {
      lines: { id: string; points: number; pay: Statement['lines'][number]['state'] }[]
    }
    const at = this.#options.clock.now()
    const read = lines.map(({ id, points, pay }) => ({
      jobId: brandId<JobId>(id),
      amountNano: nano(points),
      state: pay,
      at,
    }))
    this.#tell({ kind: 'statement', statement: { at, text, lines: read } })
  }

  /** Null when it did not work; then the state says why. */
  #call<T>(work: (server: FakeToyServer, key: string) => T): T | null {
    const { server, key, clock } = this.#options
    try {
      const value = work(server, key())
      this.#seenAt = clock.now()
      return value
    } catch (error) {
      const code = error instanceof StokerError ? error.code : 'INTERNAL'
      if (code === 'UNAUTHORIZED' || code === 'UNAVAILABLE')
        this.#set({
          kind: 'offline',
          reason: said(code === 'UNAUTHORIZED' ? 'the key is not taken any more' : 'nothing answers'),
          retryAt: clock.now() + POLL_MS,
          cause: code === 'UNAUTHORIZED' ? 'credential' : 'network',
        })
      return null
    }
  }

  #online(): void {
    if (this.#state.kind !== 'online') throw new StokerError('EXCHANGE_OFFLINE', 'The toy market is not reachable.')
  }
  #set(state: VenueState): void {
    this.#state = state
    for (const listener of this.#onState) listener(state)
  }
  #tell(event: VenueEvent): void {
    for (const listener of this.#onEvent) listener(event)
  }
}
