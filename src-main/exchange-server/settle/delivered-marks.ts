/**
 * Which paid answers were handed over. A settled job waits in the table `undelivered`; its mark takes it out, with
 * whatever transaction comes next, at most a second later. What still waits when the exchange starts was lost with the
 * run before: its buyer is paid back.
 */
import type { Clock } from '#contract/time.ts'
import type { Db } from '#db/db-types.ts'

import { after } from '../exchange-clocks.ts'
import { LIMITS } from '../exchange-limits.ts'
import { deleteUndelivered } from '../store/refunds.store.ts'

export class DeliveredMarks {
  readonly #clock: Clock
  readonly #pending = new Set<string>()
  #db: Db | null = null
  #stopTimer: (() => void) | null = null
  #stopped = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The same database; each of its transactions carries the marks that wait. */
  ridingOn(db: Db): Db {
    this.#db = db
    return {
      ...db,
      tx: (work) => {
        const marks = [...this.#pending].slice(0, LIMITS.marksAtOnce)
        const result = db.tx((write) => {
          deleteUndelivered(write, marks)
          return work(write)
        })
        for (const jobId of marks) this.#pending.delete(jobId)
        return result
      },
    }
  }

  /** The answer of this job was handed over, or is no longer owed. */
  add(jobId: string): void {
    this.#pending.add(jobId)
    if (!this.#stopped) this.#schedule()
  }

  /** Writes what waits, in a transaction of its own if need be. Errors: those of the database; the marks go on waiting. */
  flush(): void {
    while (this.#db !== null && this.#pending.size > 0) {
      const marks = [...this.#pending].slice(0, LIMITS.marksAtOnce)
      this.#db.tx((write) => deleteUndelivered(write, marks))
      for (const jobId of marks) this.#pending.delete(jobId)
    }
  }

  /** No timer from now on. */
  stop(): void {
    this.#stopped = true
    this.#stopTimer?.()
    this.#stopTimer = null
  }

  #schedule(): void {
    this.#stopTimer ??= after(this.#clock, LIMITS.markLatestMs, () => {
      this.#stopTimer = null
      try {
        this.flush()
      } catch {
        // A full disk, say, which others report. Nothing is lost but a refund too many after a kill.
        this.#schedule()
      }
    })
  }
}
