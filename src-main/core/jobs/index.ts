/** Jobs of one venue: won, served, claimed, paid. */
import { inWords } from '#contract/errors.ts'
import type { Reason } from '#contract/reasons.ts'
import type { LiveJob } from '#contract/app.ts'
import type { Receipt } from '#contract/receipt.ts'
import { MINUTE_MS } from '#contract/time.ts'
import type { BreakerPort } from '#core/breaker/breaker.port.ts'
import type { VenueContext, DeploymentsService, PowerService } from '#core/core-context.ts'
import type { SlotLeases } from '#core/capacity/index.ts'
import type { VenueState } from '#core/venues/venue.port.ts'

import type { Route } from './admission.ts'
import { sweepExpired } from './expiry.worker.ts'
import { jobsCalls } from './jobs.api.ts'
import { venueKeysCalls } from './venues.api.ts'
import { countJobsSince } from './jobs.store.ts'
import type { InterruptionCost } from './interruption-cost.ts'
import type { MeasuredServing, MeasuresOfAll } from './measures.ts'
import { JobIntake, type ExamSink } from './job-intake.ts'
import { ActiveJobs } from './active-jobs.ts'
import { failLost } from './lost-jobs.ts'
import { createSettlement, type Settlement } from './settlement.store.ts'
import { createVenueListener } from './venue-listener.ts'
import { statementProblems } from './statement-problems.ts'
import { createStatementSettlement } from './statement-settlement.store.ts'
import { Sync, type SyncReport } from './exchange-sync.ts'

export type { Route } from './admission.ts'
export type { InterruptionCost } from './interruption-cost.ts'
export { MeasuresOfAll, type MeasuredServing, type Served } from './measures.ts'
export type { ExamSink } from './job-intake.ts'
export { jobsApi } from './jobs.api.ts'
export { venuesApi } from './venues.api.ts'
export { finishesInMs } from './admission.ts'
export { createHandBack } from './hand-back.ts'
export { findJob, receiptsPage } from './jobs.store.ts'
export { AVAILABLE, FEE, HELD, WRITTEN_OFF } from './settlement.store.ts'
export { PAID, RECEIVED } from './statement-settlement.store.ts'
export { streamRate } from './stream-rate.ts'

export interface JobsDeps {
  deployments: Pick<DeploymentsService, 'loaded' | 'engine' | 'used'>
  capacity: SlotLeases
  measures: MeasuresOfAll
  power: Pick<PowerService, 'ofJob'>
  routeOf(instrument: string): Route | null
  exams: ExamSink
  /** Told how bought jobs end. */
  breaker?: Pick<BreakerPort, 'report'>
  /** After the commit of every settlement that brings money; `at` by our clock. */
  onEarned?(at: number): void
}

/** What listings want of the jobs: who still works for a listing, and what the machine delivered. */
export interface ServingService {
  /** Bought jobs of an instrument that a deployment works on. */
  runningOf(instrument: string, deploymentId: string): number
  /** Why nothing may be offered to the venue now, whatever the owner wants; null when it may. */
  hold(): Reason | null
  /** Called whenever `hold` may say something else. */
  onHold(listener: () => void): () => void
  /** Called after every end of a job. */
  onEnded(listener: () => void): () => void
  /** Fails them; their buyers pay nothing. How many there were. */
  giveUp(instrument: string, deploymentId: string, reason: Reason): number
  /**
   * What was measured on a deployment; its jobs those that ended after `since` (monotonic). Null before it was ever in
   * memory.
   */
  measured(deploymentId: string, since: number): MeasuredServing | null
}

export interface Jobs extends ServingService {
  calls: ReturnType<typeof jobsCalls>
  venueKeys: ReturnType<typeof venueKeysCalls>
  start(): void
  stop(): void
  /** Jobs running now, exam calls included. */
  live(): LiveJob[]
  /** Jobs running on a deployment. */
  runningOn(deploymentId: string): number
  since(from: number): { jobs: number; failed: number }
  /** Ends every job at once, for the owner who wants the machine; what it cost. */
  yieldAll(): InterruptionCost
  /** Records the ends of jobs that could not be written, now that the disk is back. Throws while it is not. */
  recordRemaining(): void
  /** Compares the exchange's whole history with ours. Errors: EXCHANGE_OFFLINE, TIMEOUT. */
  compare(): Promise<SyncReport>
  /**
   * Records of the exchange that cannot be booked, disputed receipts among them, one line each, and what to do about
   * them; empty when all is well.
   */
  problems(): string[]
}

