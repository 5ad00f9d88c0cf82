/** Errors as OpenAI clients expect them: a status and {error: {message, type, param, code}}. */
import { StokerError, type ErrorValue } from '#contract/errors.ts'

export interface ApiError {
  status: 400 | 401 | 403 | 404 | 408 | 413 | 415 | 429 | 500 | 502 | 503 | 504
  message: string
  type: string
  param: string | null
  code: string | null
}

export class ApiFailure extends Error {
  override readonly name = 'ApiFailure'
  readonly error: ApiError
  constructor(error: ApiError) {
    super(error.message)
    this.error = error
  }
}

export const errorBody = ({ message, type, param, code }: ApiError): { error: object } => ({ error: { message, type, param, code } })

export const invalid = (message: string, param: string | null = null, code: string | null = null): ApiFailure =>
  new ApiFailure({ status: 400, message, type: 'invalid_request_error', param, code })
export const tooLarge = (limit: number): ApiFailure =>
  new ApiFailure({ status: 413, message: `the body may have at most ${limit} bytes`, type: 'invalid_request_error', param: null, code: 'request_too_large' })
export const badKey = (): ApiFailure =>
  new ApiFailure({
    status: 401,
    message: 'no valid key was given; send it as Authorization: Bearer sk-practice-…',
    type: 'authentication_error',
    param: null,
    code: 'invalid_api_key',
  })
export const unknownModel = (model: string): ApiFailure =>
  new ApiFailure({
    status: 404,
    message: `the model ${JSON.stringify(model.slice(0, 96))} does not exist; GET /v1/models lists what is traded`,
    type: 'invalid_request_error',
    param: 'model',
    code: 'model_not_found',
  })
export const contextTooLong = (input: number, output: number, context: number): ApiFailure =>
  invalid(
    `this model's context is ${context} tokens; the messages take ${input} and the answer up to ${output}. Shorten the messages or lower max_tokens.`,
    'messages',
    'context_length_exceeded',
  )

/** What a failed order means to its buyer. A supplier's own words are not passed on. */
export function failureOf(error: ErrorValue, afterText: boolean): ApiError {
  const of = (status: ApiError['status'], message: string, type: string, code: string | null): ApiError => ({ status, message, type, param: null, code })
  switch (error.code) {
    case 'LEDGER_CONFLICT':
    case 'LEDGER_UNKNOWN':
      return of(429, 'your credit does not cover the most this call can cost; lower max_tokens or add credit', 'insufficient_quota', 'insufficient_quota')
    case 'MONEY_RANGE':
      return of(503, 'the exchange cannot book a call of this price; lower max_tokens, or tell whoever runs it', 'server_error', 'unavailable')
    case 'INTERNAL':
      return of(500, 'the exchange failed; nothing is charged', 'server_error', null)
    case 'NO_SUPPLIER':
      return of(503, error.message, 'server_error', 'no_supplier')
    case 'DEADLINE':
      return of(504, 'no answer came before the deadline; nothing is charged', 'server_error', 'deadline')
    case 'CONTEXT_TOO_LONG':
      return of(400, 'the prompt does not fit the context of any supplier; shorten the messages or lower max_tokens', 'invalid_request_error', 'context_length_exceeded')
    case 'GRAMMAR_INVALID':
    case 'SAMPLING_INVALID':
    case 'TEMPLATE_FAILED':
      return of(400, `the supplier cannot serve this request (${error.code}); check response_format, sampling and messages`, 'invalid_request_error', error.code.toLowerCase())
    case 'UNAVAILABLE':
      return of(
        503,
        afterText ? 'the supplier went away in the middle of the answer; nothing is charged' : 'the exchange or the supplier is not available now; try again',
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
    if (error.code === 'UNAVAILABLE') return { status: 503, message: error.message, type: 'server_error', param: null, code: 'overloaded' }
    if (error.code === 'BAD_REQUEST') return { status: 400, message: error.message, type: 'invalid_request_error', param: null, code: null }
    if (error.code === 'NOT_FOUND') return { status: 404, message: error.message, type: 'invalid_request_error', param: null, code: 'not_found' }
  }
  return { status: 500, message: 'the exchange failed; its log has the details', type: 'server_error', param: null, code: null }
}
