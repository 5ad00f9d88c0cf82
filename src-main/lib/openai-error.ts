/**
 * Errors as OpenAI's clients expect them: a status and {error: {message, type, param, code}}. Source: OpenAI API
 * reference, "Errors". Used by everything here that answers in OpenAI's shapes.
 */

export interface ApiError {
  status: 400 | 401 | 403 | 404 | 405 | 408 | 413 | 429 | 500 | 502 | 503 | 504
  message: string
  type: 'invalid_request_error' | 'authentication_error' | 'rate_limit_error' | 'insufficient_quota' | 'server_error'
  /** The field at fault. */
  param: string | null
  code: string | null
}

/** Thrown where a request is refused; whoever answers it sends `error`. */
export class ApiFailure extends Error {
  override readonly name = 'ApiFailure'
  readonly error: ApiError
  constructor(error: ApiError) {
    super(error.message)
    this.error = error
  }
}

export const errorBody = ({ message, type, param, code }: ApiError): { error: Omit<ApiError, 'status'> } => ({
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
