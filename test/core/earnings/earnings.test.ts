import { join } from 'node:path'

import { call } from '@orpc/server'
import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import type { Series } from '#contract/earnings.ts'
import { DAY_MS, HOUR_MS, SECOND_MS } from '#contract/time.ts'
import { createEarnings } from '#core/earnings/index.ts'
import { realmMigrations } from '#core/realm-db/index.ts'
import { ALL_SCOPES } from '#core/os.ts'
import { openDb } from '#db/open.ts'
import { heldJobs, pendingNano } from '#core/earnings/rollups.store.ts'
import type { Db, ReadDb } from '#db/db-types.ts'
import type { HourRow } from '#core/power/index.ts'
import { costOfJobTime, rateOf } from '#core/power/power.ts'
import { rigContext, type RigContext } from '#test/support/rig-context.ts'
import { inEnglish } from '#test/support/in-english.ts'

import { parseCsv } from './parse-csv.ts'

const all = { context: { scopes: ALL_SCOPES } }
const NANO_TEXT = 'practice/text-nano'
const MICRO_TEXT = 'practice/text-micro'

let rig: RigContext
let realmDb: Db
let energy: HourRow[]
beforeEach(() => {
  rig = rigContext()
  realmDb = openDb({ path: join(rig.dataDir, 'practice.db'), migrations: realmMigrations })
  energy = []
})
afterEach(() => {
  realmDb.close()
  rig.dispose()
})

const earnings = () =>
  createEarnings(
    { ...rig, realmDb, realm: 'practice', currency: 'PCR' },
    {
      hours: (from, to) => energy.filter(({ hourMs }) => hourMs >= from && hourMs < to),
      currency: () => 'EUR',
      costOfJobs: (rows, jobMs) => costOfJobTime(rateOf(rows, 'EUR'), jobMs),
    },
  )

