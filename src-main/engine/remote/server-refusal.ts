/**
 * What a server's refusal means for this job, and whether another endpoint may be tried. No text of an answer is logged;
 * a short part of the server's own error message is shown.
 */
import { fail, toErrorValue, type ErrorData, type ErrorValue } from '#contract/errors.ts'
import type { FailureCode } from '#contract/reasons.ts'

const EXCERPT_CHARACTERS = 200
const CONTEXT =
  /exceed_context|context_length|context (length|size|window)|maximum context|max_model_len|too many tokens|prompt is too long|input is too long/i
const RETRY_AFTER_MAX_MS = 30_000
const RETRY_AFTER_MS = 1_000

const record = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}

/**
 * The message in an error body; servers put it into `error.message`, `error`, `message` or `detail`. Null where there
 * is none.
 */
export function messageIn(body: unknown): { message: string; type: string } | null {
  const { error, message, detail, type } = record(body)
  const inner = record(error)
  const text = [inner['message'], error, message, detail].find(
    (candidate): candidate is string => typeof candidate === 'string',
  )
  if (text === undefined) return null
  const kind = [inner['type'], inner['code'], type].filter((candidate) => typeof candidate === 'string').join(' ')
  return { message: text.replace(/[\p{Cc}\s]+/gu, ' ').trim(), type: kind }
}

type RefusalCode = Extract<FailureCode, `refused.${string}`>

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return null
  }
}

/** Milliseconds of a Retry-After header in seconds, bounded; a second without one. */
export function retryAfterOf(header: string | null): number {
  const seconds = header === null ? Number.NaN : Number(header)
  return Number.isFinite(seconds) && seconds >= 0 ? Math.min(seconds * 1_000, RETRY_AFTER_MAX_MS) : RETRY_AFTER_MS
}

/**
 * For a status that is not 2xx. `data.endpoint` marks a refusal because of the endpoint (its key, URL or model) and not
 * of the request: another endpoint may accept it. Errors: CONTEXT_TOO_LONG; ENGINE_BUSY (429, 503); ENGINE_CRASHED (other 5xx); ENGINE_REFUSED
 * with the status.
 */
export function refusalOf(status: number, text: string, host: string, retryAfter: string | null = null): ErrorValue {
  const said = messageIn(parse(text))
  const own = said?.message.slice(0, EXCERPT_CHARACTERS) ?? ''
  const value = (code: RefusalCode, data: ErrorData = {}): ErrorValue =>
    toErrorValue(fail(code, { host, status, says: own === '' ? 'no' : 'yes', own }, { data: { status, ...data } }))
  if (status === 429 || status === 503)
    return value('refused.busy', {
      retryAfterMs: retryAfterOf(retryAfter),
    })
  if (status >= 500) return value('refused.failed')
  if (status >= 300 && status < 400) return value('refused.redirects', { endpoint: true })
  if (status === 401 || status === 403) return value('refused.key', { endpoint: true })
  if (status === 404) return value('refused.model', { endpoint: true })
  if (status === 408) return value('refused.gaveUp')
  if (said !== null && CONTEXT.test(`${said.type} ${said.message}`)) return value('refused.context')
  return value('refused.other')
}

/** An `error` object inside a stream that began with 200. */
export function streamedError(body: unknown, host: string): ErrorValue {
  const said = messageIn(body)
  const status = Number(record(record(body)['error'])['code'])
  if (said !== null && CONTEXT.test(`${said.type} ${said.message}`)) return refusalOf(400, JSON.stringify(body), host)
  return refusalOf(Number.isInteger(status) && status >= 400 && status < 600 ? status : 500, JSON.stringify(body), host)
}
