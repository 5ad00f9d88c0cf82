/**
 * Loads a member again that refused to load after a crash. With the table's pauses, because at once it would fail again;
 * without this its slots would stay unused.
 */
import type { Clock } from '#contract/time.ts'
import { pauseAfter, RELOAD_PAUSES } from '#lib/child-policies.ts'

export interface ReloadDeps {
  clock: Clock
  /** Cancels it. */
  signal: AbortSignal
  /** Asked before each attempt; false ends it. */
  isWanted: () => boolean
  attempt: () => Promise<unknown>
  /** Uniform on [0, 1), for the jitter of pauses. */
  random?: () => number
}

/** Resolves when an attempt succeeded or none is wanted any more; never rejects. */
export async function keepTrying({
  clock,
  signal,
  isWanted,
  attempt,
  random = Math.random,
}: ReloadDeps): Promise<void> {
  for (let turn = 0; isWanted(); turn += 1) {
    try {
      await clock.sleep(pauseAfter(RELOAD_PAUSES, turn + 1, random), { signal, unref: true })
      if (isWanted()) await attempt()
    } catch {
      // Refused again, or cancelled: the loop's condition decides.
    }
  }
}
