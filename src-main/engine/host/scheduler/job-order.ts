/**
 * The order in which waiting jobs get slots: own use, jobs near their deadline, other jobs, exams; within a class the
 * earliest deadline, then the earliest arrival. No job starves: every fourth admission goes to the job that has waited
 * longest, once it has waited twenty seconds. So a job with n older ones before it gets a slot at the latest twenty
 * seconds and 4 × (n + 1) admissions after its arrival.
 */
import { outputTokensLeft, promptTokensLeft, type Sequence } from './sequence.ts'
import type { SpeedMeter } from './speed-meter.ts'

const AGED_MS = 20_000
const AGED_EVERY = 4
/** Near its deadline: less time left than this many times what the rest of the job should take. */
const NEAR_TIMES = 2
/** The same while nothing was measured: less than this share of its time is left. */
const NEAR_SHARE = 0.2

export interface JobOrder {
  /** 0 goes first. */
  rank(sequence: Sequence, now: number): number
  /** Negative when a goes before b. */
  compare(a: Sequence, b: Sequence, now: number): number
  /** The waiting job that gets the next slot. */
  next(waiting: Iterable<Sequence>, now: number): Sequence | null
}

export function createJobOrder(speed: SpeedMeter, streams: () => number): JobOrder {
  let admissions = 0

  function isNear(sequence: Sequence, now: number): boolean {
    const { deadlineAt, arrivedAt } = sequence
    if (deadlineAt === null) return false
    const left = deadlineAt - now
    // The deadline is missed: priority no longer helps.
    if (left <= 0) return false
    const perPrompt = speed.msPerPromptToken()
    const perToken = speed.decodeMs(Math.max(1, streams()))
    if (perPrompt === null || perToken === null) return left < NEAR_SHARE * (deadlineAt - arrivedAt)
    return left < NEAR_TIMES * (promptTokensLeft(sequence) * perPrompt + outputTokensLeft(sequence) * perToken)
  }
  function rank(sequence: Sequence, now: number): number {
    if (sequence.priority === 'own') return 0
    if (sequence.priority === 'exam') return 3
    return isNear(sequence, now) ? 1 : 2
  }
  const deadline = ({ deadlineAt }: Sequence, now: number): number =>
    deadlineAt === null || deadlineAt <= now ? Number.POSITIVE_INFINITY : deadlineAt
  function compare(a: Sequence, b: Sequence, now: number): number {
    const byRank = rank(a, now) - rank(b, now)
    if (byRank !== 0) return byRank
    const [first, second] = [deadline(a, now), deadline(b, now)]
    return first === second ? a.arrival - b.arrival : first - second
  }

  return {
    rank,
    compare,
    next(waiting, now) {
      let best: Sequence | null = null
      let oldest: Sequence | null = null
      for (const sequence of waiting) {
        if (best === null || compare(sequence, best, now) < 0) best = sequence
        if (oldest === null || sequence.arrival < oldest.arrival) oldest = sequence
      }
      if (best === null || oldest === null) return null
      admissions += 1
      return admissions % AGED_EVERY === 0 && now - oldest.arrivedAt >= AGED_MS ? oldest : best
    },
  }
}
