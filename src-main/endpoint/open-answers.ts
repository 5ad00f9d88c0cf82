/**
 * Checks all open answers at an interval: the connection of a client that reads nothing is closed; one that waits long
 * for its first text gets a comment.
 */
import type { Clock } from '#contract/time.ts'
import type { Log } from '#lib/log.ts'

import { LIMITS } from './endpoint-limits.ts'

export interface WatchedAnswer {
  check(): void
}

export interface OpenAnswers {
  add(one: WatchedAnswer): void
  remove(one: WatchedAnswer): void
  stop(): void
}

export function createOpenAnswers(clock: Clock, log: Log): OpenAnswers {
  const open = new Set<WatchedAnswer>()
  let stopping: AbortController | null = null
  const run = async (signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      await clock.sleep(LIMITS.watchMs, { signal, unref: true })
      for (const one of open) one.check()
    }
  }
  const halt = (): void => {
    stopping?.abort()
    stopping = null
  }
  return {
    add(one) {
      open.add(one)
      if (stopping !== null) return
      const { signal } = (stopping = new AbortController())
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
