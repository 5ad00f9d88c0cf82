/** Times without work that are offered. Pure. */
import { HOUR_MS, MINUTE_MS } from '#contract/time.ts'

const OFFERED: readonly number[] = [5 * MINUTE_MS, 15 * MINUTE_MS, 30 * MINUTE_MS, HOUR_MS, 4 * HOUR_MS]

/** In milliseconds, shortest first; what was set elsewhere is among them, so that it is not shown as something else. */
export const idleChoices = (present: number | null): number[] =>
  [...new Set(present === null ? OFFERED : [...OFFERED, present])].sort((a, b) => a - b)
