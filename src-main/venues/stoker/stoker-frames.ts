/**
 * The frames of protocol 1 (contract/supplier.ts) as the verbs and events of the core's port, and back; those that
 * protocol 2 shares with it too.
 */
import type { z } from 'zod'

import { fail, type ErrorValue } from '#contract/errors.ts'
import { asOnePrice, onePrice } from '#contract/money.ts'
import type { ExchangeFrame, sharedExchangeFrames, SupplierFrame } from '#contract/supplier.ts'
import type { ExchangeFrameV2 } from '#contract/supplier-v2.ts'
import type { VenueEvent } from '#core/venues/venue-events.ts'
import type { VenueVerbs } from '#core/venues/venue.port.ts'

/** Codes of a newer exchange pass through: they are shown, and no code of ours branches on them. */
const errorOf = (error: { code: string; message: string; data: ErrorValue['data'] }): ErrorValue => error as ErrorValue

type SharedFrame =
  | z.infer<(typeof sharedExchangeFrames)[number]>
  | Extract<ExchangeFrame | ExchangeFrameV2, { t: 'job.settled' | 'sync.result' }>

/** Null for frames that say nothing to the core (pong, error). */
export function eventOf(frame: ExchangeFrame): VenueEvent | null {
  switch (frame.t) {
    case 'job': {
      const { t: _, priceNanoPerMtok, ...job } = frame
      return { kind: 'job', job: { ...job, price: onePrice(priceNanoPerMtok) } }
    }
    case 'book':
      return {
        kind: 'book',
        book: {
          ...frame.book,
          rows: frame.book.rows.map(({ askNanoPerMtok, ...row }) => ({ ...row, ask: onePrice(askNanoPerMtok) })),
        },
      }
    default:
      return sharedEventOf(frame)
  }
}

/** Of the frames that differ in nothing the core would see: receipts of either version are receipts to it. */
export function sharedEventOf(frame: SharedFrame): VenueEvent | null {
  switch (frame.t) {
    case 'job.settled':
      return { kind: 'settled', receipt: frame.receipt }
    case 'sync.result': {
      const { t: _, ...page } = frame
      return { kind: 'history', ...page }
    }
    case 'job.cancel':
      return { kind: 'cancel', jobId: frame.jobId, reason: frame.reason }
    case 'job.void':
      return { kind: 'refused', jobId: frame.jobId, reason: frame.reason }
    case 'released':
      return { kind: 'released', releases: frame.releases }
    case 'offer.accepted':
      return { kind: 'offer', instrument: frame.instrument, error: null }
    case 'offer.refused':
      return { kind: 'offer', instrument: frame.instrument, error: errorOf(frame.error) }
    case 'exam.started': {
      const { t: _, ...started } = frame
      return { kind: 'exam-started', ...started }
    }
    case 'exam.refused':
      return { kind: 'exam-refused', requestId: frame.requestId, error: errorOf(frame.error) }
    case 'exam.item': {
      const { t: _, ...item } = frame
      return { kind: 'exam-item', ...item }
    }
    case 'exam.progress': {
      const { t: _, ...progress } = frame
      return { kind: 'exam-progress', ...progress }
    }
    case 'exam.result': {
      const { t: _, ...result } = frame
      return { kind: 'exam-result', ...result }
    }
    case 'notice': {
      const { t: _, ...notice } = frame
      return { kind: 'notice', ...notice }
    }
    case 'pong':
    case 'error':
      return null
  }
}

export const wireError = (error: ErrorValue): Extract<SupplierFrame, { t: 'job.error' }>['error'] => ({
  ...error,
  data: { ...error.data },
})

/**
 * Each verb as one frame; `send` throws EXCHANGE_OFFLINE when there is no session. SupplierProtocol 1 has one price for all
 * tokens: three that differ are refused with PRICE_UNEQUAL.
 */
export const stokerVerbs = (send: (frame: SupplierFrame) => void): VenueVerbs => ({
  // An offer that would sell at another price than was asked is never sent.
  declare: ({ ask, ...offer }) => send({ t: 'offer', ...offer, askNanoPerMtok: asOnePrice(ask) }),
  withdraw: (instrument) => send({ t: 'withdraw', instrument }),
  accept: (jobId) => send({ t: 'job.accept', jobId }),
  refuse: (jobId, error) => send({ t: 'job.reject', jobId, error: wireError(error) }),
  text: (jobId, text) => send({ t: 'job.delta', jobId, text }),
  // Its text went before, piece by piece.
  done: ({ jobId, claim, claimSig }) => {
    // It was won over version 2; this exchange could not read it, and is asked again when it speaks version 2.
    if (claim.v !== 1) throw fail('venue.claimNewer')
    send({ t: 'job.done', jobId, claim, claimSig })
  },
  failed: (jobId, error) => send({ t: 'job.error', jobId, error: wireError(error) }),
  reconcile: (request) => send({ t: 'sync', ...request }),
  startExam: (application) => send({ t: 'exam.start', ...application }),
  cancelExam: (examId) => send({ t: 'exam.cancel', examId }),
})

export const STOKER_CAPABILITIES = {
  transport: 'push',
  streaming: true,
  cancel: true,
  counts: 'venue',
  pricing: 'ask',
  onePrice: true,
  receipts: 'signed',
  exams: 'own',
  book: true,
  pause: false,
  reprice: true,
  prompts: 'chat',
} as const
