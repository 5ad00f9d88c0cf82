/** One logger, JSON lines to standard error; secrets and texts of jobs never get in. */
import { pino, type Logger } from 'pino'

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

/** Level from STOKER_LOG (silent, error, warn, info, debug); `warn` when unset. */
export const createLog = (name: string): Log =>
  pino(
    { name, level: process.env['STOKER_LOG'] ?? 'warn', redact: { paths: REDACT, censor: '[removed]' } },
    process.stderr,
  )
