/** Wires the parts, and runs what runs by itself. */
import { brandId, type PublicKey } from '#contract/ids.ts'
import { SYNC_PAGE_MAX, type Release } from '#contract/supplier.ts'
import { every } from '#lib/every.ts'

import { openSupplierAccounts } from './exchange-accounts.ts'
import { CompletionRegistry } from './buy/completion-registry.ts'
import { PracticeBuyer } from './buy/practice-buyer.ts'
import type { ExchangeContext } from './exchange-context.ts'
import { LIMITS } from './exchange-limits.ts'
import { ExamService } from './exam/exam-service.ts'
import { answerSync, frameHandler } from './supplier-frames.ts'
import { Deliveries } from './jobs/deliveries.ts'
import { Router } from './jobs/router.ts'
import type { DeliveredMarks } from './settle/delivered-marks.ts'
import { releaseDue, releaseLoop } from './settle/releases.ts'
import { pruneKeyedCalls } from './store/refunds.store.ts'
import { findSupplier, upsertSupplier } from './store/suppliers.store.ts'
import { BookFeed } from './supply/book-feed.ts'
import type { Peer } from './supply/peer.ts'
import { QualificationWatch } from './supply/qualification-watch.ts'
import { Registry } from './supply/supplier-registry.ts'
import { SupplierSessions, type SessionBounds, type SessionEvents } from './supply/supplier-sessions.ts'
import { SyncQueue } from './supply/sync-queue.ts'

/** A supplier that comes back sooner was seen well enough: nothing is written. */
const SEEN_EVERY_MS = 60_000

export interface ExchangeRooms {
  readonly router: Router
  readonly sessions: SupplierSessions
  readonly practiceBuyer: PracticeBuyer
  readonly registry: CompletionRegistry
  /** Releases what is due and announces it to the suppliers; returns how many. */
  release(): number
  /** Ends what could not be ended for want of disk. */
  endRemaining(): void
  /** The release loop, on the real clock. */
  startLoops(): void
  /** Ends every session, order and loop; the database is the caller's. */
  stop(): void
}

export interface ExchangePartsOptions extends SessionBounds {
  practiceBuyer: boolean
  seed: string
  examSeed: string | null
  marks: DeliveredMarks
}

/** Writes down who came; a supplier that was here a moment ago is not written again. */
const arrivals =
  (context: ExchangeContext) =>
  (supplier: PublicKey, name: string): void => {
    const known = findSupplier(context.db.read, supplier)
    if (known?.name === name && context.clock.now() - known.lastSeenAt < SEEN_EVERY_MS) return
    context.db.tx((db) => {
      upsertSupplier(db, supplier, name, context.clock.now())
      openSupplierAccounts(context, db, supplier)
    })
  }

/** Page by page. */
function tellReleases(peer: Peer | undefined, releases: readonly Release[]): void {
  for (let from = 0; from < releases.length; from += SYNC_PAGE_MAX)
    peer?.send({ t: 'released', releases: releases.slice(from, from + SYNC_PAGE_MAX) })
}

/** The exam first: what it has in flight is judged as it stands, and no failed job of it may be sent again. */
function endWorkOf(peer: Peer, examService: ExamService, deliveries: Deliveries): void {
  try {
    examService.drop(peer)
  } finally {
    deliveries.drop(peer)
  }
}

export function createExchangeRooms(context: ExchangeContext, options: ExchangePartsOptions): ExchangeRooms {
  const registry = new Registry()
  const stopping = new AbortController()
  const feed: BookFeed = new BookFeed(context, registry, (instrument) => router.waitingFor(instrument))
  const router = new Router(context, registry, (instrument) => feed.changed(instrument))
  const deliveries = new Deliveries(context, router)
  const completions = new CompletionRegistry(context, options.marks)
  const qualifications = new QualificationWatch(context, registry, (instrument) => feed.changed(instrument))
  const examService = new ExamService(context, router, options.examSeed, (peer, instrument) => {
    qualifications.renewed(peer, instrument)
    router.dispatchWaiting()
  })
  const practiceBuyer = new PracticeBuyer(context, router, registry, {
    seed: options.seed,
    enabled: options.practiceBuyer,
  })

  const offersChanged = (peer: Peer): void => {
    for (const instrument of peer.offers.keys()) feed.changed(instrument)
    router.dispatchWaiting()
  }
  const syncs = new SyncQueue<Peer>(context.clock, (peer, sync) => answerSync(context, peer, sync))
  const supply = { context, registry, feed, router, deliveries, examService, practiceBuyer, qualifications, syncs }
  const events: SessionEvents = {
    onArrival: arrivals(context),
    onReady: (peer, resumed) => {
      feed.greet(peer)
      if (resumed) offersChanged(peer)
    },
    onFrame: frameHandler(supply),
    onAcknowledged: (peer) => syncs.acknowledged(peer),
    onDetached: offersChanged,
    onDropped: (peer) => {
      syncs.left(peer)
      endWorkOf(peer, examService, deliveries)
      for (const instrument of peer.offers.keys()) feed.changed(instrument)
    },
  }
  const sessions = new SupplierSessions(context, registry, events, options)
  const announce = (supplier: string, releases: Release[]): void =>
    tellReleases(registry.get(brandId<PublicKey>(supplier)), releases)
  startSweeps(context, { sessions, qualifications, completions, signal: stopping.signal })
  const endRemaining = remainingEnds(context, router, stopping.signal)
  return {
    router,
    registry: completions,
    sessions,
    practiceBuyer,
    release() {
      let count = 0
      for (const [supplier, releases] of releaseDue(context)) {
        announce(supplier, releases)
        count += releases.length
      }
      return count
    },
    endRemaining,
    startLoops: () => releaseLoop(context, announce, stopping.signal),
    stop() {
      stopping.abort(new Error('the exchange stops'))
      practiceBuyer.stop()
      examService.stop()
      syncs.stop()
      sessions.stop()
      feed.stop()
    },
  }
}

/** Ends at every heartbeat what could not be ended before; the returned function does so now. */
function remainingEnds({ clock, terms, log }: ExchangeContext, router: Router, signal: AbortSignal): () => void {
  const onError = (error: unknown): void =>
    log.warn({ err: error }, 'jobs that are over still cannot be ended in the books')
  every(clock, terms.heartbeatMs, () => router.endRemaining(), { onError, signal })
  return () => {
    try {
      router.endRemaining()
    } catch (error) {
      onError(error)
    }
  }
}

/** What grows old is dropped: silent sessions, answers kept long enough, keys. */
function startSweeps(
  context: ExchangeContext,
  deps: {
    sessions: SupplierSessions
    qualifications: QualificationWatch
    completions: CompletionRegistry
    signal: AbortSignal
  },
): void {
  const { clock, db, log, terms } = context
  const sweep = (ms: number, what: string, work: () => void): void =>
    void every(clock, ms, work, {
      onError: (error) => log.error({ err: error }, `${what} could not be ended; it is tried again`),
      signal: deps.signal,
    })
  sweep(terms.heartbeatMs, 'silent sessions', () => deps.sessions.sweep())
  sweep(LIMITS.qualificationEveryMs, 'qualifications', () => deps.qualifications.sweep())
  sweep(LIMITS.answersSweepMs, 'old answers', () => deps.completions.sweep())
  sweep(LIMITS.keyedCallsPruneMs, 'old keys', () =>
    db.tx((write) => pruneKeyedCalls(write, clock.now() - LIMITS.keyedCallsKeptMs)),
  )
}
