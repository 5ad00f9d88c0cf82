/** What the command line prints: results on standard output, everything else on standard error. */
import { inspect } from 'node:util'

import { ORPCError } from '@orpc/client'

import { EMBEDDED_VENUE } from '#contract/embedded-venue.ts'
import { ERROR_CODES, fail, fromErrorValue, StokerError, type ErrorCode } from '#contract/errors.ts'
import type { Reason } from '#contract/reasons.ts'
import { inDiskWords } from '#lib/disk-failure.ts'

import { realmWords, say } from './terminal-words.ts'

export const printLine = (line: string): void => void process.stdout.write(`${line}\n`)
export const printJson = (value: unknown): void => printLine(JSON.stringify(value))
/** What is said of the embedded exchange wherever its money is named. */
export const venueNote = (): string => `${EMBEDDED_VENUE.realm}: ${realmWords(EMBEDDED_VENUE.realm)}`
export const note = (line: string): void => void process.stderr.write(`${line}\n`)

/** What an argument lacked that the console checks and the command line did not. */
function notTaken(error: ORPCError<string, unknown>): StokerError {
  const { issues } = (error.data ?? {}) as { issues?: { message?: unknown; path?: unknown[] }[] }
  const { path = [], message } = issues?.[0] ?? {}
  const field = path.length === 0 ? 'input' : path.map(String).join('.')
  return fail('request.invalid', { field, problem: typeof message === 'string' ? message : error.message })
}

/** The StokerError that a call over the contract failed with, one for what a disk refused, or the error itself. */
export function unwrapError(error: unknown): unknown {
  if (!(error instanceof ORPCError)) return inDiskWords(error)
  if (error.code === 'BAD_REQUEST') return notTaken(error)
  const { code, reason } = (error.data ?? {}) as { code?: unknown; reason?: Reason }
  return ERROR_CODES.includes(code as ErrorCode)
    ? fromErrorValue(
        { code: code as ErrorCode, message: error.message, data: {}, ...(reason === undefined ? {} : { reason }) },
        error,
      )
    : error
}

/** A StokerError says what to do by itself; anything else is a fault of ours and shows its stack. */
export function printError(error: unknown): void {
  if (error instanceof StokerError) note(`stoker: ${say(error.reason)} [${error.code}]`)
  else note(`stoker: this is a fault in Stoker, not something you did.\n${inspect(error)}`)
}
