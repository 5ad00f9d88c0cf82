/**
 * Checks all open answers at an interval: the connection of a client that reads nothing is closed; one that waits long
 * for its first text gets a comment.
 */
import type { Clock } from '#contract/time.ts'
import { every, type Loop } from '#lib/every.ts'
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
  let looking: Loop | null = null
  const lookAtAll = (): void => {
    for (const one of open) one.check()
  }
  const halt = (): void => {
    looking?.stop()
    looking = null
  }
  return {
    add(one) {
      open.add(one)
      looking ??= every(clock, LIMITS.watchMs, lookAtAll, {
        onError: (error) => log.error({ err: error }, 'the open answers could not be looked at; it is tried again'),
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
