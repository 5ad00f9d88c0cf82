import { join } from 'node:path'

import { call } from '@orpc/server'
import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import type { BucketSize, Series } from '#contract/earnings.ts'
import { DAY_MS, HOUR_MS, QUARTER_MS } from '#contract/time.ts'
import { createEarnings, earningsApi } from '#core/earnings/index.ts'
import { realmMigrations } from '#core/realm-db/index.ts'
import { ALL_SCOPES } from '#core/os.ts'
import { openDb } from '#db/open.ts'
import type { Db } from '#db/db-types.ts'
import type { CurrencyEnergy, GpuEnergy } from '#core/power/index.ts'
import { costOfJobTime, rateOf } from '#core/power/power.ts'
import { rigContext, type RigContext } from '#test/support/rig-context.ts'

import { parseCsv } from './parse-csv.ts'
import { VENUE, VENUE_FACTS } from '#test/support/venue.ts'

const all = { context: { scopes: ALL_SCOPES } }
const NANO_TEXT = 'practice/text-nano'
const MICRO_TEXT = 'practice/text-micro'

let rig: RigContext
let realmDb: Db
/** Of one quarter hour each. */
let energy: (CurrencyEnergy & { at: number; method: string })[]
let gpus: (GpuEnergy & { at: number })[]
beforeEach(() => {
  rig = rigContext()
  realmDb = openDb({ path: join(rig.dataDir, 'practice.db'), migrations: realmMigrations })
  energy = []
  gpus = []
})
afterEach(() => {
  realmDb.close()
  rig.dispose()
})

const earnings = () =>
  createEarnings(
    { ...rig, ...VENUE_FACTS, realmDb },
    {
      sums: (from, to) => energy.filter(({ at }) => at >= from && at < to),
      gpus: (from, to) => gpus.filter(({ at }) => at >= from && at < to),
      weekHours: (from, to, offset) =>
        energy
          .filter(({ at }) => at >= from && at < to)
          .map((row) => ({ ...row, hour: Math.floor((row.at + offset) / HOUR_MS + 72) % 168 })),
      methods: (from, to, limit) =>
        [
          ...new Set(
            energy
              .filter(({ at }) => at >= from && at < to)
              .map(({ method }) => method)
              .reverse(),
          ),
        ].slice(0, limit),
      currency: () => 'EUR',
      costOfJobs: (rows, jobMs) => costOfJobTime(rateOf(rows, 'EUR'), jobMs),
    },
  )

interface Rolled {
  /** Start of its quarter hour. */
  at: number
  instrument?: string
  model?: string
  deployment?: string
  jobs?: number
  gross: number
  fee: number
  released?: number
  input?: number
  output?: number
  servedMs?: number
}
function roll(row: Rolled): void {
  realmDb.tx((db) =>
    db
      .prepare(`
    INSERT INTO rollup_quarter (quarter_ms, instrument, sha256, deployment_id, jobs, input_tokens, output_tokens, gross_nano, fee_nano, seller_nano, released_nano, served_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT DO NOTHING`)
      .run(
        row.at,
        row.instrument ?? NANO_TEXT,
        row.model ?? 'a',
        row.deployment ?? 'dep_1',
        row.jobs ?? 1,
        row.input ?? 0,
        row.output ?? 0,
        row.gross,
        row.fee,
        row.gross - row.fee,
        row.released ?? 0,
        row.servedMs ?? 0,
      ),
  )
}
const burn = (at: number, costNano: number, extra: Partial<(typeof energy)[number]> = {}): void => {
  energy.push({
    at,
    currency: 'EUR',
    joules: 3_600_000,
    servingJoules: 0,
    costNano,
    servingCostNano: 0,
    coveredMs: QUARTER_MS,
    servingMs: 0,
    jobMs: 0,
    method: 'estimate',
    ...extra,
  })
}
const empty = {
  begun: true,
  income: [],
  used: { onMs: 0, listedMs: 0, servedMs: 0, busyMs: 0 },
  power: { joules: 0, costNano: null, coveredShare: 0, gpus: [] },
}
const utc = (from: number, to: number, bucket: BucketSize = 'hour') =>
  ({ from, to, bucket, zone: 'UTC', by: 'instrument' }) as const

