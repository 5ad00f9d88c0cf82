/**
 * After any connection that is no resume: asks the exchange what it settled and released and what became of our open jobs, page by page, then
 * resends every unanswered claim. The exchange answers a resent claim with the same bytes, so repeating all of this changes nothing.
 */
import { attempted, due } from '#books/outbox.ts'
import { StokerError } from '#contract/errors.ts'
import type { SignedClaim } from '#contract/receipt.ts'
import { brandId, type JobId } from '#contract/ids.ts'
import { SYNC_PAGE_MAX, type ExchangeFrame } from '#contract/supplier.ts'
import type { CoreContext } from '#core/context.ts'

import { findJob, lastReceipt, lastReleaseSeq, openJobs } from './jobs.store.ts'
import type { Runner } from './runner.worker.ts'
import { CLAIM_KIND, type Outcome, type Settlement } from './settlement.store.ts'

type SyncResult = Extract<ExchangeFrame, { t: 'sync.result' }>
const OPEN_JOBS_MAX = 100_000
const RESEND_PAGE = 500
const COMPARE_MS = 15_000
/** Passes in a row that a gap may start: one that no pass closes must not go round for ever. */
const ROUNDS_MAX = 3
/** Pages of one full comparison: five million receipts. */
const PAGES_MAX = 10_000
const PROBLEMS_MAX = 100

export interface SyncReport {
  receipts: number
  releases: number
  problems: string[]
}

interface Pass {
  full: boolean
  remaining: string[]
  asked: Set<string>
  receiptSeq: number
  releaseSeq: number
  pages: number
  report: SyncReport
  finished: ((report: SyncReport) => void)[]
}

export class Sync {
  readonly #context: CoreContext
  readonly #runner: Runner
  readonly #settlement: Settlement
  readonly #problems: string[] = []
  #pass: Pass | null = null
  /** A gap was seen during a pass. */
  #again = false
  #rounds = 0

  constructor(context: CoreContext, runner: Runner, settlement: Settlement) {
    this.#context = context
    this.#runner = runner
    this.#settlement = settlement
  }

