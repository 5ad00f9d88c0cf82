/** Exam limits in the seller's words: names, units, axes. Pure. */
import type { LimitView } from '#contract/exams.ts'
import type { GradeLimits } from '#contract/grades.ts'

import { interval, percent } from './format.ts'
import { duration } from './time.ts'

/** A share judged from above (the fewer the better) is one of these; every other limit is a floor. */
const CEILING = /ttft|throughput|error|slow|late/i

export interface LimitRow {
  name: string
  title: string
  /** `82 % right of 40, floor 70 %` */
  text: string
  state: LimitView['state']
  min: number
  max: number
  limit: number
  value: number | null
  low: number
  high: number
}

const TITLES: readonly (readonly [RegExp, string])[] = [
  [/^(intelligence|level|items)$/i, 'Intelligence'],
  [/ttft.*slots/i, 'First token at full load'],
  [/ttft/i, 'First token'],
  [/throughput.*slots/i, 'Throughput at full load'],
  [/throughput/i, 'Throughput'],
  [/context/i, 'Context'],
  [/output/i, 'Output length'],
  [/error/i, 'Error rate'],
]

export function limitTitle(name: string): string {
  for (const [pattern, title] of TITLES) if (pattern.test(name)) return title
  const family = name.replace(/^(family|families)[.:/-]/, '')
  return family === 'tools' ? 'Tool accuracy' : family.charAt(0).toUpperCase() + family.slice(1)
}

/** Which calls a percentile limit counts: those over the ceiling or below the floor of the spec. */
function counted(name: string, limits: GradeLimits): string {
  if (/ttft/i.test(name)) return `over ${duration(limits.ttftCeilingMs)}`
  if (/throughput/i.test(name)) return `below ${limits.throughputFloorTokPerS} tok/s`
  return 'failed'
}

/**
 * For a floor the axis is the share right, 0..1. For a percentile limit the core counts calls inside the limit or outside it
 * (floor 0.05 or 0.95); either way the axis shows the share *outside*, 0..20 %, with the line at the allowed share.
 */
export function limitRow(view: LimitView, limits: GradeLimits): LimitRow {
  const share = view.n === 0 ? null : view.k / view.n
  const base = { name: view.name, title: limitTitle(view.name), state: view.state }
  if (!CEILING.test(view.name)) {
    const text = share === null ? `no items yet, floor ${percent(view.floor)}` : `${percent(share, 0)} right of ${view.n}, floor ${percent(view.floor)}`
    return { ...base, text, min: 0, max: 1, limit: view.floor, value: share, low: view.low, high: view.high }
  }
  const inside = view.floor > 0.5
  const outside = (x: number): number => (inside ? 1 - x : x)
  const value = share === null ? null : outside(share)
  const [low, high] = inside ? [1 - view.high, 1 - view.low] : [view.low, view.high]
  const allowed = outside(view.floor)
  const text = value === null ? `no calls yet, at most ${percent(allowed, 0)} ${counted(view.name, limits)}` : `${percent(value)} of ${view.n} ${counted(view.name, limits)}, ceiling ${percent(allowed, 0)}`
  return { ...base, text, min: 0, max: Math.max(0.2, allowed * 4), limit: allowed, value, low, high }
}

/** The interval beside a share, for tables. */
export const shareInterval = (low: number, high: number): string => interval(low, high)
