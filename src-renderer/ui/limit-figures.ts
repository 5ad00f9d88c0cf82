/** Exam limits in the seller's words: names, units, axes, and what was measured beside what was judged. Pure. */
import type { ExamItemView, LimitView } from '#contract/exams.ts'
import type { GradeLimits } from '#contract/grades.ts'

import { count, percent } from './format.ts'
import { duration } from './format-time.ts'

/**
 * Limits on service (first token, throughput, context, errors) count calls inside the limit; every other limit is a
 * share of right answers.
 */
const SERVICE = /first token|ttft|throughput|context|output|error/i

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
  [/^intelligence$/i, 'Intelligence'],
  [/first token|ttft/i, 'First token'],
  [/throughput.*slots/i, 'Throughput at full load'],
  [/throughput/i, 'Throughput'],
  [/context|output/i, 'Context and output'],
  [/error/i, 'Error rate'],
]

export function limitTitle(name: string): string {
  for (const [pattern, title] of TITLES) if (pattern.test(name)) return title
  const family = name.replace(/^family /, '')
  return family === 'tools' ? 'Tool accuracy' : family.charAt(0).toUpperCase() + family.slice(1)
}

/** The value below which a share of the sorted values lies (nearest rank); null without values. */
export function percentile(values: readonly number[], share: number): number | null {
  if (values.length === 0) return null
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))] ?? null
}

/** Which calls break a service limit, and what was measured, in words: `over 5 s (p95 56 ms)`. */
function outsideWords(name: string, limits: GradeLimits, items: readonly ExamItemView[]): string {
  if (/first token|ttft/i.test(name)) {
    const p95 = percentile(
      items.flatMap((item) => item.ttftMs ?? []),
      0.95,
    )
    return `over ${duration(limits.ttftCeilingMs)}${p95 === null ? '' : ` (p95 ${duration(p95)})`}`
  }
  if (/throughput/i.test(name)) {
    const phase = /slots/i.test(name) ? 'slots' : 'single'
    const p5 = percentile(
      items.flatMap((item) => (item.phase === phase ? (item.tokPerS ?? []) : [])),
      0.05,
    )
    return `below ${limits.throughputFloorTokPerS} tok/s${p5 === null ? '' : ` (p5 ${count(p5)})`}`
  }
  return 'failed'
}

/**
 * For shares of right answers the axis is 0..1 with the floor as its line. Service limits count calls inside the limit
 * (floor 0.95); there the axis is the share outside, 0..20 %, with the line at the allowed 5 %, so that the scale shows
 * what matters.
 */
export function limitRow(view: LimitView, limits: GradeLimits, items: readonly ExamItemView[] = []): LimitRow {
  const share = view.n === 0 ? null : view.k / view.n
  const base = { name: view.name, title: limitTitle(view.name), state: view.state }
  if (!SERVICE.test(view.name)) {
    const text =
      share === null
        ? `no complete round yet, floor ${percent(view.floor)}`
        : `${percent(share, 0)} right of ${view.n}, floor ${percent(view.floor)}`
    return { ...base, text, min: 0, max: 1, limit: view.floor, value: share, low: view.low, high: view.high }
  }
  const value = share === null ? null : 1 - share
  const allowed = 1 - view.floor
  if (/context|output/i.test(view.name)) {
    const text =
      value === null
        ? `no calls yet, ${count(limits.contextTokens)} tokens each`
        : `${view.k} of ${view.n} answered in full at ${count(limits.contextTokens)} tokens`
    return {
      ...base,
      text,
      min: 0,
      max: Math.max(0.2, allowed * 4),
      limit: allowed,
      value,
      low: 1 - view.high,
      high: 1 - view.low,
    }
  }
  const words = outsideWords(view.name, limits, items)
  const text =
    value === null
      ? `no calls yet, at most ${percent(allowed, 0)} ${words}`
      : `${view.n - view.k} of ${view.n} ${words}`
  return {
    ...base,
    text,
    min: 0,
    max: Math.max(0.2, allowed * 4),
    limit: allowed,
    value,
    low: 1 - view.high,
    high: 1 - view.low,
  }
}

/**
 * How much of the evidence a verdict needs is gathered, 0..1: a limit is decided when its S reaches ln 20
 * (docs/exam.md, Verdict).
 */
export function evidenceShare(limits: readonly LimitView[]): number {
  if (limits.length === 0) return 0
  const each = limits.map((limit) =>
    limit.state === 'undecided' ? Math.min(1, Math.max(0, limit.s / Math.log(20))) : 1,
  )
  return each.reduce((sum, part) => sum + part, 0) / limits.length
}
