/**
 * Errors as OpenAI's clients expect them: a status and {error: {message, type, param, code}}. Source: OpenAI API
 * reference, "Errors". Used by everything here that answers in OpenAI's shapes.
 */

export interface ApiError {
  status: 400 | 401 | 403 | 404 | 405 | 408 | 409 | 410 | 413 | 429 | 500 | 502 | 503 | 504
  message: string
  type: 'invalid_request_error' | 'authentication_error' | 'rate_limit_error' | 'insufficient_quota' | 'server_error'
  /** The field at fault. */
  param: string | null
  code: string | null
  /** Seconds after which asking again may help; `never` where a client would repeat it by itself and must not. */
  retry?: number | 'never'
}

const RETRY_MOST_S = 60

/** Thrown where a request is refused; whoever answers it sends `error`. */
export class ApiFailure extends Error {
  override readonly name = 'ApiFailure'
  readonly error: ApiError
  constructor(error: ApiError) {
    super(error.message)
    this.error = error
  }
}

/**
 * What tells a client whether to ask again: `Retry-After` in whole seconds (RFC 9110, 10.2.3), or OpenAI's
 * `x-should-retry`, without which its clients repeat 408, 409, 429 and 5xx.
 */
export function retryHeaders({ retry }: ApiError): Record<string, string> {
  if (retry === undefined) return {}
  if (retry === 'never') return { 'x-should-retry': 'false' }
  return { 'retry-after': String(Math.min(RETRY_MOST_S, Math.max(1, Math.ceil(retry)))) }
}

export const errorBody = ({ message, type, param, code }: ApiError): { error: Omit<ApiError, 'status' | 'retry'> } => ({
  error: { message, type, param, code },
})

export const invalid = (message: string, param: string | null = null, code: string | null = null): ApiFailure =>
  new ApiFailure({ status: 400, message, type: 'invalid_request_error', param, code })

export const refused = (status: 403 | 404 | 405, message: string, code: string): ApiFailure =>
  new ApiFailure({ status, message, type: 'invalid_request_error', param: null, code })

export const tooLarge = (limitBytes: number): ApiFailure =>
  new ApiFailure({
    status: 413,
    message: `the body may have at most ${limitBytes} bytes`,
    type: 'invalid_request_error',
    param: null,
    code: 'request_too_large',
  })

/** `message` says where a key is to be had. */
export const keyRefused = (message: string, code = 'invalid_api_key'): ApiFailure =>
  new ApiFailure({ status: 401, message, type: 'authentication_error', param: null, code })

/** `rest` goes on after the model's name. */
export const modelNotFound = (model: string, rest: string): ApiFailure =>
  new ApiFailure({
    status: 404,
    message: `the model ${JSON.stringify(model.slice(0, 96))} ${rest}`,
    type: 'invalid_request_error',
    param: 'model',
    code: 'model_not_found',
  })

export const contextTooLong = (message: string): ApiFailure => invalid(message, 'messages', 'context_length_exceeded')

/** A conflict that stays one: OpenAI's clients repeat a 409 by themselves, and shall not. */
export const conflicting = (message: string, code: string): ApiFailure =>
  new ApiFailure({ status: 409, message, type: 'invalid_request_error', param: null, code, retry: 'never' })

/** What was asked for existed, and cannot be had any more. */
export const gone = (message: string, code: string): ApiFailure =>
  new ApiFailure({ status: 410, message, type: 'invalid_request_error', param: null, code })
