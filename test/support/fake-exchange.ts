/**
 * A scripted exchange behind the port, in the frames of our own protocol: keeps the truth about jobs, receipts and releases across restarts of the
 * core; frames wait in a queue until the test delivers them.
 */
import { said } from '#contract/reasons.ts'
import { inputTokens } from '#contract/bytes4.ts'
import { brandId, type Instrument, type JobId, type PublicKey } from '#contract/ids.ts'
import { nano, nanoPerMtok, onePrice, type NanoPerMtok, type Realm } from '#contract/money.ts'
import type { GradeSpec } from '#contract/grades.ts'
import type { ReceiptV1 as Receipt, SignedClaim } from '#contract/receipt.ts'
import { StokerError } from '#contract/errors.ts'
import type { ExchangeFrame, Release, SupplierFrame } from '#contract/supplier.ts'
import type { ChainHeads, ExchangeFrameV2, SupplierFrameV2 } from '#contract/supplier-v2.ts'
import { unitOf } from '#contract/units.ts'
import {
  GENESIS,
  makeReceipt,
  makeReceiptV2,
  receiptHash,
  releaseHash,
  signReceipt,
  type ReceiptFacts,
} from '#books/receipts.ts'
import type { VenueEvent } from '#core/venues/venue-events.ts'
import type { VenuePort, VenueState } from '#core/venues/venue.port.ts'
import { generateSigningKey } from '#lib/ed25519.ts'
import { eventOf, STOKER_CAPABILITIES, stokerVerbs } from '#venues/stoker/stoker-frames.ts'
import { eventOfV2, stokerVerbsV2 } from '#venues/stoker/stoker-frames-v2.ts'

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
  /** Spoken in the next port and by the next jobs. With 2 it tells its heads. */
  protocol: 1 | 2 = 1
  /** What it says of where its chains end; by default what it holds. */
  says: ((heads: ChainHeads) => ChainHeads) | null = null
  /** Our clock less its own. */
  clockApartMs = 0
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
    const send = (said: SupplierFrame | SupplierFrameV2): void => {
      if (mine.state.kind !== 'online') throw new StokerError('EXCHANGE_OFFLINE', 'fake: offline')
      if (!mine.alive) throw new StokerError('EXCHANGE_OFFLINE', 'fake: this core is dead')
      const frame = said as SupplierFrame
      this.sent.push(frame)
      this.#handle(frame)
    }
    return {
      capabilities: STOKER_CAPABILITIES,
      ...(this.protocol === 1 ? stokerVerbs(send) : stokerVerbsV2(send)),
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
      ...(this.protocol === 1 ? {} : { heads: this.heads(), clockApartMs: this.clockApartMs }),
    })
  }

  heads(): ChainHeads {
    const [receipt, release] = [this.receipts.at(-1), this.releases.at(-1)]
    const heads = {
      receipts: { seq: this.receipts.length, hash: receipt === undefined ? GENESIS : receiptHash(receipt) },
      releases: { seq: this.releases.length, hash: release === undefined ? GENESIS : releaseHash(release) },
    }
    return this.says?.(heads) ?? heads
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
    const agreed =
      this.protocol === 1
        ? { priceNanoPerMtok: nanoPerMtok(price) }
        : { price: onePrice(nanoPerMtok(price)), cacheScope: 'c'.repeat(64) }
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
      ...agreed,
      reserveNano: nano(reserveNano),
      deadlineMs,
      salt: 's'.repeat(43),
      ...exam,
    } as ExchangeFrame)
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
    const event = this.protocol === 1 ? eventOf(frame) : eventOfV2(frame as ExchangeFrameV2)
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

  /** Of the claim's version; typed as version 1, whose fields most tests look at. */
  #receiptOf(job: FakeExchangeJob, { claim, claimSig }: SignedClaim): Receipt {
    const last = this.receipts.at(-1)
    const common = {
      seq: this.receipts.length + 1,
      prev: last === undefined ? GENESIS : receiptHash(last),
      realm: 'practice' as const,
      feeBps: this.takesBps,
      settledAt: this.now,
      releaseAt: this.now + 30_000,
      exchange: brandId<PublicKey>(this.key.publicKey),
    }
    if (claim.v === 1)
      return signReceipt(
        this.key,
        makeReceipt(
          this.bends({ ...common, signed: { claim, claimSig }, billed: claim.usage, priceNanoPerMtok: job.price }),
        ),
      )
    return signReceipt(
      this.key,
      makeReceiptV2({
        ...common,
        signed: { claim, claimSig },
        unit: unitOf('PCR'),
        billed: { ...claim.usage, cachedInputTokens: 0 },
        price: onePrice(job.price),
      }),
    ) as unknown as Receipt
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
      job.receipt = this.#receiptOf(job, { claim, claimSig })
      this.receipts.push(job.receipt)
    }
    this.queue.push({ t: 'job.settled', receipt: this.tampers(job.receipt) })
  }
}
