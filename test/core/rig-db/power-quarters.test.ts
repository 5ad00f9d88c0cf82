/** Electricity by hour becomes electricity by quarter hour: the same sums, and the split is said. */
import { join } from 'node:path'

import * as fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'

import { HOUR_MS, MINUTE_MS, QUARTER_MS } from '#contract/time.ts'
import { addEnergy, energyBetween, methodsBetween } from '#core/power/power.store.ts'
import { rigMigrations } from '#core/rig-db/index.ts'
import { openDb } from '#db/open.ts'
import type { Db } from '#db/db-types.ts'
import { tempDir } from '#test/support/temp-dir.ts'

const BEFORE = rigMigrations.filter(({ id }) => id < 100)
const HOUR = Date.UTC(2026, 10, 21, 12)
const WHOLE = ['cost_nano', 'serving_cost_nano', 'covered_ms', 'serving_ms', 'job_ms'] as const
type OldHour = Record<(typeof WHOLE)[number] | 'joules' | 'serving_joules', number> & {
  hour: number
  currency: string
}

/** A database as the version before wrote it, brought up to date. */
function migrated(hours: readonly OldHour[]): Db {
  const path = join(tempDir(), 'rig.db')
  const old = openDb({ path, migrations: BEFORE })
  old.tx((db) => {
    for (const row of hours)
      db.prepare(
        `INSERT INTO power_hour (hour_ms, currency, joules, serving_joules, ${WHOLE.join(', ')}, method) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'owner''s estimate')`,
      ).run(
        HOUR + row.hour * HOUR_MS,
        row.currency,
        row.joules,
        row.serving_joules,
        ...WHOLE.map((column) => row[column]),
      )
  })
  old.close()
  const db = openDb({ path, migrations: rigMigrations })
  onTestFinished(() => db.close())
  return db
}
const one: OldHour = {
  hour: 0,
  currency: 'EUR',
  joules: 1_000.5,
  serving_joules: 0.1,
  cost_nano: 7,
  serving_cost_nano: 2,
  covered_ms: HOUR_MS,
  serving_ms: 5,
  job_ms: 6,
}

describe('electricity by hour', () => {
  it('is split into four, a remainder goes to the first ones, and the method says so', () => {
    const rows = migrated([one]).read.prepare('SELECT * FROM power_quarter ORDER BY quarter_ms').all()
    const method = `estimated split: owner's estimate`
    const quarter = (
      index: number,
      cost_nano: number,
      serving_cost_nano: number,
      serving_ms: number,
      job_ms: number,
    ) => ({
      quarter_ms: HOUR + index * QUARTER_MS,
      currency: 'EUR',
      joules: 250.125,
      serving_joules: 0.025,
      covered_ms: QUARTER_MS,
      cost_nano,
      serving_cost_nano,
      serving_ms,
      job_ms,
      method,
    })
    expect(rows).toEqual([
      quarter(0, 2, 1, 2, 2),
      quarter(1, 2, 1, 1, 2),
      quarter(2, 2, 0, 1, 1),
      quarter(3, 1, 0, 1, 1),
    ])
  })

  it('property: whole numbers sum to the same, by hour and currency; joules to the same within rounding', () => {
    const amount = fc.integer({ min: 0, max: 2 ** 40 })
    const hour = fc.record({
      hour: fc.integer({ min: 0, max: 20 }),
      currency: fc.constantFrom('', 'EUR', 'USD'),
      joules: fc.double({ min: 0, max: 1e8, noNaN: true }),
      serving_joules: fc.double({ min: 0, max: 1e8, noNaN: true }),
      cost_nano: amount,
      serving_cost_nano: amount,
      covered_ms: fc.integer({ min: 0, max: HOUR_MS }),
      serving_ms: fc.integer({ min: 0, max: HOUR_MS }),
      job_ms: fc.integer({ min: HOUR_MS, max: 8 * HOUR_MS }),
    })
    fc.assert(
      fc.property(
        fc.uniqueArray(hour, { maxLength: 12, selector: (row) => `${row.hour} ${row.currency}` }),
        (hours) => {
          const db = migrated(hours)
          for (const row of hours) {
            const at = HOUR + row.hour * HOUR_MS
            const found = energyBetween(db.read, at, at + HOUR_MS).find(({ currency }) => currency === row.currency)
            expect(found).toMatchObject({
              costNano: row.cost_nano,
              servingCostNano: row.serving_cost_nano,
              coveredMs: row.covered_ms,
              servingMs: row.serving_ms,
              jobMs: row.job_ms,
            })
            expect(found!.joules).toBeCloseTo(row.joules, 4)
          }
          expect(db.read.prepare('SELECT count(*) AS n FROM power_quarter').get()).toEqual({ n: 4 * hours.length })
        },
      ),
      { numRuns: 12 },
    )
  })

  it('goes on saying that a quarter is partly split when more is measured into it', () => {
    const db = migrated([one])
    db.tx((tx) => {
      const stretch = { ms: MINUTE_MS, joules: 1, servingJoules: 0, servingMs: 0, jobMs: 0 }
      for (const quarterMs of [HOUR + 3 * QUARTER_MS, HOUR + 4 * QUARTER_MS])
        addEnergy(tx, { ...stretch, quarterMs }, { currency: 'EUR', costNano: 1, servingCostNano: 0 }, 'measured')
    })
    const methods = (index: number) =>
      methodsBetween(db.read, HOUR + index * QUARTER_MS, HOUR + (index + 1) * QUARTER_MS, 9)
    expect([methods(2), methods(3), methods(4)]).toEqual([
      [`estimated split: owner's estimate`],
      ['estimated split: measured'],
      ['measured'],
    ])
    expect(energyBetween(db.read, HOUR, HOUR + 2 * HOUR_MS)).toMatchObject([
      { costNano: 9, coveredMs: HOUR_MS + 2 * MINUTE_MS },
    ])
  })

  it('has no GPU: what each took was never stored', () =>
    expect(migrated([one]).read.prepare('SELECT * FROM power_gpu_quarter').all()).toEqual([]))
})
