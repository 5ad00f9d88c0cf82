/**
 * A scripted exchange behind the port, in the frames of our own protocol: keeps the truth about jobs, receipts and releases across restarts of the
 * core; frames wait in a queue until the test delivers them.
 */
import { said } from '#contract/reasons.ts'
import { inputTokens } from '#contract/bytes4.ts'
import { brandId, type Instrument, type JobId, type PublicKey } from '#contract/ids.ts'
import { nano, nanoPerMtok, type NanoPerMtok, type Realm } from '#contract/money.ts'
import type { GradeSpec } from '#contract/grades.ts'
import type { Receipt } from '#contract/receipt.ts'
import { StokerError } from '#contract/errors.ts'
import type { ExchangeFrame, Release, SupplierFrame } from '#contract/supplier.ts'
import { GENESIS, makeReceipt, receiptHash, signReceipt, type ReceiptFacts } from '#books/receipts.ts'
import type { VenueEvent } from '#core/venues/venue-events.ts'
import type { VenuePort, VenueState } from '#core/venues/venue.port.ts'
import { generateSigningKey } from '#lib/ed25519.ts'
import { eventOf, STOKER_CAPABILITIES, stokerVerbs } from '#venues/stoker/stoker-frames.ts'

export const NANO_INSTRUMENT = brandId<Instrument>('practice/text-nano')
export const FAKE_SPEC: GradeSpec = {
  instrument: NANO_INSTRUMENT,
  version: 1,
  title: 'Text nano',
  provisional: true,
  caveat: 'a fake',
  level: 1,
  tokenizer: 'bytes4',
  limits: {
    intelligence: { floor: 0.7, target: 0.8 },
    families: {},
    ttftCeilingMs: 5_000,
    throughputFloorTokPerS: 10,
    contextTokens: 128,
    outputTokens: 64,
    errorRateCeiling: 0.05,
  },
}

interface FakeExchangeJob {
  state: 'pending' | 'settled' | 'void'
  price: NanoPerMtok
  receipt: Receipt | null
  exam: boolean
  input: number
}

