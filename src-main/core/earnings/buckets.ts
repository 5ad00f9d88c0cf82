/**
 * Time buckets of charts. An hour belongs to the bucket in which it begins, and a range holds the hours that begin in
 * it: so any two ways to cut the same range have the same sum. Days and months are the viewer's, by a fixed offset east
 * of UTC.
 */
import type { BucketSize } from '#contract/earnings.ts'
import { fail } from '#contract/errors.ts'
import { DAY_MS, HOUR_MS, MINUTE_MS, type EpochMs } from '#contract/time.ts'

export interface Range {
  from: EpochMs
  to: EpochMs
  bucket: BucketSize
  offsetMinutes: number
}

const BUCKETS_MAX = 2_000

/** Start of the bucket that `at` lies in. */
export function bucketStart(at: EpochMs, bucket: BucketSize, offsetMinutes: number): EpochMs {
  if (bucket === 'hour') return Math.floor(at / HOUR_MS) * HOUR_MS
  const offset = offsetMinutes * MINUTE_MS
  if (bucket === 'day') return Math.floor((at + offset) / DAY_MS) * DAY_MS - offset
  const local = new Date(at + offset)
  return Date.UTC(local.getUTCFullYear(), local.getUTCMonth(), 1) - offset
}

/** Start of the bucket after the one that starts at `start`. */
export function nextBucket(start: EpochMs, bucket: BucketSize, offsetMinutes: number): EpochMs {
  if (bucket === 'hour') return start + HOUR_MS
  if (bucket === 'day') return start + DAY_MS
  const offset = offsetMinutes * MINUTE_MS
  const local = new Date(start + offset)
  return Date.UTC(local.getUTCFullYear(), local.getUTCMonth() + 1, 1) - offset
}

/**
 * Starts of all buckets that overlap [from, to), empty ones too: a gap is drawn as a gap. Throws BAD_REQUEST for an
 * empty range or more than BUCKETS_MAX.
 */
export function bucketStarts({ from, to, bucket, offsetMinutes }: Range): EpochMs[] {
  if (to <= from) throw fail('range.empty', {}, { data: { from, to } })
  const starts: EpochMs[] = []
  for (
    let start = bucketStart(from, bucket, offsetMinutes);
    start < to;
    start = nextBucket(start, bucket, offsetMinutes)
  ) {
    if (starts.length === BUCKETS_MAX) throw fail('range.tooFine', { max: BUCKETS_MAX, bucket }, { data: { bucket } })
    starts.push(start)
  }
  return starts
}
