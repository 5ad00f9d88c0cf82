/**
 * What was earned. Settled (available), held, pending and power come apart in every shape here, and are never summed.
 * The core alone cuts time: who asks names a zone and a span (or two moments), and draws what comes back.
 */
import { z } from 'zod'

import {
  currency,
  epochMs,
  instrument,
  jobId,
  nanoAmount,
  nanoSigned,
  ofVenue,
  realm,
  reason,
  timeZone,
  venueId,
} from './primitives.ts'
import { method } from './scope.ts'

export const bucketSize = z.enum(['quarter', 'hour', 'day', 'month'])
export type BucketSize = z.infer<typeof bucketSize>
/**
 * By the core's clock and the zone's calendar: `6h` and `24h` end with the running hour; `today`, `7d` and `30d` with
 * the running day; `1y` with the running month.
 */
export const spanName = z.enum(['6h', '24h', 'today', '7d', '30d', '1y'])
export type SpanName = z.infer<typeof spanName>
/** What income is told apart by. */
export const incomeKey = z.enum(['instrument', 'model', 'deployment'])
export type IncomeKey = z.infer<typeof incomeKey>

const asked = { venueId, zone: timeZone, bucket: bucketSize.optional(), by: incomeKey.default('instrument') }
/**
 * A span by its name, with its own step unless another is asked for; or all quarter hours (UTC) that begin in [from,
 * to), by day unless another step is asked for.
 */
export const range = z.union([
  z.strictObject({ span: spanName, ...asked }),
  z.strictObject({ from: epochMs, to: epochMs, ...asked }),
])
type OfVenue = z.infer<typeof range>
/** A range, whatever the venue. */
export type RangeAsked = OfVenue extends infer R ? (R extends OfVenue ? Omit<R, 'venueId'> : never) : never

/** A range as it was cut: `from` inclusive, `to` exclusive, both on a quarter hour; the zone as it is spelt in the IANA list. */
export const cutRange = z.object({ from: epochMs, to: epochMs, bucket: bucketSize, zone: z.string() })
export type CutRange = z.infer<typeof cutRange>

const total = z.number().int().min(0)
const sums = {
  jobs: total,
  inputTokens: total,
  outputTokens: total,
  grossNano: nanoAmount,
  feeNano: nanoAmount,
  heldNano: nanoAmount,
  availableNano: nanoAmount,
}

export const grossBucket = z.object({
  /** Start inclusive, end exclusive. The first and the last bucket of a range end where it does. */
  at: epochMs,
  end: epochMs,
  /** The start by the clocks of the zone, with the offset of that moment: `2026-11-21T13:00:00+01:00`. */
  startLocal: z.string(),
  /**
   * It has begun, or holds something all the same: the exchange's clock may be ahead, and energy that was stored by hour
   * is split over the whole hour.
   */
  begun: z.boolean(),
  /** In the order of `source`: an instrument, the SHA-256 of a model, or the id of a deployment, as `by` says. */
  income: z.array(z.object({ source: z.string(), ...sums })),
  power: z.object({
    joules: z.number(),
    costNano: nanoSigned.nullable(),
    coveredShare: z.number(),
    /** Part of those joules and of that cost: GPUs whose meter reads each by itself. */
    gpus: z.array(z.object({ gpu: z.string(), joules: z.number(), costNano: nanoSigned.nullable() })),
  }),
})

export const summary = z.object({
  venueId,
  realm,
  currency,
  powerCurrency: z.string(),
  at: epochMs,
  range: cutRange,
  ...sums,
  pendingNano: nanoAmount,
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

export const series = z.object({
  venueId,
  realm,
  currency,
  powerCurrency: z.string(),
  powerMethod: z.string(),
  at: epochMs,
  range: cutRange,
  by: incomeKey,
  /** Every bucket of the range, empty ones too. */
  buckets: z.array(grossBucket).max(2_000),
  /** Of the same range, read at the same moment: the sum of the buckets. */
  summary,
})
export type Series = z.infer<typeof series>

export const earningsContract = {
  summary: method('read', ['NOT_FOUND']).input(range).output(summary),
  series: method('read', ['NOT_FOUND']).input(range).output(series),
  held: method('read', ['NOT_FOUND'])
    .input(ofVenue)
    .output(
      z.array(z.object({ venueId, jobId, instrument, amountNano: nanoAmount, releaseAt: epochMs, reason })).max(1_000),
    ),
  /**
   * The same rows as `series`, one line per bucket and source: exact nano integers beside the shown values, UTC and
   * local time, zone, currency, realm.
   */
  csv: method('read', ['NOT_FOUND'])
    .input(range)
    .output(z.object({ fileName: z.string(), csv: z.string() })),
}
