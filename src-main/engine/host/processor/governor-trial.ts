/** A few steps with another number of threads, compared with the time of such steps at the present number. Pure. */

type TrialKind = 'raise' | 'learn'
type TrialResult = 'going' | 'better' | 'worse'

export interface Trial {
  readonly kind: TrialKind
  readonly threads: number
  /** The number of threads to compare with. */
  readonly base: number
  /** The class of batches whose steps count. */
  readonly group: number
  readonly startedAt: number
  /** `usual`: time of such a step with `base` threads, null where unknown; `broken`: the step stalled severely. */
  took(ms: number, usual: number | null, broken: boolean): TrialResult
}

const STEPS = 12
const STEPS_MIN = 3
/** A slow model's trial ends by time. */
const TRIAL_MS = 200
const STEPS_MAX = 48
/** Threads that were asleep are slow in their first steps. */
const WARM_UP = 2
const WARM_UP_MS = 60
/** More threads must gain this much to be worth their cores; fewer threads win ties. */
const GAIN_MORE = 0.95
const GAIN_FEWER = 1.02
const HOPELESS = 4
const HOPELESS_MS = 5
/**
 * A single step that is late by less than this is a hiccup of the machine and left out; threads that are kept off their
 * cores wait longer, or again.
 */
const HICCUP_MS = 20

export function createTrial(at: Pick<Trial, 'kind' | 'threads' | 'base' | 'group' | 'startedAt'>): Trial {
  let seen = 0
  let hiccups = 0
  let steps = 0
  let spent = 0
  let ratios = 0
  return {
    ...at,
    took(ms, usual, broken) {
      seen += 1
      const hopeless = broken || (usual !== null && ms > usual * HOPELESS && ms - usual > HOPELESS_MS)
      if (seen <= WARM_UP && ms < (hopeless ? HICCUP_MS : WARM_UP_MS)) return 'going'
      if (hopeless) {
        hiccups += 1
        return hiccups > 1 || ms > HICCUP_MS + (usual ?? 0) ? 'worse' : 'going'
      }
      if (usual !== null && usual > 0) {
        steps += 1
        spent += ms
        ratios += ms / usual
      }
      if (steps < STEPS && (steps < STEPS_MIN || spent < TRIAL_MS)) {
        if (seen < STEPS_MAX) return 'going'
        // Nothing to compare with, and not one stall: room for more threads is reason enough to keep them, a guess is no
        // reason for fewer.
        return steps === 0 && at.kind === 'raise' ? 'better' : 'worse'
      }
      return ratios / steps < (at.threads > at.base ? GAIN_MORE : GAIN_FEWER) ? 'better' : 'worse'
    },
  }
}
