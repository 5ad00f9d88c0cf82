/**
 * After any connection that is no resume: asks the exchange what it settled and released and what became of our open
 * jobs, page by page, then resends every unanswered claim. The exchange answers a resent claim with the same bytes, so
 * repeating all of this changes nothing.
 */
import { attempted } from '#books/outbox.ts'
import { decimalDigits, plainDecimal } from '#contract/decimal.ts'
import { failValue, fail, inWords, toErrorValue } from '#contract/errors.ts'
import { because, type Reason } from '#contract/reasons.ts'
import { brandId, type JobId } from '#contract/ids.ts'
import { SYNC_PAGE_MAX } from '#contract/supplier.ts'
import { CLOCKS_APART_MAX_MS, CLOCKS_APART_SAID_MS, type ChainHeads } from '#contract/supplier-v2.ts'
import { HOUR_MS, MINUTE_MS } from '#contract/time.ts'
import type { VenueContext } from '#core/core-context.ts'
import type { HistoryPage } from '#core/venues/index.ts'
import { within } from '#lib/within.ts'

import { compareHeads, unjoined } from './chain-heads.ts'
import {
  disputedJobs,
  findJob,
  isOfOtherKey,
  lastReceipt,
  lastReleaseSeq,
  openClaims,
  openJobs,
  OPEN_JOBS_MAX,
  ownChains,
  type Chain,
} from './jobs.store.ts'
import { atStake } from './write-off.store.ts'
import { BookingProblems, DISPUTED, disputeLines } from './booking-problems.ts'
import type { ActiveJobs } from './active-jobs.ts'
import type { Settlement } from './settlement.store.ts'
import type { BookingOutcome } from './settlement.ts'

const RESEND_PAGE = 500
const COMPARE_MS = 15_000
/** Passes in a row that a gap may start: one that no pass closes must not go round for ever. */
const ROUNDS_MAX = 3
/** Pages of one full comparison: five million receipts. */
const PAGES_MAX = 10_000
/**
 * A record that did not verify is asked for again at every connection, and this often when records after it come in.
 */
const STUCK_RETRY_MS = MINUTE_MS
const REPORTED_MAX = 100
const DISPUTES_SHOWN = 20

export interface SyncReport {
  receipts: number
  releases: number
  problems: string[]
}

interface Pass {
  full: boolean
  /** A record of it did not verify: those after it cannot be joined to ours, whatever order they come in. */
  stuck: boolean
  remaining: string[]
  asked: Set<string>
  receiptSeq: number
  releaseSeq: number
  pages: number
  report: SyncReport
  finished: ((report: SyncReport) => void)[]
}

export class Sync {
  readonly #context: VenueContext
  readonly #jobs: ActiveJobs
  readonly #settlement: Settlement
  readonly #problems = new BookingProblems()
  #pass: Pass | null = null
  /** No pass for a gap before this (monotonic): the last one could not close it. */
  #quietUntil = 0
  /** One notification a start: an exchange that counts otherwise would bring one a job. */
  #disputeNotified = false
  /** The exchange's history is not ours: nothing is sold, asked or given up before that is settled. */
  #diverged: Reason | null = null
  /** Heads that a pass must show to be ours before anything is offered. */
  #catchingUp: ChainHeads | null = null
  readonly #holdListeners = new Set<() => void>()
  /** A gap was seen during a pass. */
  #again = false
  #rounds = 0

  constructor(context: VenueContext, jobs: ActiveJobs, settlement: Settlement) {
    this.#context = context
    this.#jobs = jobs
    this.#settlement = settlement
  }