describe('series', () => {
  it('draws empty hours as empty, keeps instruments, held and available apart, and the power below', async () => {
    const day = Date.UTC(2026, 10, 20)
    roll({ at: day + HOUR_MS, gross: 1_000, fee: 50, released: 600, jobs: 2, input: 10, output: 20 })
    roll({ at: day + HOUR_MS + QUARTER_MS, instrument: MICRO_TEXT, gross: 10, fee: 0 })
    burn(day + HOUR_MS, 7, { coveredMs: HOUR_MS / 2 })
    gpus.push({ at: day + HOUR_MS, gpu: 'GPU-1a', currency: 'EUR', joules: 1_000, costNano: 3 })
    gpus.push({ at: day + HOUR_MS, gpu: 'GPU-1a', currency: 'USD', joules: 500, costNano: 9 })
    burn(day + HOUR_MS, 9, { currency: 'USD', coveredMs: HOUR_MS / 4 })
    const series = await call(
      earningsApi(rig.os, earnings).series,
      { venueId: VENUE, from: day, to: day + 3 * HOUR_MS, bucket: 'hour', zone: 'Europe/Berlin' },
      all,
    )
    expect(series).toMatchObject({
      realm: 'practice',
      currency: 'PCR',
      powerCurrency: 'EUR',
      by: 'instrument',
      range: { from: day, to: day + 3 * HOUR_MS, bucket: 'hour', zone: 'Europe/Berlin' },
    })
    expect(series.powerMethod).toContain('without a price in EUR')
    expect(series.buckets).toEqual([
      { ...empty, at: day, end: day + HOUR_MS, startLocal: '2026-11-20T01:00:00+01:00' },
      {
        at: day + HOUR_MS,
        end: day + 2 * HOUR_MS,
        startLocal: '2026-11-20T02:00:00+01:00',
        begun: true,
        income: [
          {
            source: MICRO_TEXT,
            jobs: 1,
            inputTokens: 0,
            outputTokens: 0,
            grossNano: 10,
            feeNano: 0,
            heldNano: 10,
            availableNano: 0,
            writtenOffNano: 0,
          },
          {
            source: NANO_TEXT,
            jobs: 2,
            inputTokens: 10,
            outputTokens: 20,
            grossNano: 1_000,
            feeNano: 50,
            heldNano: 350,
            availableNano: 600,
            writtenOffNano: 0,
          },
        ],
        power: {
          joules: 7_200_000,
          costNano: 7,
          coveredShare: 0.75,
          gpus: [{ gpu: 'GPU-1a', joules: 1_500, costNano: 3 }],
        },
        used: { ...empty.used, onMs: 0.75 * HOUR_MS },
      },
      { ...empty, at: day + 2 * HOUR_MS, end: day + 3 * HOUR_MS, startLocal: '2026-11-20T03:00:00+01:00' },
    ])
  })

  it('an hour of failures alone is no income', () => {
    realmDb.tx((db) =>
      db
        .prepare(
          "INSERT INTO rollup_quarter (quarter_ms, instrument, sha256, deployment_id, failed) VALUES (0, ?, '', '', 3)",
        )
        .run(NANO_TEXT),
    )
    expect(earnings().series(utc(0, HOUR_MS)).buckets[0]?.income).toEqual([])
  })

  it('counts cover only up to now: an hour half gone and fully measured is whole', async () => {
    const hour = rig.clock.now()
    await rig.clock.advance(HOUR_MS / 2)
    burn(hour, 1, { coveredMs: HOUR_MS / 2 })
    expect(earnings().series(utc(hour, hour + HOUR_MS)).buckets[0]?.power.coveredShare).toBe(1)
  })

  it('refuses a range that makes too many steps, before reading it', async () => {
    await expect(
      call(
        earningsApi(rig.os, earnings).series,
        { venueId: VENUE, from: 0, to: 2_001 * HOUR_MS, bucket: 'hour', zone: 'UTC' },
        all,
      ),
    ).rejects.toMatchObject({ data: { code: 'BAD_REQUEST' } })
  })

  it('refuses a zone nobody knows, and says what to send', async () => {
    const api = earningsApi(rig.os, earnings)
    const range = { venueId: VENUE, span: '24h', zone: 'Mars/Base' } as const
    const calls = [
      () => call(api.series, range, all),
      () => call(api.summary, range, all),
      () => call(api.csv, range, all),
    ]
    for (const ask of calls)
      await expect(ask()).rejects.toMatchObject({
        data: { code: 'BAD_REQUEST' },
        message: expect.stringContaining('send an IANA name such as Europe/Berlin'),
      })
  })

  it('tells income apart by instrument, model or deployment, each with the same sum', () => {
    const at = Date.UTC(2026, 10, 20)
    roll({ at, gross: 1, fee: 0, model: 'a', deployment: 'dep_1' })
    roll({ at, gross: 20, fee: 0, model: 'a', deployment: 'dep_2' })
    roll({ at, gross: 300, fee: 0, model: 'b', deployment: 'dep_3', instrument: MICRO_TEXT })
    const by = (key: 'instrument' | 'model' | 'deployment') =>
      earnings()
        .series({ ...utc(at, at + HOUR_MS), by: key })
        .buckets[0]?.income.map(({ source, grossNano }) => [source, grossNano])
    expect(by('instrument')).toEqual([
      [MICRO_TEXT, 300],
      [NANO_TEXT, 21],
    ])
    expect(by('model')).toEqual([
      ['a', 21],
      ['b', 300],
    ])
    expect(by('deployment')).toEqual([
      ['dep_1', 1],
      ['dep_2', 20],
      ['dep_3', 300],
    ])
  })

  it('a bucket is begun by the clock, or by what the exchange’s clock put into it', async () => {
    const now = rig.clock.now()
    roll({ at: now + 2 * HOUR_MS, gross: 5, fee: 0 })
    const series = earnings().series(utc(now, now + 4 * HOUR_MS))
    expect(series.buckets.map(({ begun }) => begun)).toEqual([true, false, true, false])
    expect(parseCsv(earnings().csv(utc(now, now + 4 * HOUR_MS)).csv)).toHaveLength(1 + 2 + 1)
  })
})

