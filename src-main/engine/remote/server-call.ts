/**
 * One HTTP request to a server: no redirects, the key as a Bearer token, time and size bounded, every failure a typed
 * error without the key.
 */
import { type ErrorValue, fail, failValue, fromErrorValue, type StokerError } from '#contract/errors.ts'
import { because, type ReasonParam } from '#contract/reasons.ts'
import type { Clock } from '#contract/time.ts'
import { within } from '#lib/within.ts'

import { addressOf, hostOf } from './server-address.ts'
import { refusalOf } from './server-refusal.ts'

export interface ServerConnection {
  url: string
  key: string | null
  fetch: typeof globalThis.fetch
  clock: Clock
}

/** Bytes that are read of an error's body. */
const ERROR_BYTES = 16_384

const KEY = /^[\x21-\x7E]+$/

/** The system's error code of a failed connection (ECONNREFUSED, …), which fetch puts into `cause`. */
function reasonOf(error: unknown): ReasonParam {
  for (let cause: unknown = error, depth = 0; depth < 4 && cause instanceof Error; cause = cause.cause, depth += 1) {
    const { code } = cause as NodeJS.ErrnoException
    if (typeof code === 'string') return code.slice(0, 64)
  }
  return because('remote.connectionFailed')
}

export const unreachable = (host: string, reason: ReasonParam): ErrorValue =>
  failValue('remote.unreachable', { host, reason })

/** The response, its body unread. Errors: ENGINE_UNREACHABLE, BAD_REQUEST; the signal's reason when it aborted. */
export async function send(
  { url, key, fetch }: ServerConnection,
  path: string,
  { body, signal }: { body?: unknown; signal: AbortSignal },
): Promise<Response> {
  if (key !== null && !KEY.test(key)) throw fail('remote.keyCharacters')
  const address = addressOf(url, path)
  const headers = {
    accept: 'application/json, text/event-stream',
    ...(key === null ? {} : { authorization: `Bearer ${key}` }),
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
  }
  try {
    return await fetch(address, {
      method: body === undefined ? 'GET' : 'POST',
      headers,
      redirect: 'manual',
      signal,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
  } catch (error) {
    if (signal.aborted) throw signal.reason
    // The error's own text may hold the whole URL.
    throw fromErrorValue(unreachable(hostOf(url), reasonOf(error)))
  }
}

/** The body as text; null beyond `maxBytes`, and the connection is closed then. Errors: those of the body's stream. */
export async function readBounded(response: Response, maxBytes: number): Promise<string | null> {
  if (response.body === null) return ''
  const parts: Uint8Array[] = []
  let bytes = 0
  // Leaving the loop early cancels the stream.
  for await (const part of response.body) {
    bytes += part.length
    if (bytes > maxBytes) return null
    parts.push(part)
  }
  return Buffer.concat(parts).toString('utf8')
}

/** The refusal in a response that is not 2xx. */
export async function refusalIn(response: Response, url: string): Promise<ErrorValue> {
  const text = await readBounded(response, ERROR_BYTES).catch(() => null)
  return refusalOf(response.status, text ?? '', hostOf(url), response.headers.get('retry-after'))
}

/** A signal that aborts with the given one, with CANCELLED as its reason. */
function cancelling(signal: AbortSignal): AbortSignal {
  const cancelled = new AbortController()
  const abort = (): void => cancelled.abort(fail('call.nobodyWaits'))
  if (signal.aborted) abort()
  else signal.addEventListener('abort', abort, { once: true })
  return cancelled.signal
}

export interface JsonOptions {
  timeoutMs: number
  maxBytes: number
  body?: unknown
  /** Closes the connection; the error is then CANCELLED. */
  signal?: AbortSignal
}

/**
 * A JSON response. Errors: ENGINE_UNREACHABLE; those of refusalOf for a status that is not 2xx; ENGINE_REFUSED for a body
 * that is no JSON or too long.
 */
export function json(
  connection: ServerConnection,
  path: string,
  { timeoutMs, maxBytes, body, signal: caller }: JsonOptions,
): Promise<unknown> {
  const host = hostOf(connection.url)
  const late = (): StokerError =>
    fromErrorValue(unreachable(host, because('remote.noAnswerWithin', { seconds: Math.round(timeoutMs / 1_000) })))
  const ask = async (deadline: AbortSignal): Promise<unknown> => {
    const signal = caller === undefined ? deadline : AbortSignal.any([deadline, cancelling(caller)])
    const response = await send(connection, path, { signal, ...(body === undefined ? {} : { body }) })
    if (!response.ok) throw fromErrorValue(await refusalIn(response, connection.url))
    let text: string | null
    try {
      text = await readBounded(response, maxBytes)
    } catch (error) {
      throw signal.aborted ? signal.reason : fromErrorValue(unreachable(host, reasonOf(error)))
    }
    try {
      if (text !== null) return JSON.parse(text) as unknown
    } catch {
      // Said below.
    }
    throw fail('remote.notOpenai', { host }, { data: { endpoint: true } })
  }
  return within(connection.clock, timeoutMs, ask, late)
}
