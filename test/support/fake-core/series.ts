/** Earnings of the Fake: a daily rhythm, a gap where the rig was off, the last bucket still held. */
import type { Series, Summary } from '#contract/earnings.ts'
import type { Nano } from '#contract/money.ts'

import { VENUE } from '../venue.ts'
import { MICRO_GRADE, NANO_GRADE, wobble } from './state.ts'

type Bucket = Series['buckets'][number]
interface Range {
  from: number
  to: number
  bucket: 'hour' | 'day' | 'month'
}
const STEP = { hour: 3_600_000, day: 86_400_000, month: 30.4 * 86_400_000 } as const
const SCALE = { hour: 1_900_000, day: 31_000_000, month: 820_000_000 } as const

function starts({ from, to, bucket }: Range): number[] {
  const out: number[] = []
  const date = new Date(from)
  while (date.getTime() < to) {
    out.push(date.getTime())
    if (bucket === 'hour') date.setTime(date.getTime() + STEP.hour)
    else if (bucket === 'day') date.setDate(date.getDate() + 1)
    else date.setMonth(date.getMonth() + 1)
  }
  return out
}

function bucketAt(at: number, index: number, kind: Range['bucket'], last: boolean): Bucket {
  const gap = kind !== 'month' && index % 12 === 9
  if (gap) return { at, byInstrument: [], power: { joules: 0, costNano: null, coveredShare: 0 } }
  const rhythm = 0.55 + 0.45 * Math.sin(index * 0.62) + wobble(index) * 0.2
  const gross = Math.round(SCALE[kind] * Math.max(0.12, rhythm))
  const second = Math.round(gross * 0.28)
  const income = (instrument: typeof NANO_GRADE, nano: number): Bucket['byInstrument'][number] => {
    const fee = Math.floor(nano / 20)
    const held = last ? Math.round((nano - fee) * 0.35) : 0
    return {
      instrument,
      jobs: Math.round(nano / 24_000),
      inputTokens: Math.round(nano / 700),
      outputTokens: Math.round(nano / 1_100),
      grossNano: nano as Nano,
      feeNano: fee as Nano,
      heldNano: held as Nano,
      availableNano: (nano - fee - held) as Nano,
    }
  }
  return {
    at,
    byInstrument: [income(NANO_GRADE, gross), ...(index % 3 === 0 ? [] : [income(MICRO_GRADE, second)])],
    power: { joules: 168 * (STEP[kind] / 1_000), costNano: Math.round(gross * 1.4) as Nano, coveredShare: 1 },
  }
}

export function series(full: boolean, range: Range, now: number): Series {
  const base = {
    venueId: VENUE,
    realm: 'practice' as const,
    currency: 'PCR' as const,
    powerCurrency: 'EUR',
    powerMethod: '168 W read from the GPU (NVML), 0.28 EUR a kWh',
    at: now,
  }
  if (!full) return { ...base, buckets: [] }
  const past = starts(range).filter((at) => at <= now)
  return { ...base, buckets: past.map((at, index) => bucketAt(at, index, range.bucket, index === past.length - 1)) }
}

export function summary(full: boolean, from: number, to: number, now: number): Summary {
  const bucket = to - from <= 2 * 86_400_000 ? 'hour' : to - from <= 40 * 86_400_000 ? 'day' : 'month'
  const { buckets } = series(full, { from, to, bucket }, now)
  const all = buckets.flatMap((each) => each.byInstrument)
  const sum = (pick: (row: (typeof all)[number]) => number): number => all.reduce((total, row) => total + pick(row), 0)
  const power = buckets.reduce((total, each) => total + (each.power.costNano ?? 0), 0)
  const jobs = sum((row) => row.jobs)
  const tokens = sum((row) => row.inputTokens + row.outputTokens)
  return {
    venueId: VENUE,
    realm: 'practice',
    currency: 'PCR',
    powerCurrency: 'EUR',
    at: now,
    from,
    to,
    availableNano: sum((row) => row.availableNano) as Nano,
    heldNano: sum((row) => row.heldNano) as Nano,
    pendingNano: (full ? 24_600 : 0) as Nano,
    grossNano: sum((row) => row.grossNano) as Nano,
    feeNano: sum((row) => row.feeNano) as Nano,
    jobs,
    inputTokens: sum((row) => row.inputTokens),
    outputTokens: sum((row) => row.outputTokens),
    powerNano: full ? (power as Nano) : null,
    powerKwh: power / 280_000_000,
    powerMethod: full ? 'read from the GPU (NVML)' : 'no price per kWh yet',
    powerNanoPerJob: full ? (Math.round(power / Math.max(1, jobs)) as Nano) : null,
    powerNanoPerMtok: full ? (Math.round((power / Math.max(1, tokens)) * 1e6) as Nano) : null,
    servedMs: full ? 14_320_000 : 0,
    listedMs: full ? 71_400_000 : 0,
    nextRelease: full ? { at: now + 12_000, amountNano: 38_950 as Nano } : null,
  }
}

export function csv(full: boolean, range: Range, now: number): string {
  const lines = series(full, range, now).buckets.flatMap((bucket) =>
    bucket.byInstrument.map((row) =>
      [
        new Date(bucket.at).toISOString(),
        row.instrument,
        row.jobs,
        row.grossNano,
        row.feeNano,
        row.heldNano,
        row.availableNano,
        'PCR',
        'practice',
      ].join(','),
    ),
  )
  return ['utc,instrument,jobs,gross_nano,fee_nano,held_nano,available_nano,currency,realm', ...lines, ''].join('\r\n')
}