const totals = (series: Series) => {
  const sum = {
    jobs: 0,
    inputTokens: 0,
    outputTokens: 0,
    grossNano: 0,
    feeNano: 0,
    heldNano: 0,
    availableNano: 0,
    powerNano: 0,
    joules: 0,
  }
  for (const { income, power } of series.buckets) {
    for (const row of income)
      for (const field of [
        'jobs',
        'inputTokens',
        'outputTokens',
        'grossNano',
        'feeNano',
        'heldNano',
        'availableNano',
      ] as const)
        sum[field] += row[field]
    sum.powerNano += power.costNano ?? 0
    sum.joules += power.joules
  }
  return sum
}

describe('sums', () => {
  const quarters = fc.uniqueArray(
    fc.record({
      quarter: fc.integer({ min: 0, max: 96 * 70 }),
      instrument: fc.constantFrom(NANO_TEXT, MICRO_TEXT),
      gross: fc.integer({ min: 1, max: 2 ** 40 }),
      feeShare: fc.double({ min: 0, max: 1, noNaN: true }),
      releasedShare: fc.double({ min: 0, max: 1, noNaN: true }),
      output: fc.integer({ min: 0, max: 1e6 }),
    }),
    { maxLength: 40, selector: ({ quarter, instrument }) => `${quarter} ${instrument}` },
  )
  const START = Date.UTC(2026, 8, 1)

  it("property: any cut of any range sums to the summary; held + available is the seller's part; CSV gives the same integers", () => {
    fc.assert(
      fc.property(
        quarters,
        fc.constantFrom('hour' as const, 'day' as const, 'month' as const),
        fc.constantFrom('Europe/Berlin', 'Asia/Kathmandu', 'Australia/Lord_Howe', 'America/St_Johns'),
        fc.integer({ min: 0, max: 20 * DAY_MS }),
        fc.integer({ min: HOUR_MS, max: 40 * DAY_MS }),
        (rows, bucket, zone, skip, length) => {
          realmDb.tx((db) => db.prepare('DELETE FROM rollup_quarter').run())
          energy = []
          for (const row of rows) {
            const fee = Math.floor(row.gross * row.feeShare)
            roll({
              at: START + row.quarter * QUARTER_MS,
              instrument: row.instrument,
              gross: row.gross,
              fee,
              released: Math.floor((row.gross - fee) * row.releasedShare),
              output: row.output,
            })
            burn(START + row.quarter * QUARTER_MS, row.output)
          }
          const domain = earnings()
          const range = { from: START + skip, to: START + skip + length, bucket, zone, by: 'instrument' } as const
          const series = domain.series(range)
          const summary = domain.summary(range)
          expect(series.summary).toEqual(summary)
          const sum = totals(series)
          expect(sum).toMatchObject({
            jobs: summary.jobs,
            inputTokens: summary.inputTokens,
            outputTokens: summary.outputTokens,
            grossNano: summary.grossNano,
            feeNano: summary.feeNano,
            heldNano: summary.heldNano,
            availableNano: summary.availableNano,
            powerNano: summary.powerNano ?? 0,
          })
          expect(summary.heldNano + summary.availableNano).toBe(summary.grossNano - summary.feeNano)
          expect(sum.joules / 3_600_000).toBeCloseTo(summary.powerKwh, 6)

          const [header = [], ...lines] = parseCsv(domain.csv(range).csv)
          const value = (line: string[], name: string): number => Number(line[header.indexOf(name)])
          const income = lines.filter(([kind]) => kind === 'income')
          const csvSum = (name: string): number => income.reduce((all, line) => all + value(line, name), 0)
          expect({
            gross: csvSum('gross_nano'),
            fee: csvSum('fee_nano'),
            held: csvSum('held_nano'),
            available: csvSum('available_nano'),
            jobs: csvSum('jobs'),
          }).toEqual({
            gross: sum.grossNano,
            fee: sum.feeNano,
            held: sum.heldNano,
            available: sum.availableNano,
            jobs: sum.jobs,
          })
          expect(income).toHaveLength(series.buckets.reduce((count, { income: rows }) => count + rows.length, 0))
          expect(
            lines
              .filter(([kind]) => kind === 'electricity')
              .reduce((all, line) => all + value(line, 'power_cost_nano'), 0),
          ).toBe(sum.powerNano)
          for (const line of lines) expect(line).toHaveLength(header.length)
        },
      ),
      { numRuns: 30 },
    )
  })
})

