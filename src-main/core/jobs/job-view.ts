/** A stored job as the contract shows it. */
import { parseStoredReason } from '#contract/reasons.ts'
import { brandId, type Instrument, type JobId, type ModelSha256 } from '#contract/ids.ts'
import type { Job } from '#contract/jobs.ts'
import { nano, type Nano } from '#contract/money.ts'
import type { PowerService, VenueContext } from '#core/core-context.ts'

import { priceOf, type SellerJobRow } from './jobs.store.ts'
import type { LineState } from './statements.store.ts'

const money = (value: number | null): Nano | null => (value === null ? null : nano(value))

/** `line` is the state of its line in a statement, on a venue without receipts. */
function moneyState(row: SellerJobRow, line: LineState | null): Job['money'] {
  if (row.state === 'claimed') return row.acknowledgedAt === null ? 'pending' : 'acknowledged'
  if (row.state === 'disputed') return 'disputed'
  if (row.state !== 'settled' || (row.sellerNano ?? 0) === 0) return 'none'
  if (line !== null) return line
  if (row.writtenOffAt !== null) return 'written-off'
  return row.releasedAt === null ? 'held' : 'available'
}

export function jobView(
  row: SellerJobRow,
  { venueId, unit }: Pick<VenueContext, 'venueId' | 'unit'>,
  power: Pick<PowerService, 'ofJob'>,
  line: LineState | null = null,
): Job {
  return {
    venueId,
    jobId: brandId<JobId>(row.jobId),
    instrument: brandId<Instrument>(row.instrument),
    sha256: brandId<ModelSha256>(row.sha256 === '' ? '0'.repeat(64) : row.sha256),
    state: row.state,
    reason: row.reason === '' ? null : parseStoredReason(row.reason),
    startedAt: row.startedAt,
    endedAt: row.endedAt,
    finish: row.finish,
    inputTokens: row.inputTokens,
    outputTokens: row.outputTokens,
    enginePromptTokens: row.enginePromptTokens,
    engineCachedTokens: row.engineCachedTokens,
    engineGeneratedTokens: row.engineGeneratedTokens,
    ttftMs: row.ttftMs,
    durationMs: row.durationMs,
    tokPerS: row.tokPerS,
    price: priceOf(row),
    currency: unit.code,
    grossNano: money(row.grossNano),
    feeNano: money(row.feeNano),
    sellerNano: money(row.sellerNano),
    money: moneyState(row, line),
    releaseAt: row.releaseAt,
    powerNano:
      row.endedAt === null || row.state === 'rejected'
        ? null
        : power.ofJob({ startedAt: row.startedAt, endedAt: row.endedAt }),
    receiptSeq: row.receiptSeq,
  }
}

export const cursorOf = (row: SellerJobRow): string => `${row.startedAt}:${row.jobId}`

/** Null for anything that is no cursor of ours. */
export function parseCursor(text: string | null): { startedAt: number; jobId: string } | null {
  const match = text === null ? null : /^(\d{1,16}):(.{1,96})$/.exec(text)
  return match === null ? null : { startedAt: Number(match[1]), jobId: match[2]! }
}
