/**
 * Looks at all open answers now and then: a client that reads nothing is cut off, one that waits long for its first
 * text is told so.
 */
import type { Clock } from '#contract/time.ts'
import { every, type Loop } from '#lib/every.ts'
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
  let looking: Loop | null = null
  const lookAtAll = (): void => {
    for (const one of open) one.look()
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
