/** A deadline around a promise. */
import type { Clock } from '#contract/time.ts'

import { timerMs } from './timer-ms.ts'

export interface WithinOptions {
  /**
   * Rejects no sooner than the work has ended, for work that must be gone before the caller goes on; work that ignores
   * its signal then has no deadline, and what it still returns counts.
   */
  awaitWork?: boolean
}

/**
 * The result of `work`, a promise or a function that makes one, if it is there within `ms` milliseconds (1 ms to 24.8
 * days). Otherwise aborts the function's signal with `late()` as the reason and rejects with that same error. Other
 * errors are the work's own. The timer ends with the work and never keeps the process alive.
 */
export async function within<T>(
  clock: Clock,
  ms: number,
  work: Promise<T> | ((deadline: AbortSignal) => Promise<T>),
  late: () => Error,
  { awaitWork = false }: WithinOptions = {},
): Promise<T> {
  const deadline = new AbortController()
  const ended = new AbortController()
  const expired = Promise.withResolvers<never>()
  // Aborting the work rejects it, which the work's caller hears of below, or has heard of already.
  expired.promise.catch(() => undefined)
  clock.sleep(timerMs(ms), { signal: ended.signal, unref: true }).then(
    () => {
      const error = late()
      // First, so that the work's own answer to the abort comes too late to be taken for the result.
      expired.reject(error)
      deadline.abort(error)
    },
    () => undefined,
  )
  try {
    const result = typeof work === 'function' ? work(deadline.signal) : work
    return await (awaitWork ? result : Promise.race([result, expired.promise]))
  } catch (error) {
    if (deadline.signal.aborted) throw deadline.signal.reason
    throw error
  } finally {
    ended.abort()
  }
}
