/** What each frame of a supplier sets in motion. */
import { assertNever, fail, StokerError, toErrorValue } from '#contract/errors.ts'
import type { SupplierFrameV2 } from '#contract/supplier-v2.ts'

import type { PracticeBuyer } from './buy/practice-buyer.ts'
import type { ExchangeContext } from './exchange-context.ts'
import type { ExamService } from './exam/exam-service.ts'
import type { Deliveries } from './jobs/deliveries.ts'
import type { Router } from './jobs/router.ts'
import { syncResult } from './settle/supplier-sync.ts'
import type { BookFeed } from './supply/book-feed.ts'
import { takeOffer } from './supply/supplier-offers.ts'
import type { Peer } from './supply/peer.ts'
import type { QualificationWatch } from './supply/qualification-watch.ts'
import type { Registry } from './supply/supplier-registry.ts'
import type { SyncQueue } from './supply/sync-queue.ts'

export interface SupplierFrameDeps {
  context: ExchangeContext
  registry: Registry
  feed: BookFeed
  router: Router
  deliveries: Deliveries
  examService: ExamService
  practiceBuyer: PracticeBuyer
  syncs: SyncQueue<Peer>
  qualifications: QualificationWatch
}

type Sync = Extract<SupplierFrameV2, { t: 'sync' }>

/** Sends one page; what fails is told to the supplier and goes no further. */
export function answerSync(context: ExchangeContext, peer: Peer, sync: Sync): void {
  try {
    peer.send(syncResult(context, peer.supplier, sync))
  } catch (error) {
    if (!(error instanceof StokerError)) context.log.error({ err: error }, 'a sync could not be answered')
    peer.send({ t: 'error', error: toErrorValue(error) })
  }
}

export function frameHandler({
  context,
  registry,
  feed,
  router,
  deliveries,
  examService,
  practiceBuyer,
  syncs,
  qualifications,
}: SupplierFrameDeps): (peer: Peer, frame: SupplierFrameV2) => void {
  const offer = (peer: Peer, frame: Extract<SupplierFrameV2, { t: 'offer' }>): void => {
    const standing = takeOffer(context, registry, peer, frame)
    feed.changed(frame.instrument)
    if (standing !== null) {
      practiceBuyer.listed(peer, standing)
      qualifications.look(peer, frame.instrument)
    }
    router.dispatchWaiting()
  }
  const withdraw = (peer: Peer, instrument: string): void => {
    peer.offers.delete(instrument)
    feed.changed(instrument)
  }
  const sync = (peer: Peer, frame: Sync): void => {
    if (!syncs.ask(peer, frame)) throw fail('exchange.syncInFlight')
  }
  return (peer, frame) => {
    switch (frame.t) {
      case 'offer':
        return offer(peer, frame)
      case 'withdraw':
        return withdraw(peer, frame.instrument)
      case 'sync':
        return sync(peer, frame)
      case 'exam.start':
        return examService.start(peer, frame)
      case 'exam.cancel':
        return examService.cancel(peer, frame.examId)
      case 'job.accept':
        return deliveries.accept(peer, frame.jobId)
      case 'job.delta':
        return deliveries.delta(peer, frame)
      case 'job.decline':
        return deliveries.decline(peer, frame)
      case 'audit.reply':
        throw fail('exchange.featureOff', { feature: 'audit' })
      case 'job.done':
        return deliveries.done(peer, frame)
      case 'job.error':
      case 'job.reject':
        return deliveries.error(peer, frame)
      case 'ping':
        return peer.send({ t: 'pong', n: frame.n, time: context.clock.now() })
      default:
        return assertNever(frame)
    }
  }
}
