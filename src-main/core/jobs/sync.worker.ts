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
const COMPARE_MS = 15_000
/** Pages of one full comparison: five million receipts. */
const ROUNDS_MAX = 3
const PAGES_MAX = 10_000

export interface SyncReport { receipts: number; releases: number; problems: string[] }

export interface Sync {
  /** Called on every fresh session and whenever a gap shows. */
  begin(): void
  onResult(frame: SyncResult): void
  /** Takes note of an outcome: a gap starts a sync, a refusal is kept as a problem. */
  note(outcome: Outcome, what: string): void
  /** Reads the exchange's whole history again and compares it with ours. Errors: EXCHANGE_OFFLINE, TIMEOUT. */
  compare(): Promise<SyncReport>
  problems(): string[]
  /** Voids what is past its expiry and not running here. */
  expire(): void
}

interface Pass { full: boolean; remaining: string[]; asked: Set<string>; receiptSeq: number; releaseSeq: number; pages: number; report: SyncReport; finished: ((report: SyncReport) => void)[] }

export function createSync(context: CoreContext, runner: Runner, settlement: Settlement): Sync {
  const { realmDb, exchange, clock, log, events } = context
  let pass: Pass | null = null
  /** A gap was seen during a pass; one that no pass closes must not go round for ever. */
  let again = false
  let rounds = 0
  const problems: string[] = []

  const exchangeKey = (): string | null => {
    const state = exchange.state()
    return state.kind === 'online' ? state.terms.exchange : null
  }

  const note = (outcome: Outcome, what: string): void => {
    if (outcome.kind === 'refused') {
      log.error({ what, problems: outcome.problems }, 'the exchange sent a record that does not verify')
      if (problems.length < 100) problems.push(`${what}: ${outcome.problems.join('; ')}`)
      pass?.report.problems.push(`${what}: ${outcome.problems.join('; ')}`)
    } else if (outcome.kind === 'gap' && pass === null) begin()
    else if (outcome.kind === 'gap') again = true
  }

  const ask = (current: Pass): void => {
    const open = current.remaining.splice(0, SYNC_PAGE_MAX)
    current.asked = new Set(open)
    current.pages += 1
    try {
      exchange.send({ t: 'sync', afterReceiptSeq: current.receiptSeq, afterReleaseSeq: current.releaseSeq, openJobs: open.map((id) => brandId<JobId>(id)) })
    } catch {
      // The next connection begins anew.
      pass = null
    }
  }

  const begin = (full = false): void => {
    const key = exchangeKey()
    if (key === null) return
    const running = new Set(runner.runs().map((run) => run.frame.jobId as string))
    const remaining = openJobs(realmDb.read, OPEN_JOBS_MAX).map(({ jobId }) => jobId).filter((jobId) => !running.has(jobId))
    pass = {
      full, remaining, asked: new Set(), pages: 0, report: { receipts: 0, releases: 0, problems: [] }, finished: pass?.finished ?? [],
      receiptSeq: full ? 0 : (lastReceipt(realmDb.read, key)?.seq ?? 0), releaseSeq: full ? 0 : lastReleaseSeq(realmDb.read, key),
    }
    ask(pass)
  }

  const resendClaims = (): void => {
    for (let after = 0; ; ) {
      const page = due<SignedClaim & { jobId: JobId }>(realmDb.read, { kind: CLAIM_KIND, after, limit: 500 })
      for (const entry of page) {
        after = entry.id
        exchange.send({ t: 'job.done', ...entry.payload })
        realmDb.tx((db) => attempted(db, entry.id))
      }
      if (page.length < 500) return
    }
  }

  /** After the last page both sides must stand at the same numbers: frames come in order. */
  const compareHeads = (done: Pass, key: string): void => {
    const [receipts, releases] = [lastReceipt(realmDb.read, key)?.seq ?? 0, lastReleaseSeq(realmDb.read, key)]
    if (receipts !== done.receiptSeq) done.report.problems.push(`we hold ${receipts} receipts, the exchange shows ${done.receiptSeq}`)
    if (releases !== done.releaseSeq) done.report.problems.push(`we hold ${releases} releases, the exchange shows ${done.releaseSeq}`)
  }

  const finishPass = (done: Pass, key: string): void => {
    if (done.full) compareHeads(done, key)
    pass = null
    for (const resolve of done.finished) resolve(done.report)
    try {
      resendClaims()
    } catch (error) {
      log.info({ err: error }, 'claims wait for the next connection')
    }
    for (const topic of ['jobs', 'earnings'] as const) events.changed(topic)
    rounds = again ? rounds + 1 : 0
    if (again && rounds <= ROUNDS_MAX) {
      again = false
      begin()
    } else again = false
  }

  const applyJobs = (current: Pass, jobs: SyncResult['jobs']): void => {
    for (const { jobId, state } of jobs) {
      if (!current.asked.has(jobId)) continue
      if (state === 'void' || state === 'unknown') settlement.voidJob(jobId, state === 'void' ? 'the exchange voided it' : 'the exchange does not know it')
      else if (state === 'pending' && isUnclaimed(jobId)) {
        // Its text was lost with the process or session that ran it.
        settlement.fail(jobId, 'Stoker or the connection stopped while it ran')
        exchange.send({ t: 'job.error', jobId, error: { code: 'UNAVAILABLE', message: 'the supplier restarted', data: {} } })
      }
    }
  }
  const isUnclaimed = (jobId: string): boolean => findJob(realmDb.read, jobId)?.state === 'running'

  return {
    begin: () => begin(),
    note,
    onResult(frame) {
      const key = exchangeKey()
      if (pass === null || key === null) return
      const current = pass
      for (const receipt of frame.receipts) {
        note(settlement.settle(receipt, key), `receipt ${receipt.seq}`)
        current.receiptSeq = Math.max(current.receiptSeq, receipt.seq)
        current.report.receipts += 1
      }
      for (const release of frame.releases) {
        const outcome = settlement.release(release, key)
        // A release may stand on an earlier page than its receipt: it is asked for again.
        if (outcome.kind === 'gap') break
        note(outcome, `release ${release.seq}`)
        current.releaseSeq = Math.max(current.releaseSeq, release.seq)
        current.report.releases += 1
      }
      applyJobs(current, frame.jobs)
      const progress = frame.receipts.length + frame.releases.length > 0
      if ((current.remaining.length > 0 || (frame.more && progress)) && current.pages < PAGES_MAX) ask(current)
      else finishPass(current, key)
    },
    async compare() {
      if (exchangeKey() === null) throw new StokerError('EXCHANGE_OFFLINE', 'The exchange is not reachable, so only our own side was checked.')
      const stop = new AbortController()
      const report = new Promise<void>((resolve) => {
        // Answers come in order, so a pass under way is left to end: its pages would be taken for ours.
        if (pass === null) resolve()
        else pass.finished.push(() => resolve())
      }).then(() => new Promise<SyncReport>((resolve) => {
        begin(true)
        if (pass === null) resolve({ receipts: 0, releases: 0, problems: ['the exchange went away'] })
        else pass.finished.push(resolve)
      }))
      const late = clock.sleep(COMPARE_MS, { signal: stop.signal, unref: true }).then(() => {
        throw new StokerError('TIMEOUT', 'The exchange did not answer in time, so only our own side was checked.')
      })
      try {
        return await Promise.race([report, late])
      } finally {
        stop.abort()
        late.catch(() => undefined)
      }
    },
    problems: () => [...problems],
    expire() {
      const running = new Set(runner.runs().map((run) => run.frame.jobId as string))
      for (const job of openJobs(realmDb.read, OPEN_JOBS_MAX)) {
        if (job.expiresAt <= clock.now() && !running.has(job.jobId)) settlement.voidJob(job.jobId, 'the exchange did not settle it in time')
      }
    },
  }
}
