/** Jobs: what the exchange's frames about jobs and money do here. */
import type { LiveJob } from '#contract/app.ts'
import type { Receipt } from '#contract/receipt.ts'
import type { ExchangeFrame } from '#contract/supplier.ts'
import type { CoreContext, DeploymentsFace, PowerFace } from '#core/context.ts'

import type { Route } from './admission.ts'
import { sweepExpired } from './expiry.worker.ts'
import { jobsApi } from './jobs.api.ts'
import { countJobsSince } from './jobs.store.ts'
import { Runner, type ExamSink } from './runner.worker.ts'
import { createSettlement, type Settlement } from './settlement.store.ts'
import { Sync, type SyncReport } from './sync.worker.ts'

export type { JobFrame, Route } from './admission.ts'
export type { ExamSink } from './runner.worker.ts'

export interface JobsDeps {
  deployments: Pick<DeploymentsFace, 'loaded'>
  power: Pick<PowerFace, 'ofJob'>
  routeOf(instrument: string): Route | null
  exams: ExamSink
  /** After the commit of every settlement that brings money; `at` by our clock. */
  onEarned?(at: number): void
}

export interface Jobs {
  api: ReturnType<typeof jobsApi>
  start(): void
  stop(): void
  /** Jobs running now, exam calls included. */
  live(): LiveJob[]
  /** Jobs running on a deployment. */
  runningOn(deploymentId: string): number
  since(from: number): { jobs: number; failed: number }
  /** Compares the exchange's whole history with ours. Errors: EXCHANGE_OFFLINE, TIMEOUT. */
  compare(): Promise<SyncReport>
  /** Records of the exchange that cannot be booked, one line each, and what to do about them; empty when all is well. */
  problems(): string[]
}

/** The same settlement, which also tells of every receipt it applied. */
const telling = (settlement: Settlement, applied: (receipt: Receipt) => void): Settlement => ({
  ...settlement,
  settle(receipt, exchangeKey) {
    const outcome = settlement.settle(receipt, exchangeKey)
    if (outcome.kind === 'applied') applied(receipt)
    return outcome
  },
})

export function createJobs(context: CoreContext, deps: JobsDeps): Jobs {
  const { exchange, clock, events } = context
  const settlement = telling(createSettlement(context), (receipt) => {
    if (receipt.sellerNano > 0) deps.onEarned?.(clock.now())
  })
  const runner = new Runner(context, { ...deps, settlement })
  const sync = new Sync(context, runner, settlement)
  const offs: (() => void)[] = []

  const feeBps = (): number => {
    const state = exchange.state()
    return state.kind === 'online' ? state.terms.feeBps : 0
  }

  const onSettled = (receipt: Receipt): void => {
    const outcome = settlement.settle(receipt, exchangeKey())
    sync.note(outcome, `receipt ${receipt.seq}`)
    if (outcome.kind === 'applied' && receipt.feeBps > feeBps())
      sync.warn(`fee of receipt ${receipt.seq}`, `it takes ${receipt.feeBps} hundredths of a per cent, and the exchange announced ${feeBps()}`)
  }

  const onFrame = (frame: ExchangeFrame): void => {
    if (frame.t === 'job') runner.onJob(frame)
    else if (frame.t === 'job.cancel') runner.onCancel(frame.jobId, frame.reason)
    else if (frame.t === 'job.void') runner.onVoid(frame.jobId, frame.reason)
    else if (frame.t === 'sync.result') sync.onResult(frame)
    else if (frame.t === 'job.settled') {
      onSettled(frame.receipt)
      for (const topic of ['jobs', 'earnings'] as const) events.changed(topic)
    } else if (frame.t === 'released') {
      for (const release of frame.releases) sync.note(settlement.release(release, exchangeKey()), `release ${release.seq}`)
      for (const topic of ['jobs', 'earnings'] as const) events.changed(topic)
    }
  }
  const exchangeKey = (): string => {
    const state = exchange.state()
    return state.kind === 'online' ? state.terms.exchange : ''
  }

  return {
    api: jobsApi(context, deps.power),
    start() {
      offs.push(exchange.onFrame(onFrame))
      offs.push(
        exchange.onState((state) => {
          if (state.kind !== 'online' || !state.fresh) return
          runner.abandonAll()
          sync.begin()
        }),
      )
      offs.push(sweepExpired(context, settlement, () => new Set(runner.runs().map((run) => run.frame.jobId))))
    },
    stop() {
      for (const off of offs) off()
      runner.abandonAll()
    },
    live: () => runner.runs().map((run) => run.live(feeBps())),
    runningOn: (deploymentId) => runner.runs().filter((run) => run.route.deploymentId === deploymentId).length,
    since: (from) => countJobsSince(context.realmDb.read, from),
    compare: () => sync.compare(),
    problems: () => sync.problems(),
  }
}
