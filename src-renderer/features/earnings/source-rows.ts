/** Sums by source over all buckets; the parts stay apart. Pure. */
import type { Series } from '#contract/earnings.ts'

export interface SourceRow {
  source: string
  jobs: number
  tokens: number
  gross: number
  fee: number
  writtenOff: number
  /** Gross less fee and what was written off. */
  earned: number
  available: number
  held: number
}

const NOTHING: Omit<SourceRow, 'source'> = {
  jobs: 0,
  tokens: 0,
  gross: 0,
  fee: 0,
  writtenOff: 0,
  earned: 0,
  available: 0,
  held: 0,
}

/** What brought most comes first. */
export function bySource(series: Series): SourceRow[] {
  const rows = new Map<string, SourceRow>()
  for (const each of series.buckets.flatMap((bucket) => bucket.income)) {
    const row = rows.get(each.source) ?? { source: each.source, ...NOTHING }
    rows.set(each.source, {
      source: each.source,
      jobs: row.jobs + each.jobs,
      tokens: row.tokens + each.inputTokens + each.outputTokens,
      gross: row.gross + each.grossNano,
      fee: row.fee + each.feeNano,
      writtenOff: row.writtenOff + each.writtenOffNano,
      earned: row.earned + each.grossNano - each.feeNano - each.writtenOffNano,
      available: row.available + each.availableNano,
      held: row.held + each.heldNano,
    })
  }
  return [...rows.values()].sort((a, b) => b.gross - a.gross)
}
