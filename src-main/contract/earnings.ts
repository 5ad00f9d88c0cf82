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

const source = z.string().max(96)
const asked = {
  venueId,
  zone: timeZone,
  bucket: bucketSize.optional(),
  by: incomeKey.default('instrument'),
  /** Only income of these sources (as `by` names them); electricity stays the whole machine's. */
  only: z.array(source).min(1).max(20).optional(),
}
/** A date of the zone's calendar: `2026-11-21`. */
const localDate = z.string().regex(/^\d{4}-\d{2}-\d{2}$/)
/**
 * A span by its name, with its own step unless another is asked for; the days from one date to another, both included,
 * by the step that suits their number; or all quarter hours (UTC) that begin in [from, to), by day unless another step
 * is asked for.
 */
export const range = z.union([
  z.strictObject({ span: spanName, ...asked }),
  z.strictObject({ firstDay: localDate, lastDay: localDate, ...asked }),
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
  /** Given up by the owner: gross = fee + available + held + written off. */
  writtenOffNano: nanoAmount,
}

/** Of one stretch of time, in milliseconds. */
const used = z.object({
  /** The machine was on and its electricity known. */
  onMs: total,
  /** Something was listed on this venue, by the owner's wish. */
  listedMs: total,
  /** Job time sold on this venue, counted where the job was settled: two jobs at once for a second are two seconds. */
  servedMs: total,
  /** At least one job ran on this machine, whoever it was for. */
  busyMs: total,
})
export type Used = z.infer<typeof used>

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
  used,
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
  ...used.shape,
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
  /** Every source that was ever sold on this venue, the first sold first: its place is its colour, for good. */
  sources: z.array(z.string()).max(1_000),
  /** The same sums of the period before, up to the same point of it while this one still runs. */
  previous: summary,
})
export type Series = z.infer<typeof series>

const HOURS_A_WEEK = 168
export const week = z.object({
  venueId,
  currency,
  powerCurrency: z.string(),
  at: epochMs,
  range: cutRange,
  /** Monday 00:00 to Sunday 23:00 by the zone's clocks; sums of all such hours of the range. */
  hours: z
    .array(z.object({ earnedNano: nanoAmount, costNano: nanoSigned.nullable(), ...used.shape }))
    .length(HOURS_A_WEEK),
})
export type Week = z.infer<typeof week>

export const history = z.object({
  venueId,
  at: epochMs,
  zone: z.string(),
  /** The first day anything was sold, at most a year back; then every day up to today. Earned: gross less fee and what was written off. */
  days: z.array(z.object({ date: z.string(), earnedNano: nanoAmount })).max(366),
})
export type History = z.infer<typeof history>

export const releases = z.object({
  venueId,
  at: epochMs,
  zone: z.string(),
  /** By the day of the release, the next first; what is due since before today counts to today. */
  days: z
    .array(
      z.object({
        date: z.string(),
        at: epochMs,
        jobs: total,
        sources: z.array(z.object({ source: z.string(), heldNano: nanoAmount })),
      }),
    )
    .max(62),
  /** Held money that is in no day above: released later, or of jobs beyond those that were read. */
  laterNano: nanoAmount,
})
export type Releases = z.infer<typeof releases>

/** What happened to what earns: an ask or a listing changed, the market came or went, the rig was stopped. */
export const mark = z.object({
  at: epochMs,
  kind: z.enum(['ask', 'cost', 'record']),
  code: z.string(),
  /** The grade it is about; empty where it is about the rig or the market. */
  instrument: z.string(),
  /** Ask per million output tokens, where it is about one. */
  askNano: nanoAmount.nullable(),
  /** The ask before it, where that changed. */
  beforeNano: nanoAmount.nullable(),
})
export type Mark = z.infer<typeof mark>

export const earningsContract = {
  summary: method('read', ['NOT_FOUND']).input(range).output(summary),
  series: method('read', ['NOT_FOUND']).input(range).output(series),
  held: method('read', ['NOT_FOUND'])
    .input(ofVenue)
    .output(
      z.array(z.object({ venueId, jobId, instrument, amountNano: nanoAmount, releaseAt: epochMs, reason })).max(1_000),
    ),
  /** Which hours of the week pay, over a range. */
  week: method('read', ['NOT_FOUND']).input(range).output(week),
  /** What each day of the last year earned: the strip a range is chosen on. */
  history: method('read', ['NOT_FOUND'])
    .input(z.strictObject({ venueId, zone: timeZone }))
    .output(history),
  /** When held money is released. */
  releases: method('read', ['NOT_FOUND'])
    .input(z.strictObject({ venueId, zone: timeZone }))
    .output(releases),
  /** The newest marks of a range, in the order of time, and how many older ones were left out (at least). */
  marks: method('read', ['NOT_FOUND'])
    .input(range)
    .output(z.object({ marks: z.array(mark).max(60), leftOut: total })),
  /**
   * The same rows as `series`, one line per bucket and source: exact nano integers beside the shown values, UTC and
   * local time, zone, currency, realm.
   */
  csv: method('read', ['NOT_FOUND'])
    .input(range)
    .output(z.object({ fileName: z.string(), csv: z.string() })),
}
