/**
 * Error codes and what to do about each. Zod-free. A StokerError carries a code across every boundary; unknown errors
 * become INTERNAL once, at the edge.
 */

export const ERROR_CODES = [
  'INTERNAL',
  'BAD_REQUEST',
  'UNAUTHORIZED',
  'FORBIDDEN',
  'NOT_FOUND',
  'CONFLICT',
  'TOO_LARGE',
  'TIMEOUT',
  'CANCELLED',
  'UNAVAILABLE',
  'NODE_VERSION',
  'DATA_LOCKED',
  'DB_FROM_FUTURE',
  'DB_CORRUPT',
  'MONEY_RANGE',
  'PRICE_UNEQUAL',
  'LEDGER_CONFLICT',
  'LEDGER_UNKNOWN',
  'LEDGER_CLOSED',
  'MODEL_NOT_GGUF',
  'MODEL_EMPTY',
  'MODEL_TRUNCATED',
  'MODEL_UNREADABLE',
  'MODEL_TOO_BIG',
  'MODEL_UNSUPPORTED',
  'MODEL_MISSING',
  'MODEL_CHANGED',
  'MODEL_IN_USE',
  'ENGINE_CRASHED',
  'ENGINE_BROKEN',
  'ENGINE_BUSY',
  'ENGINE_NOT_LOADED',
  'ENGINE_LOAD_FAILED',
  'ENGINE_OUT_OF_MEMORY',
  'ENGINE_UNREACHABLE',
  'ENGINE_REFUSED',
  'CONTEXT_TOO_LONG',
  'OUTPUT_TOO_LONG',
  'TEMPLATE_FAILED',
  'GRAMMAR_INVALID',
  'SAMPLING_INVALID',
  'DEADLINE',
  'EXCHANGE_OFFLINE',
  'EXCHANGE_REFUSED',
  'NOT_QUALIFIED',
  'EXAM_RUNNING',
  'EXAM_ATTEMPTS',
  'NO_SUPPLIER',
  'CLAIM_REFUSED',
  'RECEIPT_INVALID',
  'SIGNATURE_INVALID',
] as const
export type ErrorCode = (typeof ERROR_CODES)[number]

/**
 * An expected failure: `code` for programs, `message` says in plain words what happened and what to do. `data` is
 * small, JSON-safe, and free of prompts.
 */
export class StokerError extends Error {
  override readonly name = 'StokerError'
  readonly code: ErrorCode
  readonly data: Readonly<Record<string, string | number | boolean | null>>
  constructor(
    code: ErrorCode,
    message: string,
    options: { data?: Record<string, string | number | boolean | null>; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.data = options.data ?? {}
  }
}

export interface ErrorValue {
  code: ErrorCode
  message: string
  data: Readonly<Record<string, string | number | boolean | null>>
}

/**
 * Turns anything thrown into a value that may cross a process or the wire; unknown errors become INTERNAL without their
 * text.
 */
export function toErrorValue(error: unknown): ErrorValue {
  if (error instanceof StokerError) return { code: error.code, message: error.message, data: error.data }
  return { code: 'INTERNAL', message: 'Something failed inside Stoker; the log has the details.', data: {} }
}

export const fromErrorValue = (value: ErrorValue): StokerError =>
  new StokerError(value.code, value.message, { data: { ...value.data } })

/** For the default branch of a switch over a union: a missing case does not compile. */
export function assertNever(value: never): never {
  throw new Error(`unexpected value ${JSON.stringify(value)}`)
}
