/**
 * Whose turn it is: own use, jobs near their deadline, jobs, exams; within a class the earliest deadline, then the
 * earliest arrival. Nobody starves: every fourth admission goes to the job that has waited longest, once that is twenty
 * seconds. So a job with n older ones before it gets a slot at the latest twenty seconds and 4 × (n + 1) admissions
 * after its arrival.
 */
import { answerLeft, promptLeft, type Placed } from './sequence.ts'
import type { Speed } from './speed-meter.ts'

const AGED_MS = 20_000
const AGED_EVERY = 4
/** Near its deadline: less time left than so many times what the rest should take. */
const NEAR_TIMES = 2
/** The same where nothing was measured yet: less than this share of the time it had. */
const NEAR_SHARE = 0.2

export interface Order {
  /** 0 goes first. */
  rank(placed: Placed, now: number): number
  /** Negative when a goes before b. */
  compare(a: Placed, b: Placed, now: number): number
  /** Who of the waiting gets the next slot. */
  next(waiting: Iterable<Placed>, now: number): Placed | null
}

export function createOrder(speed: Speed, streams: () => number): Order {
  let admissions = 0

  function isNear(placed: Placed, now: number): boolean {
    const { deadlineAt, arrivedAt } = placed
    if (deadlineAt === null) return false
    const left = deadlineAt - now
    // Missed: hurrying helps nobody.
    if (left <= 0) return false
    const perPrompt = speed.msPerPromptToken()
    const perToken = speed.decodeMs(Math.max(1, streams()))
    if (perPrompt === null || perToken === null) return left < NEAR_SHARE * (deadlineAt - arrivedAt)
    return left < NEAR_TIMES * (promptLeft(placed) * perPrompt + answerLeft(placed) * perToken)
  }
  function rank(placed: Placed, now: number): number {
    if (placed.priority === 'own') return 0
    if (placed.priority === 'exam') return 3
    return isNear(placed, now) ? 1 : 2
  }
  const deadline = ({ deadlineAt }: Placed, now: number): number =>
    deadlineAt === null || deadlineAt <= now ? Number.POSITIVE_INFINITY : deadlineAt
  function compare(a: Placed, b: Placed, now: number): number {
    const byRank = rank(a, now) - rank(b, now)
    if (byRank !== 0) return byRank
    const [first, second] = [deadline(a, now), deadline(b, now)]
    return first === second ? a.arrival - b.arrival : first - second
  }

  return {
    rank,
    compare,
    next(waiting, now) {
      let best: Placed | null = null
      let oldest: Placed | null = null
      for (const placed of waiting) {
        if (best === null || compare(placed, best, now) < 0) best = placed
        if (oldest === null || placed.arrival < oldest.arrival) oldest = placed
      }
      if (best === null || oldest === null) return null
      admissions += 1
      return admissions % AGED_EVERY === 0 && now - oldest.arrivedAt >= AGED_MS ? oldest : best
    },
  }
}
