/** Earnings of the Fake: a daily rhythm, a gap where the rig was off, the last bucket still held. Cut by the real calendar. */
import type { BucketSize, IncomeKey, RangeAsked, Series, Summary } from '#contract/earnings.ts'
import type { Nano } from '#contract/money.ts'
import { DAY_MS, HOUR_MS, QUARTER_MS } from '#contract/time.ts'
import { localTime } from '#core/earnings/calendar.ts'
import { seriesCsv } from '#core/earnings/csv.ts'
import { bucketsOf, resolveRange, type TimeBucket } from '#core/earnings/ranges.ts'

import { VENUE } from '../venue.ts'
import { DEPLOYMENT, MICRO_GRADE, NANO_GRADE, SHA, wobble } from './state.ts'

type Bucket = Series['buckets'][number]
const STEP = { quarter: QUARTER_MS, hour: HOUR_MS, day: DAY_MS, month: 30.4 * DAY_MS } as const
const SCALE = { quarter: 480_000, hour: 1_900_000, day: 31_000_000, month: 820_000_000 } as const

const SOURCES: Readonly<Record<IncomeKey, readonly [string, string]>> = {
  instrument: [NANO_GRADE, MICRO_GRADE],
  // The second of each is in no list any more.
  model: [SHA, SHA.replaceAll('9', '8')],
  deployment: [DEPLOYMENT, 'dep_7h3j5k9l2p4q'],
}

const FAKE_GPU = 'GPU-5f0e2c1d-7a44-4b19-9c02-3e8d6f1a2b77'

const nothing: Pick<Bucket, 'income' | 'power' | 'used'> = {
  income: [],
  used: { onMs: 0, listedMs: 0, servedMs: 0, busyMs: 0 },
  power: { joules: 0, costNano: null, coveredShare: 0, gpus: [] },
}

function contentOf(
  index: number,
  { bucket, by, last }: { bucket: BucketSize; by: IncomeKey; last: boolean },
): Pick<Bucket, 'income' | 'power' | 'used'> {
  const gap = bucket !== 'month' && index % 12 === 9
  if (gap) return nothing
  const rhythm = 0.55 + 0.45 * Math.sin(index * 0.62) + wobble(index) * 0.2
  const gross = Math.round(SCALE[bucket] * Math.max(0.12, rhythm))
  const second = Math.round(gross * 0.28)
  const income = (source: string, nano: number): Bucket['income'][number] => {
    const fee = Math.floor(nano / 20)
    const held = last ? Math.round((nano - fee) * 0.35) : 0
    return {
      source,
      jobs: Math.round(nano / 24_000),
      inputTokens: Math.round(nano / 700),
      outputTokens: Math.round(nano / 1_100),
      grossNano: nano as Nano,
      feeNano: fee as Nano,
      heldNano: held as Nano,
      availableNano: (nano - fee - held) as Nano,
      writtenOffNano: 0 as Nano,
    }
  }
  const [one, two] = SOURCES[by]
  const joules = 168 * (STEP[bucket] / 1_000)
  const cost = Math.round(gross * 1.4)
  const gpu = { gpu: FAKE_GPU, joules: joules * 0.75, costNano: Math.floor(cost * 0.75) as Nano }
  return {
    income: [income(one, gross), ...(index % 3 === 0 ? [] : [income(two, second)])],
    used: {
      onMs: STEP[bucket],
      listedMs: Math.round(STEP[bucket] * 0.75),
      servedMs: Math.round(STEP[bucket] * 0.3 * rhythm),
      busyMs: Math.round(STEP[bucket] * 0.2 * rhythm),
    },
    power: { joules, costNano: cost as Nano, coveredShare: 1, gpus: [gpu] },
  }
}

export function series(full: boolean, asked: RangeAsked, now: number): Series {
  const range = resolveRange(asked, now)
  const times = bucketsOf(range)
  const running = times.findLastIndex(({ at }) => at <= now)
  const buckets = times.map((time: TimeBucket, index): Bucket => ({
    ...time,
    startLocal: localTime(time.at, range.zone),
    begun: index <= running,
    ...(full && index <= running
      ? contentOf(index, { bucket: range.bucket, by: asked.by, last: index === running })
      : nothing),
  }))
  return {
    venueId: VENUE,
    realm: 'practice',
    currency: 'PCR',
    powerCurrency: 'EUR',
    powerMethod: '168 W read from the GPU (NVML), 0.28 EUR a kWh',
    at: now,
    range,
    by: asked.by,
    buckets,
    summary: summaryOf(full, range, buckets, now),
    sources: full ? [...SOURCES[asked.by]] : [],
    // As much came before, less the jobs still held.
    previous: { ...summaryOf(full, range, buckets, now), heldNano: 0 as Nano },
  }
}

function summaryOf(full: boolean, range: Series['range'], buckets: readonly Bucket[], now: number): Summary {
  const all = buckets.flatMap((each) => each.income)
  const sum = (pick: (row: (typeof all)[number]) => number): number => all.reduce((total, row) => total + pick(row), 0)
  const used = (pick: (row: Bucket['used']) => number): number =>
    buckets.reduce((total, each) => total + pick(each.used), 0)
  const power = buckets.reduce((total, each) => total + (each.power.costNano ?? 0), 0)
  const jobs = sum((row) => row.jobs)
  const tokens = sum((row) => row.inputTokens + row.outputTokens)
  return {
    venueId: VENUE,
    realm: 'practice',
    currency: 'PCR',
    powerCurrency: 'EUR',
    at: now,
    range,
    availableNano: sum((row) => row.availableNano) as Nano,
    heldNano: sum((row) => row.heldNano) as Nano,
    pendingNano: (full ? 24_600 : 0) as Nano,
    grossNano: sum((row) => row.grossNano) as Nano,
    feeNano: sum((row) => row.feeNano) as Nano,
    jobs,
    inputTokens: sum((row) => row.inputTokens),
    outputTokens: sum((row) => row.outputTokens),
    powerNano: full ? (power as Nano) : null,
    powerKwh: buckets.reduce((total, each) => total + each.power.joules, 0) / 3_600_000,
    powerMethod: full ? 'read from the GPU (NVML)' : 'no price per kWh yet',
    powerNanoPerJob: full ? (Math.round(power / Math.max(1, jobs)) as Nano) : null,
    powerNanoPerMtok: full ? (Math.round((power / Math.max(1, tokens)) * 1e6) as Nano) : null,
    writtenOffNano: 0 as Nano,
    onMs: used((each) => each.onMs),
    listedMs: used((each) => each.listedMs),
    servedMs: used((each) => each.servedMs),
    busyMs: used((each) => each.busyMs),
    nextRelease: full ? { at: now + 12_000, amountNano: 38_950 as Nano } : null,
  }
}

export const csv = (full: boolean, asked: RangeAsked, now: number): string => seriesCsv(series(full, asked, now), 9)
