/** Runs asynchronous work one piece after another; a failed piece does not fail the next. */
import { StokerError } from '#contract/errors.ts'

/** More waiting operations than a person can mean. */
const WAITING_MAX = 64

export interface Turns {
  /** Errors: the work's own; UNAVAILABLE when too many wait; CANCELLED after `close`. */
  run<T>(work: () => Promise<T>): Promise<T>
  /** Work that has not started will not start. */
  close(): void
  readonly closed: boolean
}

export function createTurns(): Turns {
  let last: Promise<unknown> = Promise.resolve()
  let waiting = 0
  let closed = false
  return {
    run(work) {
      if (waiting >= WAITING_MAX)
        return Promise.reject(
          new StokerError(
            'UNAVAILABLE',
            'Too many changes are waiting for the engine; try again when it has caught up.',
          ),
        )
      waiting += 1
      const mine = last.then(async () => {
        waiting -= 1
        if (closed) throw new StokerError('CANCELLED', 'Stoker is stopping.')
        return work()
      })
      last = mine.catch(() => undefined)
      return mine
    },
    close() {
      closed = true
    },
    get closed() {
      return closed
    },
  }
}
