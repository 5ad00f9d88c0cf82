/** The broad codes of expected failures: what a program branches on. Zod-free. */

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
  'DISK_FULL',
  'DISK_READONLY',
  'DISK_FAILED',
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
 * Failures that speak of the request: the schema, the sampling, the messages, or their length in the engine's own
 * tokens. No supplier may be able to serve it, so before any text they fail nobody, unless another one serves it.
 */
export const OF_THE_REQUEST: readonly ErrorCode[] = [
  'GRAMMAR_INVALID',
  'SAMPLING_INVALID',
  'TEMPLATE_FAILED',
  'CONTEXT_TOO_LONG',
]

/** What any method of the contract may answer. */
export const COMMON_CODES = [
  'INTERNAL',
  'BAD_REQUEST',
  'UNAUTHORIZED',
  'FORBIDDEN',
  'UNAVAILABLE',
  'TIMEOUT',
  'CANCELLED',
  'DB_CORRUPT',
  'DISK_FULL',
  'DISK_READONLY',
  'DISK_FAILED',
  'MONEY_RANGE',
] as const satisfies readonly ErrorCode[]
/** What is wrong with a model's file. */
export const MODEL_FILE_CODES = [
  'MODEL_NOT_GGUF',
  'MODEL_EMPTY',
  'MODEL_TRUNCATED',
  'MODEL_UNREADABLE',
  'MODEL_TOO_BIG',
  'MODEL_UNSUPPORTED',
  'MODEL_MISSING',
  'MODEL_CHANGED',
] as const satisfies readonly ErrorCode[]
/** Why an engine does not start, load or answer. */
export const ENGINE_CODES = [
  'ENGINE_CRASHED',
  'ENGINE_BROKEN',
  'ENGINE_BUSY',
  'ENGINE_NOT_LOADED',
  'ENGINE_LOAD_FAILED',
  'ENGINE_OUT_OF_MEMORY',
  'ENGINE_UNREACHABLE',
  'ENGINE_REFUSED',
  'CONTEXT_TOO_LONG',
] as const satisfies readonly ErrorCode[]
/** What an exchange may refuse with; any other code of its becomes EXCHANGE_REFUSED. */
export const EXCHANGE_CODES = [
  'EXCHANGE_OFFLINE',
  'EXCHANGE_REFUSED',
  'NOT_FOUND',
  'CONFLICT',
  'NOT_QUALIFIED',
  'EXAM_RUNNING',
  'EXAM_ATTEMPTS',
] as const satisfies readonly ErrorCode[]
