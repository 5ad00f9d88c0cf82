/** Changes of the engines, one after another; a failed one does not fail the next. */
import { fail } from '#contract/errors.ts'
import { serial } from '#lib/serial.ts'

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
  const queue = serial({
    waitingMax: WAITING_MAX,
    full: () => fail('deployment.changesFull'),
  })
  let closed = false
  return {
    run: (work) => queue.run(work),
    close() {
      closed = true
      queue.close(fail('stoker.stopping'))
    },
    get closed() {
      return closed
    },
  }
}