  /**
   * Records of the exchange that cannot be booked, one line each, and what to do about them; disputed receipts last,
   * from the database.
   */
  problems(): string[] {
    const disputed = disputeLines(disputedJobs(this.#context.realmDb.read, DISPUTES_SHOWN))
    const diverged = this.#diverged === null ? [] : [inWords(this.#diverged)]
    return [...diverged, ...this.#problems.lines(), ...disputed]
  }

  /** Why nothing may be offered to the exchange now; null when it may. */
  hold(): Reason | null {
    // First: records that the exchange signed later than our clock says cannot join ours before that is mended.
    const apartMs = this.#clockApartMs()
    if (apartMs > CLOCKS_APART_MAX_MS) return because('history.clocksApart', { hours: Math.round(apartMs / HOUR_MS) })
    if (this.#diverged !== null) return this.#diverged
    if (this.#catchingUp === null) return null
    if (this.#pass !== null || apartMs <= CLOCKS_APART_SAID_MS) return because('history.catchingUp')
    const minutes = Math.round(apartMs / MINUTE_MS)
    return because(this.#clockAheadMs() > 0 ? 'history.clockAhead' : 'history.clockBehind', { minutes })
  }

  /** Our clock less the exchange's, as last heard. */
  #clockAheadMs(): number {
    const state = this.#context.venue.state()
    return state.kind === 'online' ? (state.clockApartMs ?? 0) : 0
  }
  #clockApartMs(): number {
    return Math.abs(this.#clockAheadMs())
  }

  /** A clock was set, here or there: what could not be joined meanwhile is read again. */
  clockSet(): void {
    if (this.#catchingUp !== null && this.#pass === null) this.begin()
    this.#holdChanged()
  }

  /** Asks what became of the open jobs, unless that is being asked already. */
  ask(): void {
    if (this.#pass === null) this.begin()
  }

  /** Called whenever `hold` may say something else. */
  onHold(listener: () => void): () => void {
    this.#holdListeners.add(listener)
    return () => this.#holdListeners.delete(listener)
  }

  /** On every fresh session, before anything is offered: compares the heads, then begins. */
  connected(): void {
    const state = this.#context.venue.state()
    const heads = state.kind === 'online' ? (state.heads ?? null) : null
    const key = this.#exchangeKey()
    this.#diverged = null
    this.#catchingUp = null
    if (heads !== null && key !== null) {
      const verdict = compareHeads(ownChains(this.#context.realmDb.read, this.#chain(key)), heads)
      if (verdict.kind === 'diverged') return this.#diverge(verdict.reason, key)
      if (verdict.kind === 'behind') this.#catchingUp = heads
    }
    this.begin()
  }

  #diverge(reason: Reason, exchange: string): void {
    const { realmDb, unit, host, log } = this.#context
    const { heldNano, pendingNano } = atStake(realmDb.read, exchange)
    const amount = (nanos: bigint): string => plainDecimal(decimalDigits(Number(nanos), unit.scale, unit.scale), 2)
    this.#diverged = because('history.diverged', {
      reason,
      held: amount(heldNano),
      pending: amount(pendingNano),
      unit: unit.code,
    })
    this.#catchingUp = null
    for (const resolve of this.#pass?.finished ?? []) resolve({ receipts: 0, releases: 0, problems: this.problems() })
    this.#pass = null
    log.error({ reason: reason.code }, 'the history of the exchange is not ours; nothing is offered')
    host.notify('Selling has stopped', inWords(this.#diverged))
    this.#holdChanged()
  }

  #holdChanged(): void {
    for (const listener of this.#holdListeners) listener()
    this.#context.events.changed('jobs')
  }

  /** Called on every fresh session and whenever a gap shows. */
  begin(full = false): void {
    const { realmDb } = this.#context
    const key = this.#exchangeKey()
    // What it says of open jobs would be the word of another history.
    if (key === null || this.#diverged !== null) return
    const running = this.#running()
    const chain = this.#chain(key)
    // Of a job that another own key claimed the exchange would say that it does not know it: its money would be let go.
    const remaining = openJobs(realmDb.read, OPEN_JOBS_MAX)
      .filter((job) => !running.has(job.jobId) && !isOfOtherKey(job, chain.supplier))
      .map(({ jobId }) => jobId)
    // A comparison whose session was lost goes on as one: it must not end as less than it promised.
    const before = this.#pass
    const whole = full || before?.full === true
    const from = whole
      ? { receiptSeq: 0, releaseSeq: 0 }
      : { receiptSeq: lastReceipt(realmDb.read, chain)?.seq ?? 0, releaseSeq: lastReleaseSeq(realmDb.read, chain) }
    const report = { receipts: 0, releases: 0, problems: [] }
    this.#pass = {
      full: whole,
      stuck: false,
      remaining,
      asked: new Set(),
      pages: 0,
      report,
      finished: before?.finished ?? [],
      ...from,
    }
    this.#ask(this.#pass)
  }

  /**
   * Books one record. One that throws (the books at their bound, a damaged row) is refused like one that does not verify:
   * it must not stop the records after it, nor the claims that wait for the end of a pass.
   */
  attempt(book: () => BookingOutcome): BookingOutcome {
    try {
      return book()
    } catch (error) {
      this.#context.log.error({ err: error }, 'a record of the exchange could not be booked')
      return { kind: 'refused', problems: [`it could not be booked (${toErrorValue(error).code})`] }
    }
  }

  /**
   * Takes note of an outcome: a gap starts a sync, and so does a refusal the first time, since the exchange's own copy
   * may be good.
   */
  note(outcome: BookingOutcome, what: string): void {
    if (outcome.kind === 'refused') this.#refused(outcome, what)
    else if (outcome.kind === 'gap') this.#gap()
    else this.#problems.solved(what)
    if (outcome.kind === 'disputed') this.#disputed(outcome.problems, what)
  }

  #disputed(problems: string[], what: string): void {
    const { log, host } = this.#context
    log.error({ what, problems }, 'a receipt bills other money than what we counted')
    if (this.#disputeNotified) return
    this.#disputeNotified = true
    host.notify('Money in dispute', `${what}: ${problems.join('; ')}. ${DISPUTED}`)
  }

  /** A problem of the history as a whole. */
  warn(what: string, problem: string): void {
    this.#problems.add(what, { kind: 'refused', problems: [problem] })
  }

  #refused(outcome: Extract<BookingOutcome, { kind: 'refused' }>, what: string): void {
    const line = `${what}: ${outcome.problems.join('; ')}`
    this.#context.log.error({ what, problems: outcome.problems }, 'the exchange sent a record that does not verify')
    const isNew = this.#problems.add(what, outcome)
    if (this.#pass !== null) {
      this.#pass.stuck = true
      if (this.#pass.report.problems.length < REPORTED_MAX) this.#pass.report.problems.push(line)
    } else if (isNew) this.begin()
    // One notification until all is well again: a broken history would bring one a job.
    if (isNew && this.#problems.size === 1)
      this.#context.host.notify('Money that cannot be booked', `${line}. ${this.#problems.advice()}`)
  }

  #gap(): void {
    const pass = this.#pass
    if (pass !== null) this.#again ||= !pass.stuck
    else if (this.#context.clock.mono() >= this.#quietUntil) this.begin()
  }

  onResult(page: HistoryPage): void {
    const key = this.#exchangeKey()
    const pass = this.#pass
    if (pass === null || key === null) return
    const before = pass.receiptSeq + pass.releaseSeq
    for (const receipt of page.receipts) {
      this.note(
        this.attempt(() => this.#settlement.settle(receipt, key)),
        `receipt ${receipt.seq}`,
      )
      pass.receiptSeq = Math.max(pass.receiptSeq, receipt.seq)
      pass.report.receipts += 1
    }
    for (const release of page.releases) {
      const outcome = this.attempt(() => this.#settlement.release(release, key))
      // A release may stand on an earlier page than its receipt: it is asked for again.
      if (outcome.kind === 'gap') break
      this.note(outcome, `release ${release.seq}`)
      pass.releaseSeq = Math.max(pass.releaseSeq, release.seq)
      pass.report.releases += 1
    }
    this.#applyJobs(pass, page.jobs)
    // Only rising numbers come to an end: a release whose receipt cannot be booked would come back for ever.
    const progress = pass.receiptSeq + pass.releaseSeq > before && (pass.full || !pass.stuck)
    if ((pass.remaining.length > 0 || (page.more && progress)) && pass.pages < PAGES_MAX) this.#ask(pass)
    else this.#finish(pass, key)
  }

  /** Reads the exchange's whole history again and compares it with ours. Errors: EXCHANGE_OFFLINE, TIMEOUT. */
  async compare(): Promise<SyncReport> {
    if (this.#context.venue.capabilities.receipts !== 'signed') throw fail('sync.noReceipts')
    if (this.#exchangeKey() === null) throw fail('sync.offline')
    if (this.#diverged !== null) return { receipts: 0, releases: 0, problems: [inWords(this.#diverged)] }
    // Answers come in order, so a pass under way is left to end: its pages would be taken for ours.
    const report = (this.#pass === null ? Promise.resolve() : this.#passEnd(this.#pass)).then(() => {
      this.begin(true)
      return this.#pass === null
        ? { receipts: 0, releases: 0, problems: ['the exchange went away'] }
        : this.#passEnd(this.#pass)
    })
    return within(this.#context.clock, COMPARE_MS, report, () => fail('sync.late'))
  }

  #passEnd(pass: Pass): Promise<SyncReport> {
    return new Promise((resolve) => pass.finished.push(resolve))
  }

  #running(): Set<string> {
    return new Set(this.#jobs.all().map((job) => job.frame.jobId))
  }

  /** What this exchange numbers for the key we sell under now. */
  #chain(exchange: string): Chain {
    return { exchange, supplier: this.#context.key.publicKey }
  }

  #exchangeKey(): string | null {
    const state = this.#context.venue.state()
    return state.kind === 'online' ? state.terms.exchange : null
  }

  #ask(pass: Pass): void {
    const open = pass.remaining.splice(0, SYNC_PAGE_MAX)
    pass.asked = new Set(open)
    pass.pages += 1
    try {
      this.#context.venue.reconcile({
        afterReceiptSeq: pass.receiptSeq,
        afterReleaseSeq: pass.releaseSeq,
        openJobs: open.map((id) => brandId<JobId>(id)),
      })
    } catch {
      // The next connection begins anew.
      this.#pass = null
    }
  }

  #applyJobs(pass: Pass, jobs: HistoryPage['jobs']): void {
    const { realmDb, venue } = this.#context
    for (const { jobId, state } of jobs) {
      if (!pass.asked.has(jobId)) continue
      if (state === 'void' || state === 'unknown')
        this.#settlement.voidJob(jobId, state === 'void' ? 'the exchange voided it' : 'the exchange does not know it')
      else if (state === 'pending' && findJob(realmDb.read, jobId)?.state === 'running') {
        // Its text was lost with the process or session that ran it.
        this.#settlement.fail([{ jobId, reason: because('job.interrupted') }])
        venue.failed(jobId, failValue('job.supplierRestarted'))
      }
    }
  }

  #finish(pass: Pass, key: string): void {
    if (pass.full) this.#compareHeads(pass, key)
    this.#pass = null
    for (const resolve of pass.finished) resolve(pass.report)
    if (this.#catchingUp !== null && !this.#joined(this.#catchingUp, key)) return
    try {
      this.#resendClaims()
    } catch (error) {
      this.#context.log.info({ err: error }, 'claims wait for the next connection')
    }
    for (const topic of ['jobs', 'earnings'] as const) this.#context.events.changed(topic)
    const again = this.#again
    this.#again = false
    this.#rounds = again ? this.#rounds + 1 : 0
    if (again && this.#rounds <= ROUNDS_MAX) return this.begin()
    if (again) this.warn('the exchange’s history', 'there is a gap in it that asking again does not close')
    else if (!pass.stuck) this.#problems.solved('the exchange’s history')
    if (again || pass.stuck) this.#quietUntil = this.#context.clock.mono() + STUCK_RETRY_MS
  }

  /** False when the exchange has shown records that do not join ours, or kept back what it said it has. */
  #joined(heads: ChainHeads, key: string): boolean {
    const reason = unjoined(ownChains(this.#context.realmDb.read, this.#chain(key)), heads)
    if (reason !== null) {
      // With clocks apart what is missing may be dated ahead of ours: it is asked for again when one is set (clockSet), not given up.
      if (this.#clockApartMs() <= CLOCKS_APART_SAID_MS) this.#diverge(reason, key)
      else this.#holdChanged()
      return false
    }
    this.#catchingUp = null
    this.#holdChanged()
    return true
  }

  /** After the last page both sides must stand at the same numbers: frames come in order. */
  #compareHeads(pass: Pass, key: string): void {
    const { read } = this.#context.realmDb
    const chain = this.#chain(key)
    const [receipts, releases] = [lastReceipt(read, chain)?.seq ?? 0, lastReleaseSeq(read, chain)]
    if (receipts !== pass.receiptSeq)
      pass.report.problems.push(`we hold ${receipts} receipts, the exchange shows ${pass.receiptSeq}`)
    if (releases !== pass.releaseSeq)
      pass.report.problems.push(`we hold ${releases} releases, the exchange shows ${pass.releaseSeq}`)
  }

  #resendClaims(): void {
    const { realmDb, venue } = this.#context
    for (let after = 0; ;) {
      const page = openClaims(realmDb.read, after, RESEND_PAGE)
      for (const entry of page) {
        after = entry.id
        // Signed by a key that this rig had before: the exchange takes it from that key alone.
        if (entry.payload.claim.supplier !== this.#context.key.publicKey) continue
        venue.done({ ...entry.payload, text: null })
        realmDb.tx((db) => attempted(db, entry.id))
      }
      if (page.length < RESEND_PAGE) return
    }
  }
}
