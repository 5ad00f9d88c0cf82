/**
 * Kills a host that has jobs and sends nothing: one that hangs in native code can neither be asked nor cancelled.
 */
import type { Clock } from '#contract/time.ts'

/** Checks until the silence is too long. Counted, not timed: a computer that slept is one check further, no hour. */
const CHECKS = 6

export interface HostWatchdogDeps {
  clock: Clock
  /** Longest silence of a host that has jobs, ms. */
  silenceMs: number
  /** Jobs are in the host. */
  isBusy: () => boolean
  kill: () => void
}

export interface HostWatchdog {
  /** The host has jobs from now on; checks until it has none. */
  watch(): void
  /** A message came. */
  heard(): void
  /** The host is gone. */
  end(): void
}

export function createHostWatchdog({ clock, silenceMs, isBusy, kill }: HostWatchdogDeps): HostWatchdog {
  const stopping = new AbortController()
  let isWatching = false
  let silent = 0

  async function check(): Promise<void> {
    silent = 0
    while (silent < CHECKS && isBusy()) {
      await clock.sleep(silenceMs / CHECKS, { signal: stopping.signal, unref: true })
      silent += 1
    }
    if (isBusy()) kill()
  }

  return {
    watch() {
      if (isWatching || stopping.signal.aborted) return
      isWatching = true
      check()
        .catch(() => undefined)
        .finally(() => {
          isWatching = false
        })
    },
    heard() {
      silent = 0
    },
    end: () => stopping.abort(),
  }
}
