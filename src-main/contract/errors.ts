/**
 * Expected failures. A StokerError carries a broad code that programs branch on and a reason (reasons.ts) that the
 * catalogue has words for; unknown errors become INTERNAL once, at the edge. Zod-free.
 */
import type { ErrorCode } from './error-codes.ts'
import { checkedReason, REASONS, said, type FailureCode, type ParamsOf, type Reason } from './reasons.ts'

export { ERROR_CODES, type ErrorCode } from './error-codes.ts'

/** Small, JSON-safe and free of prompts. */
export type ErrorData = Readonly<Record<string, string | number | boolean | null>>

/** Without a catalogue, as in a process that only passes its errors on, the code and its params are the message. */
let wording = ({ code, params }: Reason): string => `${code} ${JSON.stringify(params)}`

/**
 * Sets the words of `message` for this process: its entry point installs the English catalogue, since what reads
 * messages (logs, OpenAI error bodies, a foreign peer) reads English. Screens render the reason in their own language.
 */
export function installWording(words: (reason: Reason) => string): void {
  wording = words
}

/** In English, for what is read outside of screens: a peer's frame, a log. */
export const inWords = (reason: Reason): string => wording(reason)

/**
 * An expected failure: `code` for programs, `reason` for people, `data` small facts for programs. `message` is the
 * reason in English.
 */
export class StokerError extends Error {
  override readonly name = 'StokerError'
  readonly code: ErrorCode
  readonly reason: Reason
  readonly data: ErrorData
  constructor(code: ErrorCode, said: Reason | string, { data = {}, cause }: FailOptions = {}) {
    const reason: Reason = typeof said === 'string' ? { code: 'text', params: { text: said } } : said
    super(typeof said === 'string' ? said : wording(reason), cause === undefined ? undefined : { cause })
    this.code = code
    this.reason = reason
    this.data = data
  }
}

export interface FailOptions {
  data?: ErrorData
  cause?: unknown
}

type Rest<C extends FailureCode> =
  ParamsOf<C> extends Record<string, never>
    ? [params?: Record<string, never>, options?: FailOptions]
    : [params: ParamsOf<C>, options?: FailOptions]

/** The one way to make an expected failure: `throw fail('model.fileGone', { path })`. */
export function fail<C extends FailureCode>(code: C, ...[params, options]: Rest<C>): StokerError {
  return new StokerError(REASONS[code][0], { code, params: params ?? {} }, options)
}

/** The same as a value, for what is answered and not thrown. */
export const failValue = <C extends FailureCode>(code: C, ...rest: Rest<C>): ErrorValue =>
  toErrorValue(fail(code, ...rest))

/** A failure as it crosses a process or the wire. `reason` is absent where a peer knows none, and in older data. */
export interface ErrorValue {
  code: ErrorCode
  message: string
  data: ErrorData
  reason?: Reason
}

/**
 * Turns anything thrown into a value that may cross a process or the wire; unknown errors become INTERNAL without their
 * text.
 */
export function toErrorValue(error: unknown): ErrorValue {
  const { code, message, data, reason } = error instanceof StokerError ? error : fail('stoker.internal')
  return { code, message, data, reason }
}

/** The error again, in this process's words; a reason that nobody here knows is left at its sentence. */
export function fromErrorValue({ code, message, data, reason }: ErrorValue, cause?: unknown): StokerError {
  return new StokerError(code, checkedReason(reason) ?? message, { data: { ...data }, cause })
}

/** Why, of an error value: its reason where it has one that is known here, else its sentence. */
export const errorReason = ({ reason, message }: ErrorValue): Reason => checkedReason(reason) ?? said(message)

/** As an error of another process, in this one's words: the other may have had no catalogue. */
export const reworded = (value: ErrorValue): ErrorValue => toErrorValue(fromErrorValue(value))

/** For the default branch of a switch over a union: a missing case does not compile. */
export function assertNever(value: never): never {
  throw new Error(`unexpected value ${JSON.stringify(value)}`)
}
