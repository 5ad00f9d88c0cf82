/**
 * Sequential limits: when a share of right answers is enough to say *passed* or *not reached*, and what interval may be
 * shown at any time. Source: docs/exam.md, Verdict (Wald's sequential probability ratio test; a beta-binomial mixture
 * with a Beta(½, ½) prior as confidence sequence).
 */
import type { ExamLimitView } from '#contract/supplier.ts'

import { lnBeta } from './ln-gamma.ts'

/** A floor on a share: `k` of `n` were right so far. 0 < floor < target < 1. */
export interface Limit {
  name: string
  floor: number
  target: number
  n: number
  k: number
}
export type LimitState = ExamLimitView['state']

/** 1 / 20 = 5 %: the chance allowed to each kind of error. */
const LN_20 = Math.log(20)
/** Halvings of [0, 1]: beyond 52 a double has no more digits to give. */
const BISECTIONS = 60

/** The target of a floor that names none: min(f + 0.10, (1 + f) / 2). */
export const defaultTarget = (floor: number): number => Math.min(floor + 0.1, (1 + floor) / 2)

/** S = k·ln(t/f) + (n−k)·ln((1−t)/(1−f)): the log likelihood ratio of target against floor. */
export const score = ({ floor, target, n, k }: Pick<Limit, 'floor' | 'target' | 'n' | 'k'>): number =>
  k * Math.log(target / floor) + (n - k) * Math.log((1 - target) / (1 - floor))

/** Passed when S ≥ ln 20, not reached when S ≤ −ln(20·m); `m` is the number of limits judged in the grade. */
export function limitState(limit: Limit, m: number): LimitState {
  const s = score(limit)
  if (s >= LN_20) return 'passed'
  return s <= -(LN_20 + Math.log(m)) ? 'not-reached' : 'undecided'
}

/**
 * Every share g with lnB(k+½, n−k+½) − ln π − k·ln g − (n−k)·ln(1−g) < ln 20, as [low, high]. True at all stopping
 * times together with probability ≥ 95 %. The left side falls until g = k/n and rises after it, so each end is found by
 * bisection on its own side.
 */
export function confidenceInterval(n: number, k: number): { low: number; high: number } {
  if (n === 0) return { low: 0, high: 1 }
  const mixture = lnBeta(k + 0.5, n - k + 0.5) - Math.log(Math.PI)
  const end = (inside: number, outside: number): number => {
    for (let at = 0; at < BISECTIONS; at += 1) {
      const middle = (inside + outside) / 2
      if (mixture - k * Math.log(middle) - (n - k) * Math.log1p(-middle) < LN_20) inside = middle
      else outside = middle
    }
    return inside
  }
  const best = k / n
  return { low: k === 0 ? 0 : end(best, 0), high: k === n ? 1 : end(best, 1) }
}

/** A limit as frames and screens carry it. */
export const limitView = (limit: Limit, m: number): ExamLimitView => ({
  ...limit,
  s: score(limit),
  state: limitState(limit, m),
  ...confidenceInterval(limit.n, limit.k),
})
