/**
 * Notices a process that should say something and does not: one that hangs in native code, or was stopped, can neither
 * be asked nor cancelled. Counted, not timed: a computer that slept is one check further, no hour.
 */
import type { Clock } from '#contract/time.ts'

/** Checks in the time after which it is called silent. */
const CHECKS = 5

export interface SilenceWatchOptions {
  readonly clock: Clock
  readonly saidMs: number
  readonly killMs: number
  /** It ended. */
  readonly signal: AbortSignal
  /** It has something to speak of; the watch ends when not. */
  readonly isExpected: () => boolean
  readonly onSilent: () => void
  /** One that was called silent said something, or has nothing to speak of any more. */
  readonly onHeard: () => void
  readonly onTooLong: () => void
}

export interface SilenceWatch {
  /** Silence counts from now on, as long as words are expected. */
  watch(): void
  heard(): void
  /** It said that it is busy: silence means nothing until `resume`. */
  pause(): void
  resume(): void
}

export function createSilenceWatch(options: SilenceWatchOptions): SilenceWatch {
  const { clock, saidMs, killMs, signal } = options
  const checkMs = saidMs / CHECKS
  const checksMax = Math.ceil(killMs / checkMs)
  let isWatching = false
  let isPaused = false
  let silent = 0

  const heard = (): void => {
    const wasSilent = silent >= CHECKS
    silent = 0
    if (wasSilent && !signal.aborted) options.onHeard()
  }

  async function check(): Promise<void> {
    silent = 0
    while (options.isExpected()) {
      await clock.sleep(checkMs, { signal, unref: true })
      silent = isPaused ? 0 : silent + 1
      if (!options.isExpected()) break
      if (silent === CHECKS) options.onSilent()
      if (silent >= checksMax) return options.onTooLong()
    }
    heard()
  }

  return {
    watch() {
      if (isWatching || signal.aborted) return
      isWatching = true
      check()
        .catch(() => undefined)
        .finally(() => {
          isWatching = false
        })
    },
    heard,
    pause() {
      isPaused = true
      heard()
    },
    resume() {
      isPaused = false
      silent = 0
    },
  }
}
