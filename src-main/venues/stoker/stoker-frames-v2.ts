/** The frames of protocol 2 (contract/supplier-v2.ts) as the verbs and events of the core's port, and back. */
import { failValue } from '#contract/errors.ts'
import { inferenceRequest } from '#contract/inference.ts'
import { unservedField, type ExchangeFrameV2, type SupplierFrameV2 } from '#contract/supplier-v2.ts'
import type { VenueEvent } from '#core/venues/venue-events.ts'
import type { VenueVerbs } from '#core/venues/venue.port.ts'

import { sharedEventOf, stokerVerbs, wireError } from './stoker-frames.ts'

type JobFrameV2 = Extract<ExchangeFrameV2, { t: 'job' }>

/** Null for frames that say nothing to the core. */
export function eventOfV2(frame: ExchangeFrameV2): VenueEvent | null {
  switch (frame.t) {
    case 'job': {
      const { t: _, request, ...job } = frame
      // Every field of the frame's request is one of ours here (refusalOf): the MAC of the claim is over it as it came.
      return { kind: 'job', job: { ...job, request: inferenceRequest.parse(request), protocol: 2 } }
    }
    case 'book':
      return { kind: 'book', book: frame.book }
    // Off: this Stoker names no such feature.
    case 'audit.request':
    case 'exam.reveal':
      return null
    default:
      return sharedEventOf(frame)
  }
}

/** The answer to a job that asks for what this Stoker does not serve yet, by name; null where it may go to the core. */
export function refusalOf({ jobId, request }: JobFrameV2): SupplierFrameV2 | null {
  const field = unservedField(request)
  return field === null ? null : { t: 'job.reject', jobId, error: wireError(failValue('job.fieldUnserved', { field })) }
}

/** Each verb as one frame; `send` throws EXCHANGE_OFFLINE when there is no session. */
export const stokerVerbsV2 = (send: (frame: SupplierFrameV2) => void): VenueVerbs => ({
  // Those that did not change.
  ...stokerVerbs((frame) => {
    if (frame.t === 'offer' || frame.t === 'job.delta' || frame.t === 'job.done')
      throw new Error(`${frame.t} is another frame in protocol 2`)
    send(frame)
  }),
  declare: (offer) => send({ t: 'offer', ...offer }),
  text: (jobId, content) => send({ t: 'job.delta', jobId, text: { content, reasoning: '', toolCalls: [] } }),
  done: ({ jobId, claim, claimSig }) => send({ t: 'job.done', jobId, claim, claimSig }),
})