interface Rolled {
  hour: number
  instrument?: string
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
    INSERT INTO rollup_hour (hour_ms, instrument, jobs, input_tokens, output_tokens, gross_nano, fee_nano, seller_nano, released_nano, served_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT DO NOTHING`)
      .run(
        row.hour,
        row.instrument ?? NANO_TEXT,
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
const burn = (hour: number, costNano: number, extra: Partial<HourRow> = {}): void => {
  energy.push({
    hourMs: hour,
    currency: 'EUR',
    joules: 3_600_000,
    servingJoules: 0,
    costNano,
    servingCostNano: 0,
    coveredMs: HOUR_MS,
    servingMs: 0,
    jobMs: 0,
    method: 'estimate',
    ...extra,
  })
}
function job(
  id: string,
  state: 'claimed' | 'settled' | 'failed',
  money: { gross: number; seller?: number; releaseAt?: number; releasedAt?: number },
): void {
  realmDb.tx((db) =>
    db
      .prepare(`
    INSERT INTO jobs (job_id, instrument, spec_version, deployment_id, sha256, state, price_nano, reserve_nano, salt, started_at, expires_at, claim_json, claim_sig, gross_nano, seller_nano, release_at, released_at, receipt_seq)
    VALUES (?, ?, 1, 'dep_1', 'a', ?, 0, 0, 's', 0, 0, ?, ?, ?, ?, ?, ?, ?)`)
      .run(
        id,
        NANO_TEXT,
        state,
        state === 'failed' ? null : '{}',
        state === 'failed' ? null : 's',
        money.gross,
        money.seller ?? null,
        money.releaseAt ?? null,
        money.releasedAt ?? null,
        state === 'settled' ? 1 : null,
      ),
  )
}

describe('series', () => {
  it('draws empty hours as empty, keeps instruments, held and available apart, and the power below', async () => {
    const day = Date.UTC(2026, 10, 20)
    roll({ hour: day + HOUR_MS, gross: 1_000, fee: 50, released: 600, jobs: 2, input: 10, output: 20 })
    roll({ hour: day + HOUR_MS, instrument: MICRO_TEXT, gross: 10, fee: 0 })
    burn(day + HOUR_MS, 7, { coveredMs: HOUR_MS / 2 })
    burn(day + HOUR_MS, 9, { currency: 'USD', coveredMs: HOUR_MS / 4 })
    const series = await call(
      earnings().api.series,
      { from: day, to: day + 3 * HOUR_MS, bucket: 'hour', offsetMinutes: 0 },
      all,
    )
    expect(series).toMatchObject({ realm: 'practice', currency: 'PCR', powerCurrency: 'EUR' })
    expect(series.powerMethod).toContain('without a price in EUR')
    expect(series.buckets).toEqual([
      { at: day, byInstrument: [], power: { joules: 0, costNano: null, coveredShare: 0 } },
      {
        at: day + HOUR_MS,
        byInstrument: [
          {
            instrument: MICRO_TEXT,
            jobs: 1,
            inputTokens: 0,
            outputTokens: 0,
            grossNano: 10,
            feeNano: 0,
            heldNano: 10,
            availableNano: 0,
          },
          {
            instrument: NANO_TEXT,
            jobs: 2,
            inputTokens: 10,
            outputTokens: 20,
            grossNano: 1_000,
            feeNano: 50,
            heldNano: 350,
            availableNano: 600,
          },
        ],
        power: { joules: 7_200_000, costNano: 7, coveredShare: 0.75 },
      },
      { at: day + 2 * HOUR_MS, byInstrument: [], power: { joules: 0, costNano: null, coveredShare: 0 } },
    ])
  })

  it('an hour of failures alone is no income', () => {
    realmDb.tx((db) =>
      db.prepare('INSERT INTO rollup_hour (hour_ms, instrument, failed) VALUES (0, ?, 3)').run(NANO_TEXT),
    )
    expect(
      earnings().series({ from: 0, to: HOUR_MS, bucket: 'hour', offsetMinutes: 0 }).buckets[0]?.byInstrument,
    ).toEqual([])
  })

  it('counts cover only up to now: an hour half gone and fully measured is whole', async () => {
    const hour = rig.clock.now()
    await rig.clock.advance(HOUR_MS / 2)
    burn(hour, 1, { coveredMs: HOUR_MS / 2 })
    expect(
      earnings().series({ from: hour, to: hour + HOUR_MS, bucket: 'hour', offsetMinutes: 0 }).buckets[0]?.power
        .coveredShare,
    ).toBe(1)
  })

  it('refuses a range that makes too many steps, before reading it', async () => {
    await expect(
      call(earnings().api.series, { from: 0, to: 2_001 * HOUR_MS, bucket: 'hour' }, all),
    ).rejects.toMatchObject({ data: { code: 'BAD_REQUEST' } })
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
  for (const { byInstrument, power } of series.buckets) {
    for (const row of byInstrument)
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
  const hours = fc.uniqueArray(
    fc.record({
      hour: fc.integer({ min: 0, max: 24 * 70 }),
      instrument: fc.constantFrom(NANO_TEXT, MICRO_TEXT),
      gross: fc.integer({ min: 1, max: 2 ** 40 }),
      feeShare: fc.double({ min: 0, max: 1, noNaN: true }),
      releasedShare: fc.double({ min: 0, max: 1, noNaN: true }),
      output: fc.integer({ min: 0, max: 1e6 }),
    }),
    { maxLength: 40, selector: ({ hour, instrument }) => `${hour} ${instrument}` },
  )
  const START = Date.UTC(2026, 8, 1)

  it("property: any cut of any range sums to the summary; held + available is the seller's part; CSV gives the same integers", () => {
    fc.assert(
      fc.property(
        hours,
        fc.constantFrom('hour' as const, 'day' as const, 'month' as const),
        fc.integer({ min: -840, max: 840 }),
        fc.integer({ min: 0, max: 20 * DAY_MS }),
        fc.integer({ min: HOUR_MS, max: 40 * DAY_MS }),
        (rows, bucket, offsetMinutes, skip, length) => {
          realmDb.tx((db) => db.prepare('DELETE FROM rollup_hour').run())
          energy = []
          for (const row of rows) {
            const fee = Math.floor(row.gross * row.feeShare)
            roll({
              hour: START + row.hour * HOUR_MS,
              instrument: row.instrument,
              gross: row.gross,
              fee,
              released: Math.floor((row.gross - fee) * row.releasedShare),
              output: row.output,
            })
            burn(START + row.hour * HOUR_MS, row.output)
          }
          const domain = earnings()
          const range = { from: START + skip, to: START + skip + length, bucket, offsetMinutes }
          const series = domain.series(range)
          const summary = domain.summary(range.from, range.to)
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
          expect(income).toHaveLength(
            series.buckets.reduce((count, { byInstrument }) => count + byInstrument.length, 0),
          )
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
    roll({ hour, gross: 1_000, fee: 50, jobs: 4, input: 1_000, output: 3_000, servedMs: 8_000 })
    burn(hour, 5_000_000, { servingCostNano: 100_000, jobMs: 10_000, servingMs: 5_000 })
    realmDb.tx((db) =>
      db.prepare('INSERT INTO listing_time (hour_ms, listed_ms, connected_ms) VALUES (?, 60000, 50000)').run(hour),
    )
    expect(earnings().summary(hour, hour + HOUR_MS)).toMatchObject({
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
    expect(earnings().summary(0, HOUR_MS)).toMatchObject({
      jobs: 0,
      powerNano: null,
      powerNanoPerJob: null,
      powerNanoPerMtok: null,
      powerMethod: 'nothing measured or estimated in this time',
    })
    expect(() => earnings().summary(5, 5)).toThrow(expect.objectContaining({ code: 'BAD_REQUEST' }))
  })

  it('tells pending claims and the next release, apart from what the range earned', () => {
    const now = rig.clock.now()
    job('job_c', 'claimed', { gross: 700 })
    job('job_d', 'claimed', { gross: 300 })
    job('job_1', 'settled', { gross: 100, seller: 95, releaseAt: now + 20_000 })
    job('job_2', 'settled', { gross: 100, seller: 90, releaseAt: now + 10_000 })
    expect(earnings().summary(now, now + HOUR_MS)).toMatchObject({
      pendingNano: 1_000,
      heldNano: 0,
      nextRelease: { at: now + 10_000, amountNano: 90 },
    })
  })
})

describe('held money', () => {
  it('is listed by release time, released and worthless jobs left out, overdue ones said so', async () => {
    const now = rig.clock.now()
    job('job_late', 'settled', { gross: 100, seller: 95, releaseAt: now - SECOND_MS })
    job('job_soon', 'settled', { gross: 100, seller: 94, releaseAt: now + SECOND_MS })
    job('job_gone', 'settled', { gross: 100, seller: 93, releaseAt: now - 9, releasedAt: now })
    job('job_free', 'settled', { gross: 0, seller: 0, releaseAt: now + 9 })
    job('job_bad', 'failed', { gross: 5 })
    expect(inEnglish(await call(earnings().api.held, undefined, all))).toEqual([
      {
        jobId: 'job_late',
        instrument: NANO_TEXT,
        amountNano: 95,
        releaseAt: now - SECOND_MS,
        reason: 'Due; the exchange has not told its release yet.',
      },
      {
        jobId: 'job_soon',
        instrument: NANO_TEXT,
        amountNano: 94,
        releaseAt: now + SECOND_MS,
        reason: 'The exchange holds what it settled until this time.',
      },
    ])
  })

  it('and the pending sum never scan the job table', () => {
    const plans: string[] = []
    const explain = (sql: string, ...values: unknown[]): void => {
      plans.push(
        ...realmDb.read
          .prepare<{ detail: string }>(`EXPLAIN QUERY PLAN ${sql}`)
          .all(...values)
          .map(({ detail }) => detail),
      )
    }
    const spy: ReadDb = {
      prepare: (sql) => realmDb.read.prepare(sql),
      money: <Row>(sql: string) => {
        explain(sql, ...(sql.includes('?') ? [1] : []))
        return realmDb.read.money<Row>(sql)
      },
    }
    heldJobs(spy)
    pendingNano(spy)
    expect(plans).toEqual([
      expect.stringContaining('USING INDEX jobs_held'),
      expect.stringContaining('USING INDEX jobs_open'),
    ])
  })
})
