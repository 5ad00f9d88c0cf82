/** The exchange's refusals, and what a failure means to a buyer. */
import { EMBEDDED_VENUE } from '#contract/embedded-venue.ts'
import { StokerError, type ErrorValue } from '#contract/errors.ts'
import { ApiFailure, contextTooLong, keyRefused, modelNotFound, type ApiError } from '#lib/openai-error.ts'

export const badKey = (): ApiFailure =>
  keyRefused(`no valid key was given; send it as Authorization: Bearer ${EMBEDDED_VENUE.keyPrefix}…`)
export const unknownModel = (model: string): ApiFailure =>
  modelNotFound(model, 'does not exist; GET /v1/models lists what is traded')
export const beyondContext = (input: number, output: number, context: number): ApiFailure =>
  contextTooLong(
    `this model's context is ${context} tokens; the messages take ${input} and the answer up to ${output}. Shorten the messages or lower max_tokens.`,
  )

/** What a failed order means to its buyer. A supplier's own words are not passed on. */
export function failureOf(error: ErrorValue, afterText: boolean): ApiError {
  const of = (status: ApiError['status'], message: string, type: ApiError['type'], code: string | null): ApiError => ({
    status,
    message,
    type,
    param: null,
    code,
  })
  switch (error.code) {
    case 'LEDGER_CONFLICT':
    case 'LEDGER_UNKNOWN':
      return of(
        429,
        'your credit does not cover the most this call can cost; lower max_tokens or add credit',
        'insufficient_quota',
        'insufficient_quota',
      )
    case 'MONEY_RANGE':
      return of(
        503,
        'the exchange cannot book a call of this price; lower max_tokens, or tell whoever runs it',
        'server_error',
        'unavailable',
      )
    case 'DISK_FULL':
    case 'DISK_READONLY':
    case 'DISK_FAILED':
    case 'DB_CORRUPT':
      return of(503, 'the exchange cannot write its books now; nothing is charged', 'server_error', 'unavailable')
    case 'INTERNAL':
      return of(500, 'the exchange failed; nothing is charged', 'server_error', null)
    case 'NO_SUPPLIER':
      return of(503, error.message, 'server_error', 'no_supplier')
    case 'DEADLINE':
      return of(504, 'no answer came before the deadline; nothing is charged', 'server_error', 'deadline')
    case 'CONTEXT_TOO_LONG':
      return of(
        400,
        'the prompt does not fit the context of any supplier; shorten the messages or lower max_tokens',
        'invalid_request_error',
        'context_length_exceeded',
      )
    case 'GRAMMAR_INVALID':
    case 'SAMPLING_INVALID':
    case 'TEMPLATE_FAILED':
      return of(
        400,
        `the supplier cannot serve this request (${error.code}); check response_format, sampling and messages`,
        'invalid_request_error',
        error.code.toLowerCase(),
      )
    case 'UNAVAILABLE':
      return of(
        503,
        afterText
          ? 'the supplier went away in the middle of the answer; nothing is charged'
          : 'the exchange or the supplier is not available now; try again',
        'server_error',
        'unavailable',
      )
    default:
      return of(502, `the supplier failed (${error.code}); nothing is charged`, 'server_error', 'supplier_failed')
  }
}

/** Anything thrown, as an answer; only expected errors keep their words. */
export function apiErrorOf(error: unknown): ApiError {
  if (error instanceof ApiFailure) return error.error
  if (error instanceof StokerError) {
    if (error.code === 'UNAVAILABLE')
      return { status: 503, message: error.message, type: 'server_error', param: null, code: 'overloaded' }
    if (error.code === 'BAD_REQUEST')
      return { status: 400, message: error.message, type: 'invalid_request_error', param: null, code: null }
    if (error.code === 'NOT_FOUND')
      return { status: 404, message: error.message, type: 'invalid_request_error', param: null, code: 'not_found' }
  }
  return {
    status: 500,
    message: 'the exchange failed; its log has the details',
    type: 'server_error',
    param: null,
    code: null,
  }
}
