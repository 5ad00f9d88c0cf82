/** Reads one streamed answer to its end, within its bounds of time and size. */
import { createParser } from 'eventsource-parser'

import { fail, fromErrorValue, StokerError, type ErrorValue } from '#contract/errors.ts'
import { because } from '#contract/reasons.ts'
import type { EngineRequest } from '#contract/inference.ts'

import { hostOf } from './server-address.ts'
import { createRemoteAnswer, type RemoteAnswer } from './remote-answer.ts'
import { refusalIn, send, unreachable, type ServerConnection } from './server-call.ts'
import { createStreamWatchdog, type StreamTimeouts } from './stream-watchdog.ts'

/** Largest event: a long tool call, or a token with twenty alternatives. */
const EVENT_CHARACTERS = 2_097_152
/** Largest answer: a base, and a part for each token, and for each of its alternatives. */
const BASE_BYTES = 1_048_576
const TOKEN_BYTES = 2_048
const ALTERNATIVE_BYTES = 512
const DRAIN_READS = 4

export interface StreamOptions {
  path: string
  body: unknown
  request: EngineRequest
  promptTokens: number
  timeouts: StreamTimeouts
  /** Aborted when the job is cancelled. */
  cancelled: AbortSignal
  onDelta: Parameters<typeof createRemoteAnswer>[0]['onDelta']
  onChunk: () => void
}

export const boundOf = ({ maxTokens, logprobs = 0 }: EngineRequest): number =>
  BASE_BYTES + maxTokens * (TOKEN_BYTES + logprobs * ALTERNATIVE_BYTES)

const late = (
  host: string,
  what: 'first' | 'idle' | 'whole',
  { firstMs, idleMs, wholeMs }: StreamTimeouts,
): ErrorValue => {
  const ms = { first: firstMs, idle: idleMs, whole: wholeMs }[what]
  const seconds = Math.round(ms / 1_000)
  return unreachable(host, because(what === 'whole' ? 'remote.tookOver' : 'remote.nothingFor', { seconds }))
}

/** Reads the stream into the answer; true when it ended by `[DONE]`, or because no more of it is wanted. */
async function feed(
  response: Response,
  answer: RemoteAnswer,
  maxBytes: number,
  host: string,
  touch: () => void,
): Promise<boolean> {
  const tooMuch = (): StokerError => fail('remote.tooMuch', { host })
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
      // Some versions of llama-server send an error as a line of its own.
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
    // Closes the connection, unless the stream has ended.
    else reader?.cancel().catch(() => undefined)
  }
}

/** Reads the end of the response after `[DONE]`, so that the connection can be reused for the next request. */
async function drain(reader: ReadableStreamDefaultReader<Uint8Array> | undefined): Promise<void> {
  try {
    for (let reads = 0; reads < DRAIN_READS; reads += 1) if ((await reader?.read())?.done !== false) return
    await reader?.cancel()
  } catch {
    // The connection is closed, which is fine too.
  }
}

/**
 * The finished answer. When it is cancelled the connection is closed, by which the server notices. Errors: ENGINE_UNREACHABLE,
 * ENGINE_REFUSED, ENGINE_BUSY, ENGINE_CRASHED, CONTEXT_TOO_LONG; `cancelled.reason` when it was cancelled.
 */
export async function streamAnswer(connection: ServerConnection, options: StreamOptions): Promise<RemoteAnswer> {
  const { path, body, request, promptTokens, timeouts, cancelled, onDelta, onChunk } = options
  const host = hostOf(connection.url)
  const deadline = new AbortController()
  const signal = AbortSignal.any([cancelled, deadline.signal])
  const watchdog = createStreamWatchdog(connection.clock, timeouts, (what) =>
    deadline.abort(fromErrorValue(late(host, what, timeouts))),
  )
  const answer = createRemoteAnswer({
    host,
    maxTokens: request.maxTokens,
    logprobs: request.logprobs,
    promptTokens,
    onDelta,
    onChunk,
  })
  try {
    const response = await send(connection, path, { body, signal })
    if (!response.ok) throw fromErrorValue(await refusalIn(response, connection.url))
    const over = await feed(response, answer, boundOf(request), host, () => watchdog.touch())
    if (!over && answer.finish === null) throw fail('remote.brokeOff', { host })
    return answer
  } catch (error) {
    if (signal.aborted) throw signal.reason
    if (error instanceof StokerError) throw error
    throw fail('remote.brokeOffLook', { host })
  } finally {
    watchdog.stop()
  }
}
