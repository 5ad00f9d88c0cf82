/** One logger, JSON lines to standard error; secrets and texts of jobs never get in. */
import { pino, type Logger } from 'pino'

import { StokerError } from '#contract/errors.ts'

export type Log = Logger

const REDACT = [
  'token',
  'key',
  'secret',
  'authorization',
  'cookie',
  'prompt',
  'messages',
  'content',
  'text',
  '*.token',
  '*.key',
  '*.secret',
  '*.authorization',
  '*.cookie',
  '*.prompt',
  '*.messages',
  '*.content',
  '*.text',
]

/** A reason that is stated needs no stack; a fault of Stoker itself keeps its own. */
const errorFields = (error: unknown): unknown =>
  error instanceof StokerError
    ? { type: error.name, code: error.code, reason: error.reason.code, message: error.message }
    : error instanceof Error
      ? pino.stdSerializers.err(error)
      : error

/** Level from STOKER_LOG (silent, error, warn, info, debug); `warn` when unset. */
export const createLog = (name: string): Log =>
  pino(
    {
      name,
      level: process.env['STOKER_LOG'] ?? 'warn',
      redact: { paths: REDACT, censor: '[removed]' },
      serializers: { err: errorFields },
    },
    process.stderr,
  )
