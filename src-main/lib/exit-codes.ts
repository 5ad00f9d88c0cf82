/**
 * How a process of Stoker ends, for whoever started it: one table of exit codes, and how a child states its reason. A
 * child that cannot go on tells its parent why (`statedEnd`, over its channel), prints the same sentence as its last line
 * on standard error, and exits with the code of that reason. Printed in docs/exit-codes.md.
 */
import { ERROR_CODES, type ErrorCode, type ErrorValue, fail, StokerError, toErrorValue } from '#contract/errors.ts'

export interface ExitMeaning {
  readonly exit: number
  readonly means: string
  /** Whether another start by itself can help: `yes` with pauses, `later` once somebody did something, `no` never. */
  readonly again: 'yes' | 'later' | 'no'
}

export const EXITS = {
  ok: { exit: 0, means: 'done', again: 'no' },
  failed: { exit: 1, means: 'a check found something wrong, or a fault in Stoker itself', again: 'yes' },
  usage: { exit: 2, means: 'the command was used wrongly', again: 'no' },
  unavailable: { exit: 3, means: 'something needed is locked, missing or not running', again: 'yes' },
  disk: { exit: 4, means: 'the disk is full, cannot be written or cannot be read', again: 'later' },
  damaged: { exit: 5, means: 'a file of the data folder is damaged', again: 'no' },
  newer: { exit: 6, means: 'the data folder was written by a newer Stoker', again: 'no' },
  incomplete: { exit: 7, means: 'what was checked holds, and something could not be checked', again: 'no' },
} as const satisfies Record<string, ExitMeaning>
export type ExitName = keyof typeof EXITS

/** What the system ends a process with when a file that it had mapped into memory is cut short or its disk is gone. */
const BUS = { signal: 'SIGBUS', exit: 128 + 7 } as const

/** Every other code is a fault of Stoker itself: `failed`. */
const EXIT_OF_CODE: Partial<Record<ErrorCode, ExitName>> = {
  BAD_REQUEST: 'usage',
  NODE_VERSION: 'usage',
  DATA_LOCKED: 'unavailable',
  UNAVAILABLE: 'unavailable',
  NOT_FOUND: 'unavailable',
  UNAUTHORIZED: 'unavailable',
  EXCHANGE_OFFLINE: 'unavailable',
  MODEL_MISSING: 'unavailable',
  TIMEOUT: 'unavailable',
  DISK_FULL: 'disk',
  DISK_READONLY: 'disk',
  DISK_FAILED: 'disk',
  DB_CORRUPT: 'damaged',
  DB_FROM_FUTURE: 'newer',
}

/** What a process that fails with this error ends with. */
export const exitOf = (error: unknown): number =>
  EXITS[error instanceof StokerError ? (EXIT_OF_CODE[error.code] ?? 'failed') : 'failed'].exit

/** Whether a child that ended so should be started again by itself; a signal, or a code that is not ours, is `yes`. */
export const startAgain = (exit: number | null): ExitMeaning['again'] =>
  Object.values<ExitMeaning>(EXITS).find((meaning) => meaning.exit === exit && exit !== 0)?.again ?? 'yes'

/**
 * What a parent says of a child that could not speak: the reason, where its end shows one. `folder` is the child's data
 * folder.
 */
export const reasonOfEnd = (
  { code, signal }: { code: number | null; signal: string | null },
  folder: string,
): StokerError | null =>
  signal === BUS.signal || code === BUS.exit
    ? fail('disk.vanished', { path: folder }, { data: { path: folder } })
    : null

/** The last message of a child before it exits. */
export interface StatedEnd {
  readonly t: 'failed'
  readonly error: ErrorValue
}

/** Null for a fault of Stoker itself, which has no reason that would help its owner. */
export const statedEnd = (error: unknown): StatedEnd | null =>
  error instanceof StokerError ? { t: 'failed', error: toErrorValue(error) } : null

/** A message from a child as its stated end; null when it is another one. Its reason is checked where it is shown. */
export function readStatedEnd(message: unknown): StatedEnd | null {
  const { t, error } = (message ?? {}) as { t?: unknown; error?: { code?: unknown; message?: unknown; data?: unknown } }
  if (t !== 'failed' || typeof error !== 'object' || error === null) return null
  if (!ERROR_CODES.includes(error.code as ErrorCode) || typeof error.message !== 'string') return null
  return { t, error: { ...(error as ErrorValue), data: (error.data ?? {}) as ErrorValue['data'] } }
}