export class FakeExchange {
  readonly key = generateSigningKey()
  readonly jobs = new Map<string, FakeExchangeJob>()
  readonly receipts: Receipt[] = []
  readonly releases: Release[] = []
  readonly sent: SupplierFrame[] = []
  queue: ExchangeFrame[] = []
  pageSize = 3
  /** A patient exchange: jobs of a lost session stay pending until the supplier says what became of them. */
  keepsPending = false
  /** As the fake clock's beginning. */
  now = Date.UTC(2026, 10, 21, 12)
  /** What the next sessions announce, and what receipts really take. */
  realm: Realm = 'practice'
  feeBps = 500
  takesBps = 500
  /** Changes what a receipt says before it is signed and chained. */
  bends: (facts: ReceiptFacts) => ReceiptFacts = (facts) => facts
  /** What is told instead of a receipt; its own chain stays good. */
  tampers: (receipt: Receipt) => Receipt = (receipt) => receipt
  #port: {
    alive: boolean
    state: VenueState
    onState: Set<(state: VenueState) => void>
    onEvent: Set<(event: VenueEvent) => void>
  } | null = null
  #count = 0

  /** A new port for a new core; the one before it is dead: what it sends goes nowhere. */
  port(): VenuePort & { kill(): void } {
    if (this.#port !== null) this.#port.alive = false
    const mine = {
      alive: true,
      state: { kind: 'connecting', attempt: 1 } as VenueState,
      onState: new Set<(state: VenueState) => void>(),
      onEvent: new Set<(event: VenueEvent) => void>(),
    }
    this.#port = mine
    return {
      capabilities: STOKER_CAPABILITIES,
      ...stokerVerbs((frame) => {
        if (mine.state.kind !== 'online') throw new StokerError('EXCHANGE_OFFLINE', 'fake: offline')
        if (!mine.alive) throw new StokerError('EXCHANGE_OFFLINE', 'fake: this core is dead')
        this.sent.push(frame)
        this.#handle(frame)
      }),
      state: () => mine.state,
      lastSeenAt: () => null,
      onState: (listener) => (mine.onState.add(listener), () => mine.onState.delete(listener)),
      onEvent: (listener) => (mine.onEvent.add(listener), () => mine.onEvent.delete(listener)),
      start: () => undefined,
      stop: async () => undefined,
      kill: () => {
        mine.alive = false
      },
    }
  }

  /** A session; a fresh one loses the queue and every job still running. */
  online(fresh = true): void {
    if (fresh) {
      this.queue = []
      for (const job of this.jobs.values()) if (job.state === 'pending' && !this.keepsPending) job.state = 'void'
    }
    this.#set({
      kind: 'online',
      since: this.now,
      fresh,
      terms: {
        realm: this.realm,
        unit: 'PCR',
        feeBps: this.feeBps,
        holdMs: 30_000,
        specs: [FAKE_SPEC],
        exchange: this.key.publicKey,
      },
    })
  }

  offline(): void {
    this.#set({ kind: 'offline', reason: said('fake'), retryAt: 0, cause: 'network' })
  }

  /** Sends one job; the id counts. */
  job(
    options: {
      content?: string
      price?: number
      maxTokens?: number
      examId?: string
      itemId?: string
      instrument?: Instrument
      reserveNano?: number
      deadlineMs?: number
    } = {},
  ): JobId {
    this.#count += 1
    const jobId = brandId<JobId>(`job_${this.#count}`)
    const {
      content = 'hello there',
      price = 1_000_000,
      maxTokens = 16,
      examId,
      itemId,
      instrument = NANO_INSTRUMENT,
      reserveNano = 1_000_000,
      deadlineMs = 60_000,
    } = options
    const messages = [{ role: 'user' as const, content }]
    this.jobs.set(jobId, {
      state: 'pending',
      price: nanoPerMtok(price),
      receipt: null,
      exam: examId !== undefined,
      input: inputTokens(messages),
    })
    const exam = examId === undefined ? {} : { examId: brandId<never>(examId), itemId: itemId ?? `item-${this.#count}` }
    this.queue.push({
      t: 'job',
      jobId,
      instrument,
      specVersion: 1,
      request: {
        messages,
        maxTokens,
        sampling: { temperature: 0, topP: 1, topK: 40, minP: 0 },
        stop: [],
        ignoreEos: false,
      },
      priceNanoPerMtok: nanoPerMtok(price),
      reserveNano: nano(reserveNano),
      deadlineMs,
      salt: 's'.repeat(43),
      ...exam,
    })
    return jobId
  }

  /** Releases the oldest receipt still held. */
  release(): boolean {
    const next = this.receipts.find(
      (receipt) => receipt.sellerNano > 0 && !this.releases.some((release) => release.jobId === receipt.claim.jobId),
    )
    if (next === undefined) return false
    const release = {
      seq: this.releases.length + 1,
      jobId: next.claim.jobId,
      amountNano: next.sellerNano,
      at: this.now,
    }
    this.releases.push(release)
    this.queue.push({ t: 'released', releases: [release] })
    return true
  }

  voidJob(jobId: string): void {
    const job = this.jobs.get(jobId)
    if (job === undefined || job.state !== 'pending') return
    job.state = 'void'
    this.queue.push({ t: 'job.void', jobId: brandId<JobId>(jobId), reason: 'fake: voided' })
  }

  /** Delivers the next waiting frame; `twice` repeats it. False when none waits. */
  deliver(twice = false): boolean {
    if (this.#port?.state.kind !== 'online') return false
    const frame = this.queue.shift()
    if (frame === undefined) return false
    const event = eventOf(frame)
    if (event !== null)
      for (let n = 0; n < (twice ? 2 : 1); n += 1) for (const listener of this.#port?.onEvent ?? []) listener(event)
    return true
  }

  deliverAll(): void {
    for (let n = 0; n < 10_000 && this.deliver(); n += 1);
  }

  push(frame: ExchangeFrame): void {
    this.queue.push(frame)
  }

  #set(state: VenueState): void {
    if (this.#port === null) return
    this.#port.state = state
    for (const listener of this.#port.onState) listener(state)
  }

  #handle(frame: SupplierFrame): void {
    if (frame.t === 'job.done') this.#done(frame)
    else if (frame.t === 'job.error' || frame.t === 'job.reject') {
      const job = this.jobs.get(frame.jobId)
      if (job?.state === 'pending') job.state = 'void'
    } else if (frame.t === 'sync') {
      const receipts = this.receipts.filter(({ seq }) => seq > frame.afterReceiptSeq)
      const releases = this.releases.filter(({ seq }) => seq > frame.afterReleaseSeq)
      const jobs = frame.openJobs.map((jobId) => ({
        jobId,
        state: this.jobs.get(jobId)?.state ?? ('unknown' as const),
      }))
      this.queue.push({
        t: 'sync.result',
        receipts: receipts.slice(0, this.pageSize).map((receipt) => this.tampers(receipt)),
        releases: releases.slice(0, this.pageSize),
        jobs,
        more: receipts.length > this.pageSize || releases.length > this.pageSize,
      })
    }
  }

  #done({ jobId, claim, claimSig }: Extract<SupplierFrame, { t: 'job.done' }>): void {
    const job = this.jobs.get(jobId)
    if (job === undefined || job.state === 'void')
      return void this.queue.push({ t: 'job.void', jobId, reason: 'fake: not running' })
    if (job.exam) {
      job.state = 'settled'
      return
    }
    if (job.receipt === null) {
      job.state = 'settled'
      const last = this.receipts.at(-1)
      job.receipt = signReceipt(
        this.key,
        makeReceipt(
          this.bends({
            signed: { claim, claimSig },
            seq: this.receipts.length + 1,
            prev: last === undefined ? GENESIS : receiptHash(last),
            realm: 'practice',
            billed: claim.usage,
            priceNanoPerMtok: job.price,
            feeBps: this.takesBps,
            settledAt: this.now,
            releaseAt: this.now + 30_000,
            exchange: brandId<PublicKey>(this.key.publicKey),
          }),
        ),
      )
      this.receipts.push(job.receipt)
    }
    this.queue.push({ t: 'job.settled', receipt: this.tampers(job.receipt) })
  }
}
