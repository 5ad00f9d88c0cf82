/**
 * One call of a buyer: one order, whoever reads its answer. A retry becomes one more reader: of what is there already,
 * then of what follows.
 */
import type { ErrorValue } from '#contract/errors.ts'
import type { ApiError } from '#lib/openai-error.ts'

import type { Delivered, OrderSink } from '../jobs/routed-job.ts'
import type { ChatOrder } from './buyer-chat-request.ts'
import { failureOf } from './buyer-errors.ts'
import type { CompletionHead } from './completion-chunks.ts'
import type { CallIdentity } from './idempotency.ts'

export interface RoutedAttempt {
  jobId: string
  salt: string
  supplier: string
}

export interface CompletionReader {
  delta(text: string, routed: RoutedAttempt): void
  done(delivered: Delivered, routed: RoutedAttempt): void
  failed(failure: ApiError): void
}

export interface CompletionEvents {
  /** Sent to another supplier, or for the first time. */
  onRouted(completion: SharedCompletion, before: RoutedAttempt | null): void
  /** Once, however it ended. */
  onEnded(completion: SharedCompletion): void
  /** Its last reader went while it ran. */
  onDeserted(completion: SharedCompletion): void
}

export type CompletionState = 'running' | 'done' | 'failed'

export class SharedCompletion implements OrderSink {
  readonly head: CompletionHead
  readonly buyerId: string
  readonly identity: CallIdentity
  readonly chat: Pick<ChatOrder, 'stream' | 'includeUsage'>
  readonly #events: CompletionEvents
  readonly #readers = new Set<CompletionReader>()
  /** Text while it runs; afterwards it is in `delivered`. */
  #texts: string[] = []
  #state: CompletionState = 'running'
  #routed: RoutedAttempt | null = null
  #delivered: Delivered | null = null
  #failure: ApiError | null = null
  /** Takes the order back. */
  cancel: () => void = () => undefined
  /** Monotonic milliseconds; null while it runs. */
  endedAt: number | null = null
  /** Somebody has its whole answer. */
  handedOver = false

  constructor(
    call: { head: CompletionHead; buyerId: string; identity: CallIdentity; chat: SharedCompletion['chat'] },
    events: CompletionEvents,
  ) {
    this.head = call.head
    this.buyerId = call.buyerId
    this.identity = call.identity
    this.chat = { stream: call.chat.stream, includeUsage: call.chat.includeUsage }
    this.#events = events
  }

  get state(): CompletionState {
    return this.#state
  }

  get jobId(): string | null {
    return this.#routed?.jobId ?? null
  }

  /** Connections that wait for more of it. */
  get readers(): number {
    return this.#readers.size
  }

  /** Bytes of text it keeps in memory, at two a character. */
  get bytes(): number {
    return 2 * (this.#delivered?.text.length ?? 0)
  }

  /** Told at once what there is already. */
  attach(reader: CompletionReader): void {
    if (this.#failure !== null) reader.failed(this.#failure)
    else if (this.#delivered !== null) reader.done(this.#delivered, this.#routed!)
    else {
      this.#readers.add(reader)
      if (this.#texts.length > 0) reader.delta(this.#texts.join(''), this.#routed!)
    }
  }

  /** Its reader has gone; nothing happens after the end. */
  detach(reader: CompletionReader): void {
    if (this.#readers.delete(reader) && this.#readers.size === 0 && this.#state === 'running')
      this.#events.onDeserted(this)
  }

  /** Takes the order back and ends it with this failure. */
  abandon(failure: ApiError): void {
    if (this.#state !== 'running') return
    this.cancel()
    this.#end('failed', () => (this.#failure = failure))
  }

  onRouted({ jobId, salt, supplier }: RoutedAttempt): void {
    const before = this.#routed
    this.#routed = { jobId, salt, supplier }
    this.#events.onRouted(this, before)
  }

  onDelta(text: string): void {
    if (this.#state !== 'running' || text === '') return
    this.#texts.push(text)
    for (const reader of this.#readers) reader.delta(text, this.#routed!)
  }

  onDone(delivered: Delivered): void {
    if (this.#state !== 'running') return
    this.#end('done', () => (this.#delivered = delivered))
  }

  onFailed(error: ErrorValue, afterText: boolean): void {
    if (this.#state !== 'running') return
    this.#end('failed', () => (this.#failure = failureOf(error, afterText)))
  }

  #end(state: CompletionState, note: () => void): void {
    this.#state = state
    this.#texts = []
    note()
    this.#events.onEnded(this)
    const readers = [...this.#readers]
    this.#readers.clear()
    for (const reader of readers) this.attach(reader)
  }
}
