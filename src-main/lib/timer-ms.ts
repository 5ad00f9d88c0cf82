/** Bounds of a timer: Node fires one at once whose time is longer than it can count, or is no number. */

/** 2^31 - 1 milliseconds, about 24.8 days. */
const LONGEST_MS = 2_147_483_647

/** `ms` as a timer can count it: at least 1 ms, so that no loop spins, and at most 24.8 days, also where it is NaN. */
export const timerMs = (ms: number): number => (Number.isNaN(ms) ? LONGEST_MS : Math.min(LONGEST_MS, Math.max(1, ms)))
