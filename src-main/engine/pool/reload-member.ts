/**
 * Loads a member again that refused to load after a crash. With pauses, because at once it would fail again; without
 * this its slots would stay unused.
 */
import type { Clock } from '#contract/time.ts'

/** The last pause repeats. */
const PAUSES_MS = [1_000, 4_000, 15_000, 60_000]

export interface ReloadDeps {
  clock: Clock
  /** Cancels it. */
  signal: AbortSignal
  /** Asked before each attempt; false ends it. */
  isWanted: () => boolean
  attempt: () => Promise<unknown>
}

/** Resolves when an attempt succeeded or none is wanted any more; never rejects. */
export async function keepTrying({ clock, signal, isWanted, attempt }: ReloadDeps): Promise<void> {
  for (let turn = 0; isWanted(); turn += 1) {
    try {
      await clock.sleep(PAUSES_MS[Math.min(turn, PAUSES_MS.length - 1)] ?? 0, { signal, unref: true })
      if (isWanted()) await attempt()
    } catch {
      // Refused again, or cancelled: the loop's condition decides.
    }
  }
}
