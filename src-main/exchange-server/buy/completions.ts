/**
 * One chat completion: an order below HTTP, its answer in OpenAI's shape. Headers wait for the first text, so that a
 * failure before it has its right status.
 */
import type { ErrorValue } from '#contract/errors.ts'
import { nanoPerMtok, NANO_LIMIT } from '#contract/money.ts'
import { ApiFailure, errorBody, type ApiError } from '#lib/openai-error.ts'

import type { ExchangeContext } from '../exchange-context.ts'
import type { Delivered, OrderSink } from '../jobs/routed-job.ts'
import type { Router } from '../jobs/router.ts'
import type { ChatOrder } from './buyer-chat-request.ts'
import { completion, endEvents, event, roleEvent, textEvent, type CompletionHead } from './completion-chunks.ts'
import { failureOf } from './buyer-errors.ts'
import { createBuyerSseWriter, type BuyerSseWriter } from './buyer-sse-writer.ts'

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
  const head = { id: ids.next('chatcmpl'), created: Math.floor(clock.now() / 1_000), model: chat.spec.instrument }
  return new Promise((resolve, reject) => {
    let cancel: () => void = () => undefined
    const leave = (): void => {
      cancel()
      // Nobody hears this any more; it only lets the request's promise end.
      if (!answer.started) reject(new ApiFailure(LEFT))
    }
    const answer = new CompletionAnswer({
      head,
      chat,
      writer: chat.stream ? createBuyerSseWriter(clock, leave) : null,
      respond: resolve,
      fail: reject,
      onOver: () => signal.removeEventListener('abort', leave),
    })
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
        sink: answer,
      })
    } catch (error) {
      signal.removeEventListener('abort', leave)
      reject(error)
    }
  })
}

interface CompletionAnswerDeps {
  head: CompletionHead
  chat: ChatOrder
  /** Null when the answer is not streamed. */
  writer: BuyerSseWriter | null
  respond: (response: Response) => void
  /** While nothing was delivered. */
  fail: (failure: ApiFailure) => void
  /** Once, when the order has ended. */
  onOver: () => void
}

/** Turns what happens to the order into the response: one body, or a stream of events. */
class CompletionAnswer implements OrderSink {
  /** The stream has its headers: from now on a failure is an event in it. */
  started = false
  readonly #deps: CompletionAnswerDeps
  #routed: Routed | null = null

  constructor(deps: CompletionAnswerDeps) {
    this.#deps = deps
  }

  onRouted(job: Routed): void {
    this.#routed = job
  }

  onDelta(text: string): void {
    const { head, chat, writer } = this.#deps
    this.#start()
    writer?.write(textEvent(head, text, chat.includeUsage))
  }

  onDone(delivered: Delivered): void {
    const { head, chat, writer, respond, onOver } = this.#deps
    onOver()
    this.#start()
    if (writer === null) {
      const headers = { 'cache-control': 'no-store', ...jobHeaders(this.#routed) }
      respond(Response.json(completion(head, delivered), { headers }))
    }
    writer?.write(endEvents(head, delivered, chat.includeUsage))
    writer?.end()
  }

  onFailed(error: ErrorValue, afterText: boolean): void {
    const { writer, fail, onOver } = this.#deps
    onOver()
    const failure = failureOf(error, afterText)
    if (!this.started) {
      fail(new ApiFailure(failure))
      return
    }
    writer?.write(event(errorBody(failure)))
    writer?.end()
  }

  #start(): void {
    const { head, chat, writer, respond } = this.#deps
    if (this.started || writer === null) return
    this.started = true
    writer.write(roleEvent(head, chat.includeUsage))
    const headers = {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
      ...jobHeaders(this.#routed),
    }
    respond(new Response(writer.body, { headers }))
  }
}

/** Job and salt let a buyer check the receipt's MACs; the salt goes to nobody else but the seller. */
const jobHeaders = (routed: Routed | null): Record<string, string> =>
  routed === null
    ? {}
    : { 'x-stoker-job': routed.jobId, 'x-stoker-salt': routed.salt, 'x-stoker-supplier': routed.supplier }
