/** What a job is told when the engine itself failed under it. */
import { fail, StokerError, toErrorValue, type ErrorValue } from '#contract/errors.ts'
import { because, type FailureCode } from '#contract/reasons.ts'

type StepCode = Extract<FailureCode, `engine.step${Capitalize<string>}`>

/** `code` says what the engine could not do; a StokerError keeps its own, anything else becomes INTERNAL. */
export function stepFailure(code: Exclude<StepCode, 'engine.stepFailed'>, error: unknown): ErrorValue {
  if (error instanceof StokerError) return toErrorValue(error)
  const reason = error instanceof Error ? error.message.slice(0, 200) : because('failure.unknown')
  return toErrorValue(fail(code, { reason }))
}
