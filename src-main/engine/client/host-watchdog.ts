/**
 * Ends a host that has work and says nothing: one that stands still in native code can neither be asked nor cancelled.
 */
import type { Clock } from '#contract/time.ts'

/** Looks before silence is too long. Counted, not measured: a computer that slept is one look older, not an hour. */
const LOOKS = 6

export interface WatchdogOptions {
  clock: Clock
  /** Longest silence of a host that has jobs, ms. */
  silenceMs: number
  /** Jobs are in the host. */
  isBusy: () => boolean
  kill: () => void
}

export interface Watchdog {
  /** The host has work from now on; looks until it has none. */
  watch(): void
  /** A message came. */
  heard(): void
  /** The host is gone. */
  end(): void
}

export function createWatchdog({ clock, silenceMs, isBusy, kill }: WatchdogOptions): Watchdog {
  const over = new AbortController()
  let isWatching = false
  let silent = 0

  async function look(): Promise<void> {
    silent = 0
    while (silent < LOOKS && isBusy()) {
      await clock.sleep(silenceMs / LOOKS, { signal: over.signal, unref: true })
      silent += 1
    }
    if (isBusy()) kill()
  }

  return {
    watch() {
      if (isWatching || over.signal.aborted) return
      isWatching = true
      look()
        .catch(() => undefined)
        .finally(() => {
          isWatching = false
        })
    },
    heard() {
      silent = 0
    },
    end: () => over.abort(),
  }
}
