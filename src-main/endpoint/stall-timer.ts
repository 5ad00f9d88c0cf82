/**
 * Watches one answer for stalls. A client that reads nothing for too long is disconnected; one that waits long for its
 * first text gets comments, for as long as it takes.
 */
import { LIMITS } from './endpoint-limits.ts'
import type { WatchedAnswer } from './open-answers.ts'

/** A comment line, which every reader of server-sent events ignores. */
const COMMENT = ': waiting\n\n'

export interface StallTimerDeps {
  /** Characters written that the client has not read. */
  unread(): number
  /** A comment may be sent now. */
  waitsForText(): boolean
  /** The answer is written to its end. */
  over(): boolean
  comment(text: string): void
  /** `then` runs once this text and all before it was read. */
  whenRead(text: string, then: () => void): void
  close(): void
}

export function createStallTimer(deps: StallTimerDeps): WatchedAnswer & { wrote(): void } {
  let [wrote, marked] = [false, false]
  let [quiet, stalled] = [0, 0]
  return {
    wrote() {
      wrote = true
    },
    check() {
      if (marked || deps.over()) {
        stalled += 1
        if (stalled >= LIMITS.stalledChecks) deps.close()
        return
      }
      if (!deps.waitsForText()) return
      if (deps.unread() > 0) {
        marked = true
        deps.whenRead(COMMENT, () => {
          marked = false
          stalled = 0
        })
        return
      }
      quiet = wrote ? 0 : quiet + 1
      wrote = false
      if (quiet < LIMITS.quietChecks) return
      quiet = 0
      deps.comment(COMMENT)
    },
  }
}
