/** What an error of one member means for its job and for the pool. Pure. */
import {
  type ErrorCode,
  type ErrorValue,
  failValue,
  fromErrorValue,
  StokerError,
  toErrorValue,
} from '#contract/errors.ts'

/** Failures of a member, not of the request; the job may run elsewhere. */
const MOVES = new Set<ErrorCode>([
  'ENGINE_CRASHED',
  'ENGINE_UNREACHABLE',
  'ENGINE_BUSY',
  'ENGINE_BROKEN',
  'ENGINE_NOT_LOADED',
])

export const GONE = failValue('remote.noneReachable')

/** A local process ended while it had jobs; after the third time in a row it is called broken. */
export const isCrash = ({ code }: ErrorValue): boolean => code === 'ENGINE_CRASHED' || code === 'ENGINE_BROKEN'

/** The job may run elsewhere. A refusal because of the endpoint (key, address, model), not the request, is marked. */
export const moves = ({ code, data }: ErrorValue): boolean =>
  MOVES.has(code) || (code === 'ENGINE_REFUSED' && data['endpoint'] === true)

/** Load failures that do not go away by themselves: a local process that crashed is restarted. */
export const fatalOnes = (failures: readonly unknown[], local: boolean): unknown[] =>
  local ? failures.filter((error) => toErrorValue(error).code !== 'ENGINE_CRASHED') : []

/** The most informative of several load failures. */
export const mostTelling = (failures: readonly unknown[]): unknown =>
  failures.find((failure) => toErrorValue(failure).code !== 'ENGINE_UNREACHABLE') ?? failures[0]

/** An out-of-memory error of one of `count` processes, its suggested setting scaled to all of them. */
export function wholeSetting(error: unknown, count: number): unknown {
  if (!(error instanceof StokerError) || count === 1 || typeof error.data['slots'] !== 'number') return error
  return fromErrorValue({ ...toErrorValue(error), data: { ...error.data, slots: error.data['slots'] * count } }, error)
}
