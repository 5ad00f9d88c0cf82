/**
 * Learns for each class of batches whether fewer threads than allowed are faster, by a trial now and then: on some
 * machines small models gain nothing from a second thread. Pure.
 */

export interface Learner {
  /** A smaller number of threads that was faster; null for none. */
  preferred(group: number): number | null
  /** A step of this class was done. */
  stepped(group: number): void
  /** Threads to try now instead of `base`, at most `cap`; null while no trial is due. */
  candidate(group: number, base: number, cap: number): number | null
  /** A trial ended: `threads` were faster, or null, and nothing changes. */
  learned(group: number, threads: number | null, cap: number): void
  /** With this many threads, stalls cost more time than the last thread saves. */
  costly(group: number, threads: number): void
}

interface Group {
  preferred: number | null
  steps: number
  interval: number
  /** The last trial was with fewer threads. */
  wentDown: boolean
}

/** A trial takes a dozen steps; in the long run that is less than one step in a hundred. */
const FIRST_STEPS = 64
const SLOWER = 4
const REST_STEPS = 1_600
const AGAIN_STEPS = 400

/** Thread counts worth comparing: 1, 2, 3, 4, 6, 8, 12, 16 …, and the given ones. */
function neighbour(of: number, towards: 'fewer' | 'more', cap: number): number | null {
  if (towards === 'more') {
    const step =
      of < 4 ? of + 1 : 2 ** Math.floor(Math.log2(of)) * (of >= 1.5 * 2 ** Math.floor(Math.log2(of)) ? 2 : 1.5)
    return of >= cap ? null : Math.min(cap, step)
  }
  if (of === 1) return null
  if (of <= 4) return of - 1
  const power = 2 ** Math.floor(Math.log2(of - 1))
  return of - 1 >= power * 1.5 ? power * 1.5 : power
}

export function createLearner(): Learner {
  const groups = new Map<number, Group>()
  const at = (group: number): Group => {
    let state = groups.get(group)
    if (state === undefined)
      groups.set(group, (state = { preferred: null, steps: 0, interval: FIRST_STEPS, wentDown: false }))
    return state
  }
  return {
    preferred: (group) => at(group).preferred,
    stepped: (group) => void (at(group).steps += 1),
    candidate(group, base, cap) {
      const state = at(group)
      if (cap === 1 || state.steps < state.interval) return null
      const [fewer, more] = [neighbour(base, 'fewer', cap), neighbour(base, 'more', cap)]
      const down = more === null || (fewer !== null && !state.wentDown)
      state.wentDown = down
      state.steps = 0
      return down ? fewer : more
    },
    learned(group, threads, cap) {
      const state = at(group)
      state.steps = 0
      state.interval = threads === null ? Math.min(REST_STEPS, state.interval * SLOWER) : AGAIN_STEPS
      if (threads !== null) state.preferred = threads >= cap ? null : threads
    },
    costly(group, threads) {
      const state = at(group)
      state.steps = 0
      state.interval = Math.min(REST_STEPS, Math.max(AGAIN_STEPS, state.interval * SLOWER))
      state.preferred = neighbour(threads, 'fewer', threads) ?? 1
    },
  }
}