describe('summary', () => {
  it('knows cost per job and per million tokens from the serving part alone, served and listed time', () => {
    const hour = Date.UTC(2026, 10, 20)
    roll({ at: hour, gross: 1_000, fee: 50, jobs: 4, input: 1_000, output: 3_000, servedMs: 8_000 })
    burn(hour, 5_000_000, { servingCostNano: 100_000, jobMs: 10_000, servingMs: 5_000 })
    realmDb.tx((db) =>
      db
        .prepare('INSERT INTO listing_quarter (quarter_ms, listed_ms, connected_ms) VALUES (?, 60000, 50000)')
        .run(hour),
    )
    expect(earnings().summary(utc(hour, hour + HOUR_MS))).toMatchObject({
      powerNano: 5_000_000,
      powerKwh: 1,
      powerMethod: 'estimate',
      powerNanoPerJob: 20_000,
      powerNanoPerMtok: 20_000_000,
      servedMs: 8_000,
      listedMs: 60_000,
      nextRelease: null,
    })
  })

  it('says null, not nought, where nothing is known, and refuses an empty range', () => {
    expect(earnings().summary(utc(0, HOUR_MS))).toMatchObject({
      jobs: 0,
      powerNano: null,
      powerNanoPerJob: null,
      powerNanoPerMtok: null,
      powerMethod: 'nothing measured or estimated in this time',
    })
    expect(() => earnings().summary(utc(5, 5))).toThrow(expect.objectContaining({ code: 'BAD_REQUEST' }))
  })
})
