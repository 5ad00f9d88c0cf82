/**
 * How long an answer waits: for a client that takes nothing, not for ever; for a first text, as long as it takes, and
 * says so.
 */
import { LIMITS } from './endpoint-limits.ts'
import type { Watched } from './open-answers.ts'

/** A line that every reader of server-sent events passes over. */
const COMMENT = ': waiting\n\n'

export interface PatienceParts {
  /** Characters written that the client has not taken. */
  unread(): number
  /** Whether a comment may stand where text does. */
  waitsForText(): boolean
  /** The answer is written to its end. */
  over(): boolean
  comment(text: string): void
  /** `then` runs once this and all before it was taken. */
  whenTaken(text: string, then: () => void): void
  cut(): void
}

export function createPatience(parts: PatienceParts): Watched & { wrote(): void } {
  let [wrote, marked] = [false, false]
  let [quiet, stalled] = [0, 0]
  return {
    wrote() {
      wrote = true
    },
    look() {
      if (marked || parts.over()) {
        stalled += 1
        if (stalled >= LIMITS.stalledLooks) parts.cut()
        return
      }
      if (!parts.waitsForText()) return
      if (parts.unread() > 0) {
        marked = true
        parts.whenTaken(COMMENT, () => {
          marked = false
          stalled = 0
        })
        return
      }
      quiet = wrote ? 0 : quiet + 1
      wrote = false
      if (quiet < LIMITS.quietLooks) return
      quiet = 0
      parts.comment(COMMENT)
    },
  }
}
