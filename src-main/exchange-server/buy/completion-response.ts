/**
 * One HTTP answer of a completion: one body, or a stream of events. Headers wait for the first text, so that a failure
 * before it has its right status.
 */
import { ApiFailure, errorBody, type ApiError } from '#lib/openai-error.ts'

import type { Delivered } from '../jobs/routed-job.ts'
import type { BuyerSseWriter } from './buyer-sse-writer.ts'
import { completion, endEvents, event, roleEvent, textEvent } from './completion-chunks.ts'
import type { CompletionReader, RoutedAttempt, SharedCompletion } from './shared-completion.ts'

export interface CompletionResponseDeps {
  shared: Pick<SharedCompletion, 'head' | 'chat'>
  /** Null when the answer is not streamed. */
  writer: BuyerSseWriter | null
  respond: (response: Response) => void
  /** While nothing was delivered. */
  fail: (failure: ApiFailure) => void
  /** Once, when the completion has ended; `whole` when this response carries all of it. */
  onOver: (whole: boolean) => void
}

export class CompletionResponse implements CompletionReader {
  /** The stream has its headers: from now on a failure is an event in it. */
  started = false
  readonly #deps: CompletionResponseDeps

  constructor(deps: CompletionResponseDeps) {
    this.#deps = deps
  }

  delta(text: string, routed: RoutedAttempt): void {
    const { shared, writer } = this.#deps
    this.#start(routed)
    writer?.write(textEvent(shared.head, text, shared.chat.includeUsage))
  }

  done(delivered: Delivered, routed: RoutedAttempt): void {
    const { shared, writer, respond, onOver } = this.#deps
    onOver(true)
    if (writer === null) {
      const headers = { 'cache-control': 'no-store', ...jobHeaders(routed) }
      respond(Response.json(completion(shared.head, delivered), { headers }))
      return
    }
    // One that came after the end has had no text yet.
    if (!this.started && delivered.text !== '') this.delta(delivered.text, routed)
    this.#start(routed)
    writer.write(endEvents(shared.head, delivered, shared.chat.includeUsage))
    writer.end()
  }

  failed(failure: ApiError): void {
    const { writer, fail, onOver } = this.#deps
    onOver(false)
    if (!this.started) {
      fail(new ApiFailure(failure))
      return
    }
    writer?.write(event(errorBody(failure)))
    writer?.end()
  }

  #start(routed: RoutedAttempt): void {
    const { shared, writer, respond } = this.#deps
    if (this.started || writer === null) return
    this.started = true
    writer.write(roleEvent(shared.head, shared.chat.includeUsage))
    const headers = {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
      ...jobHeaders(routed),
    }
    respond(new Response(writer.body, { headers }))
  }
}

/** Job and salt let a buyer check the receipt's MACs; the salt goes to nobody else but the seller. */
const jobHeaders = ({ jobId, salt, supplier }: RoutedAttempt): Record<string, string> => ({
  'x-stoker-job': jobId,
  'x-stoker-salt': salt,
  'x-stoker-supplier': supplier,
})
