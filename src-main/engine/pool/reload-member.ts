/**
 * Loads a member again that refused after a crash: at once it would only fail again, and never would leave its slots
 * unused.
 */
import type { Clock } from '#contract/time.ts'

/** The last one repeats. */
const PAUSES_MS = [1_000, 4_000, 15_000, 60_000]

export interface Reload {
  clock: Clock
  /** Ends it. */
  signal: AbortSignal
  /** Asked before each attempt; false ends it. */
  isWanted: () => boolean
  attempt: () => Promise<unknown>
}

/** Resolves when an attempt succeeded or nobody wants one any more; never rejects. */
export async function keepTrying({ clock, signal, isWanted, attempt }: Reload): Promise<void> {
  for (let turn = 0; isWanted(); turn += 1) {
    try {
      await clock.sleep(PAUSES_MS[Math.min(turn, PAUSES_MS.length - 1)] ?? 0, { signal, unref: true })
      if (isWanted()) await attempt()
    } catch {
      // Refused again, or ended: asked above.
    }
  }
}