  /** Records of the exchange that did not verify, since the start. */
  problems(): string[] {
    return [...this.#problems]
  }

  /** Called on every fresh session and whenever a gap shows. */
  begin(full = false): void {
    const { realmDb } = this.#context
    const key = this.#exchangeKey()
    if (key === null) return
    const running = this.#running()
    const remaining = openJobs(realmDb.read, OPEN_JOBS_MAX)
      .map(({ jobId }) => jobId)
      .filter((jobId) => !running.has(jobId))
    const from = full ? { receiptSeq: 0, releaseSeq: 0 } : { receiptSeq: lastReceipt(realmDb.read, key)?.seq ?? 0, releaseSeq: lastReleaseSeq(realmDb.read, key) }
    this.#pass = { full, remaining, asked: new Set(), pages: 0, report: { receipts: 0, releases: 0, problems: [] }, finished: this.#pass?.finished ?? [], ...from }
    this.#ask(this.#pass)
  }

  /** Takes note of an outcome: a gap starts a sync, a refusal is kept as a problem. */
  note(outcome: Outcome, what: string): void {
    if (outcome.kind === 'refused') {
      const problem = `${what}: ${outcome.problems.join('; ')}`
      this.#context.log.error({ what, problems: outcome.problems }, 'the exchange sent a record that does not verify')
      if (this.#problems.length < PROBLEMS_MAX) this.#problems.push(problem)
      this.#pass?.report.problems.push(problem)
    } else if (outcome.kind === 'gap') {
      if (this.#pass === null) this.begin()
      else this.#again = true
    }
  }

  onResult(frame: SyncResult): void {
    const key = this.#exchangeKey()
    const pass = this.#pass
    if (pass === null || key === null) return
    for (const receipt of frame.receipts) {
      this.note(this.#settlement.settle(receipt, key), `receipt ${receipt.seq}`)
      pass.receiptSeq = Math.max(pass.receiptSeq, receipt.seq)
      pass.report.receipts += 1
    }
    for (const release of frame.releases) {
      const outcome = this.#settlement.release(release, key)
      // A release may stand on an earlier page than its receipt: it is asked for again.
      if (outcome.kind === 'gap') break
      this.note(outcome, `release ${release.seq}`)
      pass.releaseSeq = Math.max(pass.releaseSeq, release.seq)
      pass.report.releases += 1
    }
    this.#applyJobs(pass, frame.jobs)
    const progress = frame.receipts.length + frame.releases.length > 0
    if ((pass.remaining.length > 0 || (frame.more && progress)) && pass.pages < PAGES_MAX) this.#ask(pass)
    else this.#finish(pass, key)
  }

  /** Reads the exchange's whole history again and compares it with ours. Errors: EXCHANGE_OFFLINE, TIMEOUT. */
  async compare(): Promise<SyncReport> {
    if (this.#exchangeKey() === null) throw new StokerError('EXCHANGE_OFFLINE', 'The exchange is not reachable, so only our own side was checked.')
    const stop = new AbortController()
    const late = this.#context.clock.sleep(COMPARE_MS, { signal: stop.signal, unref: true }).then(() => {
      throw new StokerError('TIMEOUT', 'The exchange did not answer in time, so only our own side was checked.')
    })
    // Answers come in order, so a pass under way is left to end: its pages would be taken for ours.
    const report = (this.#pass === null ? Promise.resolve() : this.#passEnd(this.#pass)).then(() => {
      this.begin(true)
      return this.#pass === null ? { receipts: 0, releases: 0, problems: ['the exchange went away'] } : this.#passEnd(this.#pass)
    })
    try {
      return await Promise.race([report, late])
    } finally {
      stop.abort()
      late.catch(() => undefined)
    }
  }

  /** Voids what is past its expiry and not running here. */
  expire(): void {
    const running = this.#running()
    for (const job of openJobs(this.#context.realmDb.read, OPEN_JOBS_MAX)) {
      if (job.expiresAt <= this.#context.clock.now() && !running.has(job.jobId)) this.#settlement.voidJob(job.jobId, 'the exchange did not settle it in time')
    }
  }

  #passEnd(pass: Pass): Promise<SyncReport> {
    return new Promise((resolve) => pass.finished.push(resolve))
  }

  #running(): Set<string> {
    return new Set(this.#runner.runs().map((run) => run.frame.jobId))
  }

  #exchangeKey(): string | null {
    const state = this.#context.exchange.state()
    return state.kind === 'online' ? state.terms.exchange : null
  }

  #ask(pass: Pass): void {
    const open = pass.remaining.splice(0, SYNC_PAGE_MAX)
    pass.asked = new Set(open)
    pass.pages += 1
    try {
      this.#context.exchange.send({ t: 'sync', afterReceiptSeq: pass.receiptSeq, afterReleaseSeq: pass.releaseSeq, openJobs: open.map((id) => brandId<JobId>(id)) })
    } catch {
      // The next connection begins anew.
      this.#pass = null
    }
  }

  #applyJobs(pass: Pass, jobs: SyncResult['jobs']): void {
    const { realmDb, exchange } = this.#context
    for (const { jobId, state } of jobs) {
      if (!pass.asked.has(jobId)) continue
      if (state === 'void' || state === 'unknown') this.#settlement.voidJob(jobId, state === 'void' ? 'the exchange voided it' : 'the exchange does not know it')
      else if (state === 'pending' && findJob(realmDb.read, jobId)?.state === 'running') {
        // Its text was lost with the process or session that ran it.
        this.#settlement.fail(jobId, 'Stoker or the connection stopped while it ran')
        exchange.send({ t: 'job.error', jobId, error: { code: 'UNAVAILABLE', message: 'the supplier restarted', data: {} } })
      }
    }
  }

  #finish(pass: Pass, key: string): void {
    if (pass.full) this.#compareHeads(pass, key)
    this.#pass = null
    for (const resolve of pass.finished) resolve(pass.report)
    try {
      this.#resendClaims()
    } catch (error) {
      this.#context.log.info({ err: error }, 'claims wait for the next connection')
    }
    for (const topic of ['jobs', 'earnings'] as const) this.#context.events.changed(topic)
    const again = this.#again
    this.#again = false
    this.#rounds = again ? this.#rounds + 1 : 0
    if (again && this.#rounds <= ROUNDS_MAX) this.begin()
  }

  /** After the last page both sides must stand at the same numbers: frames come in order. */
  #compareHeads(pass: Pass, key: string): void {
    const { read } = this.#context.realmDb
    const [receipts, releases] = [lastReceipt(read, key)?.seq ?? 0, lastReleaseSeq(read, key)]
    if (receipts !== pass.receiptSeq) pass.report.problems.push(`we hold ${receipts} receipts, the exchange shows ${pass.receiptSeq}`)
    if (releases !== pass.releaseSeq) pass.report.problems.push(`we hold ${releases} releases, the exchange shows ${pass.releaseSeq}`)
  }

  #resendClaims(): void {
    const { realmDb, exchange } = this.#context
    for (let after = 0; ;) {
      const page = due<SignedClaim & { jobId: JobId }>(realmDb.read, { kind: CLAIM_KIND, after, limit: RESEND_PAGE })
      for (const entry of page) {
        after = entry.id
        exchange.send({ t: 'job.done', ...entry.payload })
        realmDb.tx((db) => attempted(db, entry.id))
      }
      if (page.length < RESEND_PAGE) return
    }
  }
}
