/**
 * Looks at all open answers now and then: a client that reads nothing is cut off, one that waits long for its first
 * text is told so.
 */
import type { Clock } from '#contract/time.ts'
import type { Log } from '#lib/log.ts'

import { LIMITS } from './endpoint-limits.ts'

export interface Watched {
  look(): void
}

export interface Watch {
  add(one: Watched): void
  remove(one: Watched): void
  stop(): void
}

export function createWatch(clock: Clock, log: Log): Watch {
  const open = new Set<Watched>()
  let running: AbortController | null = null
  const run = async (signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      await clock.sleep(LIMITS.watchMs, { signal, unref: true })
      for (const one of open) one.look()
    }
  }
  const halt = (): void => {
    running?.abort()
    running = null
  }
  return {
    add(one) {
      open.add(one)
      if (running !== null) return
      const { signal } = (running = new AbortController())
      run(signal).catch((error: unknown) => {
        if (!signal.aborted) log.error({ err: error }, 'open answers are no longer looked after')
      })
    },
    remove(one) {
      open.delete(one)
      if (open.size === 0) halt()
    },
    stop() {
      open.clear()
      halt()
    },
  }
}
