/**
 * One chat completion: an order below HTTP, its answer in OpenAI's shape. Headers wait for the first text, so that a
 * failure before it has its right status.
 */
import { nanoPerMtok, NANO_LIMIT } from '#contract/money.ts'
import { ApiFailure, errorBody, type ApiError } from '#lib/openai-error.ts'

import type { ExchangeContext } from '../exchange-context.ts'
import type { Delivered, OrderSink } from '../jobs/routed-job.ts'
import type { Router } from '../jobs/router.ts'
import type { ChatOrder } from './buyer-chat-request.ts'
import { completion, endEvents, event, roleEvent, textEvent, type CompletionHead } from './completion-chunks.ts'
import { failureOf } from './buyer-errors.ts'
import { createBuyerSseWriter } from './buyer-sse-writer.ts'

const LEFT: ApiError = {
  status: 408,
  message: 'the buyer left',
  type: 'invalid_request_error',
  param: null,
  code: 'cancelled',
}

interface Routed {
  jobId: string
  salt: string
  supplier: string
}

/** The answer to one request. Throws ApiFailure while nothing was delivered. `signal` aborts when the buyer leaves. */
export function complete(
  context: ExchangeContext,
  router: Router,
  buyerId: string,
  chat: ChatOrder,
  signal: AbortSignal,
): Promise<Response> {
  const { clock, ids } = context
  const head: CompletionHead = {
    id: ids.next('chatcmpl'),
    created: Math.floor(clock.now() / 1_000),
    model: chat.spec.instrument,
  }
  return new Promise((resolve, reject) => {
    let routed: Routed | null = null
    let cancel: () => void = () => undefined
    let started = false
    const leave = (): void => {
      cancel()
      // Nobody hears this any more; it only lets the request's promise end.
      if (!started) reject(new ApiFailure(LEFT))
    }
    const writer = chat.stream ? createBuyerSseWriter(clock, leave) : null
    const over = (): void => signal.removeEventListener('abort', leave)
    const start = (): void => {
      if (started || writer === null) return
      started = true
      writer.write(roleEvent(head, chat.includeUsage))
      resolve(
        new Response(writer.body, {
          headers: {
            'content-type': 'text/event-stream; charset=utf-8',
            'cache-control': 'no-store',
            'x-accel-buffering': 'no',
            ...jobHeaders(routed),
          },
        }),
      )
    }
    const sink: OrderSink = {
      onRouted: (job) => {
        routed = job
      },
      onDelta: (text) => {
        start()
        writer?.write(textEvent(head, text, chat.includeUsage))
      },
      onDone: (delivered: Delivered) => {
        over()
        start()
        if (writer === null)
          resolve(
            Response.json(completion(head, delivered), {
              headers: { 'cache-control': 'no-store', ...jobHeaders(routed) },
            }),
          )
        writer?.write(endEvents(head, delivered, chat.includeUsage))
        writer?.end()
      },
      onFailed: (error, afterText) => {
        over()
        const failure = failureOf(error, afterText)
        if (!started) {
          reject(new ApiFailure(failure))
          return
        }
        writer?.write(event(errorBody(failure)))
        writer?.end()
      },
    }
    if (signal.aborted) {
      reject(new ApiFailure(LEFT))
      return
    }
    signal.addEventListener('abort', leave, { once: true })
    try {
      cancel = router.submit({
        orderId: head.id,
        buyerId,
        spec: chat.spec,
        request: chat.request,
        inputTokens: chat.inputTokens,
        maxPrice: nanoPerMtok(NANO_LIMIT),
        sink,
      })
    } catch (error) {
      over()
      reject(error)
    }
  })
}

/** Job and salt let a buyer check the receipt's MACs; the salt goes to nobody else but the seller. */
const jobHeaders = (routed: Routed | null): Record<string, string> =>
  routed === null
    ? {}
    : { 'x-stoker-job': routed.jobId, 'x-stoker-salt': routed.salt, 'x-stoker-supplier': routed.supplier }