/** Older figures say nothing of the machine as it is now. */
const MEASURED_AGE_MS = 10 * MINUTE_MS

/** The same settlement, which also reports every receipt it applied. */
const reporting = (settlement: Settlement, applied: (receipt: Receipt) => void): Settlement => ({
  ...settlement,
  settle(receipt, exchangeKey) {
    const outcome = settlement.settle(receipt, exchangeKey)
    if (outcome.kind === 'applied') applied(receipt)
    return outcome
  },
})

function createServingService(
  { clock }: VenueContext,
  { deployments }: JobsDeps,
  activeJobs: ActiveJobs,
  sync: Sync,
): ServingService {
  return {
    hold: () => sync.hold(),
    onHold: (listener) => sync.onHold(listener),
    runningOf: (instrument, deploymentId) => activeJobs.boughtOf(instrument, deploymentId).length,
    onEnded: (listener) => activeJobs.onEnded(listener),
    giveUp: (instrument, deploymentId, reason) => activeJobs.giveUp(instrument, deploymentId, reason),
    measured(deploymentId, since) {
      const engine = deployments.engine(deploymentId)
      if (engine === null) return null
      const measures = activeJobs.measures.of(deploymentId)
      const mono = clock.mono()
      measures.speed.see(engine.stats().speed, mono)
      const { outputRatio, promptTokens, generatedTokens } = measures
      return {
        speed: measures.speed.fresh(mono, MEASURED_AGE_MS),
        outputRatio,
        promptTokens,
        generatedTokens,
        window: measures.window(mono, since),
      }
    },
  }
}

/** Tells the owner, once, that the venue does not let this rig in with its key: nothing happens by itself any more. */
function keyTeller({ host }: VenueContext): (state: VenueState) => void {
  let said = ''
  return (state) => {
    const text = state.kind === 'offline' && state.cause === 'credential' ? inWords(state.reason) : ''
    if (state.kind === 'connecting' || text === said) return
    said = text
    if (text !== '') host.notify('The exchange does not let this rig in', text)
  }
}

export function createJobs(context: VenueContext, deps: JobsDeps): Jobs {
  const { venue, clock } = context
  const settlement = reporting(createSettlement(context), (receipt) => {
    if (receipt.sellerNano > 0) deps.onEarned?.(clock.now())
  })
  const statements = createStatementSettlement(context, () => deps.onEarned?.(clock.now()))
  const activeJobs = new ActiveJobs(context, { ...deps, settlement })
  const intake = new JobIntake(context, deps, activeJobs)
  const sync = new Sync(context, activeJobs, settlement)
  const offs: (() => void)[] = []
  const tellOfKey = keyTeller(context)

  let lastFeeBps = 0
  /** As announced last, also while the exchange is away. */
  const feeBps = (): number => {
    const state = venue.state()
    if (state.kind === 'online') lastFeeBps = state.terms.feeBps
    return lastFeeBps
  }

  return {
    calls: jobsCalls(context, deps.power),
    venueKeys: venueKeysCalls(context, { sync, settlement }),
    start() {
      const parts = { intake, activeJobs, sync, settlement, statements }
      offs.push(venue.onEvent(createVenueListener(context, parts)))
      offs.push(
        venue.onState((state) => {
          tellOfKey(state)
          if (state.kind !== 'online') return
          // Nothing of the session changed: a resume, or clocks that were set.
          if (!state.fresh) return sync.clockSet()
          activeJobs.abandonAll()
          if (venue.capabilities.receipts === 'signed') sync.connected()
          else failLost(context, settlement)
        }),
      )
      offs.push(
        sweepExpired(context, settlement, {
          running: () => new Set(activeJobs.all().map((job) => job.frame.jobId)),
          ask: () => sync.ask(),
          recordRemaining: () => activeJobs.recordRemaining(),
        }),
      )
    },
    stop() {
      for (const off of offs) off()
      activeJobs.abandonAll()
    },
    live: () => activeJobs.all().map((job) => ({ ...job.live(feeBps()), venueId: context.venueId })),
    runningOn: (deploymentId) => activeJobs.all().filter((job) => job.route.deploymentId === deploymentId).length,
    ...createServingService(context, deps, activeJobs, sync),
    recordRemaining: () => activeJobs.recordRemaining(),
    yieldAll: () => activeJobs.yieldAll(feeBps()),
    since: (from) => countJobsSince(context.realmDb.read, from),
    compare: () => sync.compare(),
    problems: () => [...sync.problems(), ...statementProblems(context.realmDb.read)],
  }
}
