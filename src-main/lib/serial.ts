/** A bounded queue that runs asynchronous work one piece after another. A failed piece does not fail the next. */
import { fail } from '#contract/errors.ts'

/** More than a person can mean by waiting changes. */
const WAITING_MAX = 64

export interface SerialOptions {
  /** Pieces that may wait behind the running one; 64 when left out. */
  waitingMax?: number
  /** The error of a piece beyond that; UNAVAILABLE when left out. */
  full?: () => Error
}

export interface Serial {
  /**
   * Runs the work when all earlier work has ended, in the order of the calls. Errors: the work's own; that of `full`
   * when too much waits; that of `close`.
   */
  run<T>(work: () => Promise<T>): Promise<T>
  /** Resolves when nothing runs or waits, work that was added meanwhile included. Never rejects. */
  idle(): Promise<void>
  /** What has not started fails with this error, also what is added later. What runs is left to end. */
  close(reason: Error): void
}

const tooMuchWaits = (): Error => fail('stoker.tooMuchWaits')

export function serial({ waitingMax = WAITING_MAX, full = tooMuchWaits }: SerialOptions = {}): Serial {
  let last: Promise<unknown> = Promise.resolve()
  /** The running piece and those that wait. */
  let unfinished = 0
  let closed: Error | null = null
  return {
    run(work) {
      if (unfinished > waitingMax) return Promise.reject(full())
      unfinished += 1
      const mine = last.then(async () => {
        try {
          if (closed !== null) throw closed
          return await work()
        } finally {
          unfinished -= 1
        }
      })
      last = mine.catch(() => undefined)
      return mine
    },
    async idle() {
      for (let seen: Promise<unknown> | null = null; seen !== last;) {
        seen = last
        await seen
      }
    },
    close(reason) {
      closed ??= reason
    },
  }
}
