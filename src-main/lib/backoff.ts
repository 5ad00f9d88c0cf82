/**
 * Waits between attempts: doubling from 100 ms to 15 s, each drawn from its upper half so that many suppliers do not
 * return together.
 */
const FIRST_MS = 100
const MOST_MS = 15_000

/** `attempt` counts failures since the last success, from 0; `random` is uniform on [0, 1). */
export function backoffMs(attempt: number, random: () => number): number {
  const full = Math.min(MOST_MS, FIRST_MS * 2 ** Math.min(attempt, 20))
  return Math.round(full * (0.5 + 0.5 * random()))
}
