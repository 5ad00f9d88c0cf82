/** The spans the earnings screen offers; the core knows when each begins and ends. */
import type { IncomeKey, SpanName } from '#contract/earnings.ts'

export const SPANS = ['24h', '7d', '30d', '1y'] as const satisfies readonly SpanName[]
export type Span = (typeof SPANS)[number]

export const SPAN_NAMES: Readonly<Record<Span, { short: string; long: string }>> = {
  '24h': { short: '24 h', long: 'the last 24 hours' },
  '7d': { short: '7 d', long: 'the last 7 days' },
  '30d': { short: '30 d', long: 'the last 30 days' },
  '1y': { short: '1 y', long: 'the last 12 months' },
}

/** What a query of this page asks for. */
export interface SpanRange {
  span: Span
  zone: string
  by: IncomeKey
}

/** The running bucket moves on without any event: so long may a chart lag behind the clock. */
export const READ_AGAIN_MS = 60_000
