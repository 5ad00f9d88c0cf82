/** One chat completion: an order below HTTP, its answer in OpenAI's shape, and the same answer again for a retry. */
import { StokerError } from '#contract/errors.ts'
import { nanoPerMtok, NANO_LIMIT } from '#contract/money.ts'
import { ApiFailure } from '#lib/openai-error.ts'

import type { ExchangeContext } from '../exchange-context.ts'
import { LIMITS } from '../exchange-limits.ts'
import type { Router } from '../jobs/router.ts'
import { jobOfBuyer } from '../store/buyer-jobs.store.ts'
import { refundOf } from '../store/refunds.store.ts'
import type { ChatOrder } from './buyer-chat-request.ts'
import {
  answerNotKept,
  answerPaidBack,
  apiErrorOf,
  BUYER_LEFT,
  completionRunning,
  completionUnknown,
  endedUnpaid,
} from './buyer-errors.ts'
import { createBuyerSseWriter } from './buyer-sse-writer.ts'
import type { CompletionRegistry } from './completion-registry.ts'
import { CompletionResponse } from './completion-response.ts'
import type { CallIdentity } from './idempotency.ts'
import type { SharedCompletion } from './shared-completion.ts'

export interface CompletionDeps {
  context: ExchangeContext
  router: Router
  registry: CompletionRegistry
}

/** The HTTP exchange that asks. */
export interface BuyerConnection {
  /** Aborts when the buyer leaves. */
  signal: AbortSignal
  /** Runs `work` when all of the response has been given to the system; never if that fails. */
  onSent(work: () => void): void
}

export interface BuyerCall {
  buyerId: string
  chat: ChatOrder
  identity: CallIdentity
}

/**
 * The answer to one request, which may be that of a call made before. Throws ApiFailure while nothing was delivered: an
 * order that failed, 409 for a key that does not fit.
 */
export function complete(deps: CompletionDeps, call: BuyerCall, connection: BuyerConnection): Promise<Response> {
  const { context, registry } = deps
  const { clock } = context
  const { signal } = connection
  return new Promise((resolve, reject) => {
    if (signal.aborted) throw new ApiFailure(BUYER_LEFT)
    const known = registry.find(call.identity)
    if (known !== null && known.readers >= LIMITS.readersOfCall) throw completionRunning()
    const shared = known ?? registry.create({ ...call, head: headOf(context, call.chat) })
    const gone = (): void => {
      shared.detach(response)
      // Nobody hears this any more; it only lets the request's promise end.
      if (!response.started) reject(new ApiFailure(BUYER_LEFT))
    }
    const response = new CompletionResponse({
      shared,
      writer: shared.chat.stream ? createBuyerSseWriter(clock, gone) : null,
      respond: resolve,
      fail: reject,
      onOver(whole) {
        signal.removeEventListener('abort', gone)
        if (whole) connection.onSent(() => registry.handedOver(shared))
      },
    })
    signal.addEventListener('abort', gone, { once: true })
    shared.attach(response)
    if (known === null) order(deps, call, shared)
  })
}

const headOf = ({ ids, clock }: ExchangeContext, { spec }: ChatOrder): SharedCompletion['head'] => ({
  id: ids.next('chatcmpl'),
  created: Math.floor(clock.now() / 1_000),
  model: spec.instrument,
})

function order(
  { context, router }: CompletionDeps,
  { buyerId, chat, identity }: BuyerCall,
  sink: SharedCompletion,
): void {
  const { spec, request, inputTokens } = chat
  try {
    sink.cancel = router.submit({
      orderId: sink.head.id,
      buyerId,
      spec,
      request,
      inputTokens,
      maxPrice: nanoPerMtok(NANO_LIMIT),
      sink,
      call: identity,
    })
  } catch (error) {
    if (!(error instanceof StokerError)) context.log.error({ err: error }, 'an order could not be placed')
    sink.abandon(apiErrorOf(error))
  }
}

/**
 * A finished answer once more, by the id of its job or its own, for the buyer who paid it. Throws ApiFailure: 404 for
 * what is not his, 409 while it runs, 410 for what is no longer kept, was paid back, or ended unpaid.
 */
export async function fetchAgain(
  { context, registry }: CompletionDeps,
  { buyerId, id }: { buyerId: string; id: string },
  connection: BuyerConnection,
): Promise<Response> {
  const shared = registry.get(id)
  if (shared === null) throw whyNotKept(context, buyerId, id)
  if (shared.buyerId !== buyerId) throw completionUnknown()
  if (shared.state === 'running') throw completionRunning()
  return new Promise((resolve, reject) => {
    shared.attach(
      new CompletionResponse({
        shared,
        writer: null,
        respond: resolve,
        // Asking for it again changes nothing.
        fail: ({ error }) => reject(new ApiFailure({ ...error, retry: 'never' })),
        onOver: (whole) => whole && connection.onSent(() => registry.handedOver(shared)),
      }),
    )
  })
}

function whyNotKept({ db }: ExchangeContext, buyerId: string, jobId: string): ApiFailure {
  const job = jobOfBuyer(db.read, jobId)
  if (job?.buyerId !== buyerId) return completionUnknown()
  if (job.state === 'running') return completionRunning()
  if (job.state === 'void') return endedUnpaid(jobId)
  return refundOf(db.read, jobId) === null ? answerNotKept(jobId) : answerPaidBack(jobId)
}
