/** What a venue refuses with is a stranger's word: its code counts where the contract knows it as an exchange's. */
import { EXCHANGE_CODES } from '#contract/error-codes.ts'
import { fail, fromErrorValue, type ErrorCode, type ErrorData, type StokerError } from '#contract/errors.ts'
import { checkedReason, said, type Reason } from '#contract/reasons.ts'

/** An error value of an event or a frame. */
export interface FrameError {
  code: string
  message: string
  data: ErrorData
  reason?: unknown
}

/** Codes that an exchange answers with beside its own; a listing stays and is offered again after them. */
const PASSING: readonly string[] = ['UNAVAILABLE', 'TIMEOUT']

/** In our words where it names a reason that is known here, else in its own. */
export const refusalReason = ({ message, reason }: FrameError): Reason => checkedReason(reason) ?? said(message)

/** Any code but those of an exchange becomes EXCHANGE_REFUSED. */
export function exchangeRefusal(error: FrameError): StokerError {
  const { code, message, data } = error
  const reason = refusalReason(error)
  return [...EXCHANGE_CODES, ...PASSING].includes(code)
    ? fromErrorValue({ code: code as ErrorCode, message, data, reason })
    : fail('exchange.refused', { reason }, { data })
}
