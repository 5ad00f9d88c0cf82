/** A loop in the background: works, waits, works again, and never overlaps itself. */
import type { Clock } from '#contract/time.ts'

import { timerMs } from './timer-ms.ts'

export interface EveryOptions {
  /** Told what a run threw or rejected with; the loop goes on. Must not throw. */
  onError: (error: unknown) => void
  /** Ends the loop as `stop` does. */
  signal?: AbortSignal
  /** The first run comes at once, before this call returns, and not after the first pause. */
  immediate?: boolean
}

export interface Loop {
  /** No run begins from now on. A pause ends at once; a run under way is left to end. */
  stop: () => void
  /** Resolves when the loop is stopped and its last run has ended. Never rejects. */
  readonly done: Promise<void>
}

/**
 * Runs `work` again and again with a pause of `ms` milliseconds (1 ms to 24.8 days) between the end of one run and the
 * start of the next. A function is asked before each pause: for a back-off, or jitter. The pauses never keep the
 * process alive.
 */
export function every(
  clock: Clock,
  ms: number | (() => number),
  work: () => void | Promise<void>,
  { onError, signal, immediate = false }: EveryOptions,
): Loop {
  const stopping = new AbortController()
  const stop = (): void => stopping.abort()
  const run = async (): Promise<void> => {
    try {
      await work()
    } catch (error) {
      onError(error)
    }
  }
  const loop = async (): Promise<void> => {
    if (immediate && !stopping.signal.aborted) await run()
    while (!stopping.signal.aborted) {
      try {
        await clock.sleep(timerMs(typeof ms === 'number' ? ms : ms()), { signal: stopping.signal, unref: true })
      } catch (error) {
        // Without a pause the loop would spin: one that was not stopped ends here, and says so.
        if (!stopping.signal.aborted) onError(error)
        return
      }
      if (!stopping.signal.aborted) await run()
    }
  }
  if (signal?.aborted === true) stop()
  else signal?.addEventListener('abort', stop, { once: true })
  return { stop, done: loop().finally(() => signal?.removeEventListener('abort', stop)) }
}
