/**
 * What was earned. Settled (available), held, pending and power come apart in every shape here, and are never summed.
 */
import { z } from 'zod'

import { currency, epochMs, instrument, jobId, nanoAmount, nanoSigned, realm, reason, tokens } from './primitives.ts'
import { method } from './scope.ts'

export const bucketSize = z.enum(['hour', 'day', 'month'])
export type BucketSize = z.infer<typeof bucketSize>
/**
 * `from` inclusive, `to` exclusive, UTC buckets shifted by `offsetMinutes` (the viewer's offset east of UTC) for day
 * and month.
 */
export const range = z.object({
  from: epochMs,
  to: epochMs,
  bucket: bucketSize,
  offsetMinutes: z.number().int().min(-840).max(840).default(0),
})

export const grossBucket = z.object({
  at: epochMs,
  byInstrument: z.array(
    z.object({
      instrument,
      jobs: z.number().int(),
      inputTokens: tokens,
      outputTokens: tokens,
      grossNano: nanoAmount,
      feeNano: nanoAmount,
      heldNano: nanoAmount,
      availableNano: nanoAmount,
    }),
  ),
  power: z.object({ joules: z.number(), costNano: nanoSigned.nullable(), coveredShare: z.number() }),
})
export const series = z.object({
  realm,
  currency,
  powerCurrency: z.string(),
  powerMethod: z.string(),
  at: epochMs,
  buckets: z.array(grossBucket).max(2_000),
})
export type Series = z.infer<typeof series>

export const summary = z.object({
  realm,
  currency,
  powerCurrency: z.string(),
  at: epochMs,
  from: epochMs,
  to: epochMs,
  availableNano: nanoAmount,
  heldNano: nanoAmount,
  pendingNano: nanoAmount,
  grossNano: nanoAmount,
  feeNano: nanoAmount,
  jobs: z.number().int(),
  inputTokens: tokens,
  outputTokens: tokens,
  powerNano: nanoSigned.nullable(),
  powerKwh: z.number(),
  powerMethod: z.string(),
  powerNanoPerJob: nanoSigned.nullable(),
  powerNanoPerMtok: nanoSigned.nullable(),
  servedMs: z.number().int(),
  listedMs: z.number().int(),
  nextRelease: z.object({ at: epochMs, amountNano: nanoAmount }).nullable(),
})
export type Summary = z.infer<typeof summary>

export const earningsContract = {
  summary: method('read', [])
    .input(z.object({ from: epochMs, to: epochMs }))
    .output(summary),
  series: method('read', []).input(range).output(series),
  held: method('read', []).output(
    z.array(z.object({ jobId, instrument, amountNano: nanoAmount, releaseAt: epochMs, reason })).max(1_000),
  ),
  /**
   * The same rows as `series`, one line per bucket and instrument: exact nano integers beside the shown values, UTC and
   * local time, currency, realm.
   */
  csv: method('read', [])
    .input(range)
    .output(z.object({ fileName: z.string(), csv: z.string() })),
}
