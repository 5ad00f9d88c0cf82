/** What a job is told when the engine itself failed under it. */
import { StokerError, toErrorValue, type ErrorValue } from '#contract/errors.ts'

/** `what` the engine could not do; a StokerError keeps its own words, anything else becomes INTERNAL. */
export function stepFailure(what: string, error: unknown): ErrorValue {
  if (error instanceof StokerError) return toErrorValue(error)
  const reason = error instanceof Error ? error.message.slice(0, 200) : 'unknown'
  return toErrorValue(new StokerError('INTERNAL', `The engine could not ${what} (${reason}). Send the request again.`))
}
