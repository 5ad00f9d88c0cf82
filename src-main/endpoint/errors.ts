/** Errors as OpenAI clients expect them: a status and {error: {message, type, param, code}}. Source: OpenAI API reference, "Errors". */
import { StokerError, toErrorValue, type ErrorValue } from '#contract/errors.ts'

export interface ApiError {
  status: 400 | 401 | 403 | 404 | 405 | 413 | 429 | 500 | 502 | 503
  message: string
  type: 'invalid_request_error' | 'authentication_error' | 'rate_limit_error' | 'server_error'
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

export const errorBody = ({ message, type, param, code }: ApiError): { error: Omit<ApiError, 'status'> } => ({ error: { message, type, param, code } })

export const invalid = (message: string, param: string | null = null, code: string | null = null): ApiFailure =>
  new ApiFailure({ status: 400, message, type: 'invalid_request_error', param, code })
export const refused = (status: 403 | 404 | 405, message: string, code: string): ApiFailure => new ApiFailure({ status, message, type: 'invalid_request_error', param: null, code })
export const tooLarge = (limit: number): ApiFailure =>
  new ApiFailure({ status: 413, message: `the body may have at most ${limit} bytes`, type: 'invalid_request_error', param: null, code: 'request_too_large' })
export const badKey = (): ApiFailure =>
  new ApiFailure({
    status: 401,
    message: 'no valid key was given; send yours as "Authorization: Bearer sk-own-…" (a new one is made under Settings, or by: stoker own-use key)',
    type: 'authentication_error',
    param: null,
    code: 'invalid_api_key',
  })
export const unknownModel = (model: string): ApiFailure =>
  new ApiFailure({
    status: 404,
    message: `the model ${JSON.stringify(model.slice(0, 96))} does not exist here; GET /v1/models lists the ones that do`,
    type: 'invalid_request_error',
    param: 'model',
    code: 'model_not_found',
  })
export const contextTooLong = (message: string): ApiFailure => invalid(message, 'messages', 'context_length_exceeded')

/** What a failure of the engine or of the core means to the owner's client. The endpoint and its client are on one machine: the words are passed on. */
export function apiErrorOfValue({ code, message }: ErrorValue): ApiError {
  const of = (status: ApiError['status'], type: ApiError['type'], name: string | null = code.toLowerCase()): ApiError => ({ status, message, type, param: null, code: name })
  switch (code) {
    case 'CONTEXT_TOO_LONG':
      return contextTooLong(message).error
    case 'BAD_REQUEST':
    case 'OUTPUT_TOO_LONG':
    case 'GRAMMAR_INVALID':
    case 'SAMPLING_INVALID':
    case 'TEMPLATE_FAILED':
    case 'MODEL_UNSUPPORTED':
      return of(400, 'invalid_request_error')
    case 'FORBIDDEN':
      return of(403, 'invalid_request_error', 'machine_given_back')
    case 'TOO_LARGE':
      return of(413, 'invalid_request_error')
    case 'NOT_FOUND':
      return { ...of(404, 'invalid_request_error', 'model_not_found'), param: 'model' }
    case 'ENGINE_BUSY':
      return of(429, 'rate_limit_error')
    case 'ENGINE_REFUSED':
      return of(502, 'server_error')
    case 'INTERNAL':
      return { status: 500, message: 'Stoker failed on this request; its log has the details', type: 'server_error', param: null, code: null }
    default:
      // Out of memory, crashed, not loaded, unreachable, in use, a file that is gone: the request was fine, the engine is not there for it now.
      return of(503, 'server_error')
  }
}

/** Anything thrown, as an answer; only expected errors keep their words. */
export function apiErrorOf(error: unknown): ApiError {
  if (error instanceof ApiFailure) return error.error
  return apiErrorOfValue(error instanceof StokerError ? toErrorValue(error) : { code: 'INTERNAL', message: '', data: {} })
}
