/** Reads one streamed answer to its end, within its bounds of time and size. */
import { createParser } from 'eventsource-parser'

import { fromErrorValue, StokerError, type ErrorValue } from '#contract/errors.ts'
import type { EngineRequest } from '#contract/inference.ts'

import { hostOf } from './server-address.ts'
import { createAnswer, type Answer } from './remote-answer.ts'
import { refusalIn, send, unreachable, type Connection } from './server-call.ts'
import { createWatchdog, type Patience } from './stream-watchdog.ts'

/** Of one event: a long tool call, a token with twenty alternatives. */
const EVENT_CHARACTERS = 2_097_152
/** Of a whole answer: so much at first, and for each token (with as many alternatives) so much. */
const BASE_BYTES = 1_048_576
const TOKEN_BYTES = 2_048
const ALTERNATIVE_BYTES = 512
const DRAIN_READS = 4

export interface StreamOptions {
  path: string
  body: unknown
  request: EngineRequest
  promptTokens: number
  patience: Patience
  /** Aborted when the job is cancelled. */
  cancelled: AbortSignal
  onDelta: Parameters<typeof createAnswer>[0]['onDelta']
  onPiece: () => void
}

export const boundOf = ({ maxTokens, logprobs = 0 }: EngineRequest): number =>
  BASE_BYTES + maxTokens * (TOKEN_BYTES + logprobs * ALTERNATIVE_BYTES)

const late = (host: string, what: 'first' | 'idle' | 'whole', { firstMs, idleMs, wholeMs }: Patience): ErrorValue => {
  const ms = { first: firstMs, idle: idleMs, whole: wholeMs }[what]
  return unreachable(
    host,
    what === 'whole'
      ? `the answer took over ${Math.round(ms / 1_000)} s`
      : `nothing came for ${Math.round(ms / 1_000)} s`,
  )
}

/** Feeds the answer; true when it is over by `[DONE]`, or because no more of it is wanted. */
async function feed(
  response: Response,
  answer: Answer,
  maxBytes: number,
  host: string,
  touch: () => void,
): Promise<boolean> {
  const tooMuch = (): StokerError =>
    new StokerError('ENGINE_CRASHED', `${host} sent far more than was asked for. Look at its version and its log.`)
  let done = false
  let failure: Error | null = null
  const parser = createParser({
    maxBufferSize: EVENT_CHARACTERS,
    onEvent({ data }) {
      if (done || failure !== null) return
      if (data.trim() === '[DONE]') done = true
      else answer.take(data)
    },
    onError(error) {
      if (error.type === 'max-buffer-size-exceeded') failure = tooMuch()
      // llama-server of some versions sends a failure as a line of its own.
      else if (error.type === 'unknown-field' && error.field === 'error')
        answer.take(`{"error":${error.value === undefined || error.value === '' ? '{}' : error.value}}`)
    },
  })
  const decoder = new TextDecoder()
  const reader = response.body?.getReader()
  let bytes = 0
  try {
    for (;;) {
      const { done: ended = true, value } = (await reader?.read()) ?? {}
      if (ended || value === undefined) return false
      touch()
      bytes += value.length
      if (bytes > maxBytes) throw tooMuch()
      parser.feed(decoder.decode(value, { stream: true }))
      if (failure !== null) throw failure as Error
      if (done || answer.overrun) return true
    }
  } finally {
    if (done) void drain(reader)
    // Closes the connection, unless the stream is at its end.
    else reader?.cancel().catch(() => undefined)
  }
}

/** What follows `[DONE]` is the end of the response; read to it, the connection serves the next request. */
async function drain(reader: ReadableStreamDefaultReader<Uint8Array> | undefined): Promise<void> {
  try {
    for (let reads = 0; reads < DRAIN_READS; reads += 1) if ((await reader?.read())?.done !== false) return
    await reader?.cancel()
  } catch {
    // It is gone, which is as good.
  }
}

/**
 * The finished answer. Closing the connection is how a server learns that nobody waits. Errors: ENGINE_UNREACHABLE,
 * ENGINE_REFUSED, ENGINE_BUSY, ENGINE_CRASHED, CONTEXT_TOO_LONG; `cancelled.reason` when it was cancelled.
 */
export async function streamAnswer(connection: Connection, options: StreamOptions): Promise<Answer> {
  const { path, body, request, promptTokens, patience, cancelled, onDelta, onPiece } = options
  const host = hostOf(connection.url)
  const silent = new AbortController()
  const signal = AbortSignal.any([cancelled, silent.signal])
  const watchdog = createWatchdog(connection.clock, patience, (what) =>
    silent.abort(fromErrorValue(late(host, what, patience))),
  )
  const answer = createAnswer({
    host,
    maxTokens: request.maxTokens,
    logprobs: request.logprobs,
    promptTokens,
    onDelta,
    onPiece,
  })
  try {
    const response = await send(connection, path, { body, signal })
    if (!response.ok) throw fromErrorValue(await refusalIn(response, connection.url))
    const over = await feed(response, answer, boundOf(request), host, () => watchdog.touch())
    if (!over && answer.finish === null)
      throw new StokerError('ENGINE_CRASHED', `${host} broke its answer off. Look at its log; send the request again.`)
    return answer
  } catch (error) {
    if (signal.aborted) throw signal.reason
    if (error instanceof StokerError) throw error
    throw new StokerError(
      'ENGINE_CRASHED',
      `${host} broke its answer off. Look whether it still runs; send the request again.`,
    )
  } finally {
    watchdog.stop()
  }
}
