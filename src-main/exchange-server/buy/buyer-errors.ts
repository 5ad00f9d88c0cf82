/** The exchange's refusals, and what a failure means to a buyer. */
import { EMBEDDED_VENUE } from '#contract/embedded-venue.ts'
import { StokerError, type ErrorValue } from '#contract/errors.ts'
import {
  ApiFailure,
  conflicting,
  contextTooLong,
  gone,
  invalid,
  keyRefused,
  modelNotFound,
  refused,
  type ApiError,
} from '#lib/openai-error.ts'

export const badKey = (): ApiFailure =>
  keyRefused(`no valid key was given; send it as Authorization: Bearer ${EMBEDDED_VENUE.keyPrefix}…`)
export const unknownModel = (model: string): ApiFailure =>
  modelNotFound(model, 'does not exist; GET /v1/models lists what is traded')
export const beyondContext = (input: number, output: number, context: number): ApiFailure =>
  contextTooLong(
    `this model's context is ${context} tokens; the messages take ${input} and the answer up to ${output}. Shorten the messages or lower max_tokens.`,
  )

/** Nobody hears it. */
export const BUYER_LEFT: ApiError = {
  status: 408,
  message: 'the buyer left',
  type: 'invalid_request_error',
  param: null,
  code: 'cancelled',
}

/**
 * Seconds until asking again may help: a slot is freed or an order ends, a supplier or the exchange comes back, somebody
 * lists, a disk is made free.
 */
const SLOT_S = 2
const BACK_S = 1
const DISK_S = 30
const LISTING_S = 5

type Meaning = Pick<ApiError, 'status' | 'message' | 'code' | 'retry'> & { type?: ApiError['type'] }

/** What a failed order means to its buyer. A supplier's own words are not passed on. */
export function failureOf(error: ErrorValue, afterText: boolean): ApiError {
  return { type: 'server_error', param: null, ...meaningOf(error, afterText) }
}

const unavailable = (message: string, retry: number | 'never'): Meaning => ({
  status: 503,
  message,
  code: 'unavailable',
  retry,
})

function meaningOf(error: ErrorValue, afterText: boolean): Meaning {
  switch (error.code) {
    case 'LEDGER_CONFLICT':
    case 'LEDGER_UNKNOWN':
      return {
        status: 429,
        message: 'your credit does not cover the most this call can cost; lower max_tokens or add credit',
        type: 'insufficient_quota',
        code: 'insufficient_quota',
        retry: 'never',
      }
    case 'MONEY_RANGE':
      return unavailable(
        'the exchange cannot book a call of this price; lower max_tokens, or tell whoever runs it',
        'never',
      )
    case 'DISK_FULL':
    case 'DISK_READONLY':
    case 'DISK_FAILED':
    case 'DB_CORRUPT':
      return unavailable('the exchange cannot write its books now; nothing is charged', DISK_S)
    case 'INTERNAL':
      return { status: 500, message: 'the exchange failed; nothing is charged', code: null }
    case 'NO_SUPPLIER':
      return {
        status: 503,
        message: error.message,
        code: 'no_supplier',
        retry: error.reason?.code === 'exchange.noSupplier' ? LISTING_S : SLOT_S,
      }
    case 'DEADLINE':
      return { status: 504, message: 'no answer came before the deadline; nothing is charged', code: 'deadline' }
    case 'CONTEXT_TOO_LONG':
      return {
        status: 400,
        message: 'the prompt does not fit the context of any supplier; shorten the messages or lower max_tokens',
        type: 'invalid_request_error',
        code: 'context_length_exceeded',
      }
    case 'GRAMMAR_INVALID':
    case 'SAMPLING_INVALID':
    case 'TEMPLATE_FAILED':
      return {
        status: 400,
        message: `no supplier could serve this request (${error.code}); check response_format, sampling and messages`,
        type: 'invalid_request_error',
        code: error.code.toLowerCase(),
      }
    case 'UNAVAILABLE':
      return unavailable(
        afterText
          ? 'the supplier went away in the middle of the answer; nothing is charged'
          : 'the exchange or the supplier is not available now; try again',
        BACK_S,
      )
    default:
      return {
        status: 502,
        message: `the supplier failed (${error.code}); nothing is charged`,
        code: 'supplier_failed',
      }
  }
}

export const keyInvalid = (most: number): ApiFailure =>
  invalid(`Idempotency-Key takes 1 to ${most} printable ASCII characters`, 'Idempotency-Key', 'invalid_value')
export const keyOfAnotherBody = (): ApiFailure =>
  conflicting(
    'this Idempotency-Key came before with another body; send the same bytes again, or another key',
    'idempotency_key_reused',
  )
export const answeredBefore = (jobId: string): ApiFailure =>
  conflicting(
    `the call of this Idempotency-Key was answered and paid for as ${jobId}, and its answer is no longer kept; send another key for a new one`,
    'answer_not_kept',
  )
export const answerNotKept = (jobId: string): ApiFailure =>
  gone(`the answer of ${jobId} is no longer kept; answers are kept for ten minutes`, 'answer_not_kept')
export const answerPaidBack = (jobId: string): ApiFailure =>
  gone(`the answer of ${jobId} was lost when the exchange ended, and what it cost was paid back`, 'answer_paid_back')
export const endedUnpaid = (jobId: string): ApiFailure =>
  gone(`${jobId} ended without an answer, and unpaid`, 'ended_unpaid')
export const completionUnknown = (): ApiFailure =>
  refused(404, 'no completion of yours has this id; answers are named by X-Stoker-Job', 'not_found')
export const completionRunning = (): ApiFailure =>
  new ApiFailure({
    status: 409,
    message: 'this completion is still being made',
    type: 'invalid_request_error',
    param: null,
    code: 'completion_running',
    retry: BACK_S,
  })

/** Anything thrown, as an answer; only expected errors keep their words. */
export function apiErrorOf(error: unknown): ApiError {
  if (error instanceof ApiFailure) return error.error
  if (error instanceof StokerError) {
    if (error.code === 'UNAVAILABLE')
      return {
        status: 503,
        message: error.message,
        type: 'server_error',
        param: null,
        code: 'overloaded',
        retry: BACK_S,
      }
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
