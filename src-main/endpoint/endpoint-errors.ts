/**
 * The endpoint's refusals, and the HTTP errors for failures of the engine or the core. The endpoint and its client are on
 * one machine, so error messages are passed on.
 */
import { StokerError, toErrorValue, type ErrorValue } from '#contract/errors.ts'
import { ApiFailure, contextTooLong, keyRefused, modelNotFound, type ApiError } from '#lib/openai-error.ts'

export const badKey = (): ApiFailure =>
  keyRefused(
    'no valid key was given; send yours as "Authorization: Bearer sk-own-…" (a new one is made under Settings, or by: npm run -s stoker -- own-use key)',
  )
export const unknownModel = (model: string): ApiFailure =>
  modelNotFound(model, 'does not exist here; GET /v1/models lists the ones that do')

/** An error value as an API error. */
export function apiErrorOfValue({ code, message }: ErrorValue): ApiError {
  const of = (
    status: ApiError['status'],
    type: ApiError['type'],
    name: string | null = code.toLowerCase(),
  ): ApiError => ({ status, message, type, param: null, code: name })
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
      return {
        status: 500,
        message: 'Stoker failed on this request; its log has the details',
        type: 'server_error',
        param: null,
        code: null,
      }
    default:
      // Out of memory, crashed, not loaded, unreachable, in use, a missing file: the request is fine, but the engine
      // cannot serve it now.
      return of(503, 'server_error')
  }
}

/** Anything thrown as an API error; only expected errors keep their messages. */
export function apiErrorOf(error: unknown): ApiError {
  if (error instanceof ApiFailure) return error.error
  return apiErrorOfValue(
    error instanceof StokerError ? toErrorValue(error) : { code: 'INTERNAL', message: '', data: {} },
  )
}
