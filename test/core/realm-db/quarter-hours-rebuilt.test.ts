/** A database with hours becomes one with quarter hours: the same sums, or nothing happens. */
import { join } from 'node:path'

import Database from 'better-sqlite3'
import { describe, expect, it, onTestFinished } from 'vitest'

import { HOUR_MS, QUARTER_MS } from '#contract/time.ts'
import { recordProblems } from '#core/ledger/records.store.ts'
import { realmMigrations } from '#core/realm-db/index.ts'
import { openDb } from '#db/open.ts'
import type { Db } from '#db/db-types.ts'
import { tempDir } from '#test/support/temp-dir.ts'

const BEFORE = realmMigrations.filter(({ id }) => id < 100)
const HOUR = Date.UTC(2026, 10, 21, 12)
const NANO_TEXT = 'practice/text-nano'
const MICRO_TEXT = 'practice/text-micro'

interface OldJob {
  at: number
  instrument?: string
  sha256?: string
  deployment?: string
  gross: number
  fee: number
  released?: boolean
  /** Its receipt is kept and nothing was booked. */
  disputed?: boolean
}

/** A database as the version before wrote it: jobs, their receipts and releases, and the sums by hour beside them. */
class OldFolder {
  readonly path = join(tempDir(), 'practice.db')
  readonly #db: Db = openDb({ path: this.path, migrations: BEFORE })
  #seq = 0
  #releases = 0

  #run(sql: string, ...values: unknown[]): void {
    this.#db.tx((db) => db.prepare(sql).run(...values))
  }
  settled({ at, gross, fee, ...rest }: OldJob): void {
    const { instrument = NANO_TEXT, sha256 = 'a', deployment = 'dep_1', released = false, disputed = false } = rest
    const jobId = `job_${(this.#seq += 1)}`
    const seller = gross - fee
    this.#run(
      `INSERT INTO jobs (job_id, instrument, spec_version, deployment_id, sha256, state, price_nano, reserve_nano, salt, started_at, ended_at, expires_at, claim_json, claim_sig,
         gross_nano, fee_nano, seller_nano, input_tokens, output_tokens, duration_ms, receipt_seq, released_at, exchange, dispute)
       VALUES (?, ?, 1, ?, ?, ?, 0, 0, '', ?, ?, 0, '{}', 's', ?, ?, ?, 11, 7, 1234, ?, ?, 'x', ?)`,
      jobId,
      instrument,
      deployment,
      sha256,
      disputed ? 'void' : 'settled',
      at - 1_000,
      at,
      gross,
      fee,
      seller,
      disputed ? null : this.#seq,
      released ? at + 1 : null,
      disputed ? '[]' : null,
    )
    this.#run('INSERT INTO receipts VALUES (?, ?, ?, ?, ?, ?)', 'x', this.#seq, jobId, jobId, '{}', at)
    if (released)
      this.#run('INSERT INTO releases VALUES (?, ?, ?, ?, ?)', 'x', (this.#releases += 1), jobId, seller, at + 1)
    if (disputed) return
    const hour = Math.floor(at / HOUR_MS) * HOUR_MS
    this.#run('INSERT INTO rollup_hour (hour_ms, instrument) VALUES (?, ?) ON CONFLICT DO NOTHING', hour, instrument)
    this.#run(
      `UPDATE rollup_hour SET jobs = jobs + 1, input_tokens = input_tokens + 11, output_tokens = output_tokens + 7, gross_nano = gross_nano + ?, fee_nano = fee_nano + ?,
         seller_nano = seller_nano + ?, released_nano = released_nano + ?, served_ms = served_ms + 1234 WHERE hour_ms = ? AND instrument = ?`,
      gross,
      fee,
      seller,
      released ? seller : 0,
      hour,
      instrument,
    )
  }
  failed(at: number): void {
    const jobId = `job_${(this.#seq += 1)}`
    this.#run(
      `INSERT INTO jobs (job_id, instrument, spec_version, deployment_id, sha256, state, price_nano, reserve_nano, salt, started_at, ended_at, expires_at) VALUES (?, ?, 1, 'dep_1', 'a', 'failed', 0, 0, '', 0, ?, 0)`,
      jobId,
      NANO_TEXT,
      at,
    )
    this.#run(
      'INSERT INTO rollup_hour (hour_ms, instrument, failed) VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET failed = failed + 1',
      Math.floor(at / HOUR_MS) * HOUR_MS,
      NANO_TEXT,
    )
  }
  listed(hour: number, listedMs: number, connectedMs: number): void {
    this.#run('INSERT INTO listing_time VALUES (?, ?, ?)', hour, listedMs, connectedMs)
  }
  rows(sql: string): unknown[] {
    return this.#db.read.prepare(sql).all()
  }
  /** By hand, past every rule. */
  tamper(sql: string): void {
    this.#run(sql)
  }
  close(): void {
    this.#db.close()
  }
  migrated(): Db {
    this.close()
    const db = openDb({ path: this.path, migrations: realmMigrations })
    onTestFinished(() => db.close())
    return db
  }
}

const SUMS = ['jobs', 'input_tokens', 'output_tokens', 'gross_nano', 'fee_nano', 'seller_nano', 'released_nano']
const summed = (table: string): string =>
  `SELECT ${[...SUMS, 'failed', 'served_ms'].map((column) => `sum(${column}) AS ${column}`).join(', ')} FROM ${table}`

function busyFolder(): OldFolder {
  const folder = new OldFolder()
  for (let index = 0; index < 40; index += 1)
    folder.settled({
      at: HOUR + index * 7 * 60_000 + index,
      gross: 1_000_003 + index,
      fee: 51 + index,
      instrument: index % 3 === 0 ? MICRO_TEXT : NANO_TEXT,
      sha256: index % 2 === 0 ? 'a' : 'b',
      deployment: `dep_${index % 4}`,
      released: index % 5 !== 0,
    })
  folder.settled({ at: HOUR + 5, gross: 9_999, fee: 1, disputed: true, released: true })
  folder.failed(HOUR + 59 * 60_000)
  folder.failed(HOUR + 59 * 60_000)
  return folder
}

describe('a database with sums by hour', () => {
  it('has the same sums by quarter hour, each in the quarter of its receipt, by instrument, model and deployment', () => {
    const folder = busyFolder()
    const before = folder.rows(summed('rollup_hour'))
    const db = folder.migrated()
    expect(db.read.prepare(summed('rollup_quarter')).all()).toEqual(before)
    expect(before).toMatchObject([{ jobs: 40, failed: 2 }])
    expect(recordProblems(db.read).filter((text) => text.includes('charts'))).toEqual([])
    const first = db.read
      .prepare('SELECT * FROM rollup_quarter WHERE quarter_ms = ? ORDER BY deployment_id')
      .all(HOUR) as { deployment_id: string; sha256: string; gross_nano: number; released_nano: number }[]
    // Jobs 0, 1 and 2 were settled at minute 0, 7 and 14; the disputed one at the same time counts nothing.
    expect(first).toMatchObject([
      { deployment_id: 'dep_0', sha256: 'a', gross_nano: 1_000_003, released_nano: 0 },
      { deployment_id: 'dep_1', sha256: 'b', gross_nano: 1_000_004, released_nano: 1_000_004 - 52 },
      { deployment_id: 'dep_2', sha256: 'a', gross_nano: 1_000_005, released_nano: 1_000_005 - 53 },
    ])
    expect(
      db.read
        .prepare('SELECT failed FROM rollup_quarter WHERE quarter_ms = ? AND failed > 0')
        .all(HOUR + 3 * QUARTER_MS),
    ).toEqual([{ failed: 2 }])
    const tables = db.read.prepare(`SELECT name FROM sqlite_master WHERE name IN ('rollup_hour', 'listing_time')`).all()
    expect(tables).toEqual([])
  })

  it('has its listed time in four equal parts, and not a millisecond lost', () => {
    const folder = new OldFolder()
    folder.listed(HOUR, HOUR_MS, HOUR_MS - 1)
    folder.listed(HOUR + HOUR_MS, 7, 2)
    folder.listed(HOUR + 2 * HOUR_MS, 0, 0)
    const rows = folder.migrated().read.prepare('SELECT * FROM listing_quarter ORDER BY quarter_ms').all()
    const quarter = (index: number, listed_ms: number, connected_ms: number) => ({
      quarter_ms: HOUR + index * QUARTER_MS,
      listed_ms,
      connected_ms,
    })
    expect(rows).toEqual([
      quarter(0, 900_000, 900_000),
      quarter(1, 900_000, 900_000),
      quarter(2, 900_000, 900_000),
      quarter(3, 900_000, 899_999),
      quarter(4, 2, 1),
      quarter(5, 2, 1),
      quarter(6, 2, 0),
      quarter(7, 1, 0),
      ...[8, 9, 10, 11].map((index) => quarter(index, 0, 0)),
    ])
  })

  it('forgets the failure of a job that was settled after all, and nothing else', () => {
    const folder = busyFolder()
    folder.tamper(`UPDATE rollup_hour SET failed = failed + 1 WHERE instrument = '${NANO_TEXT}' AND hour_ms = ${HOUR}`)
    expect(folder.migrated().read.prepare('SELECT sum(failed) AS n FROM rollup_quarter').get()).toEqual({ n: 2 })
  })

  it.each([
    [
      'an hour says more than its receipts',
      'UPDATE rollup_hour SET gross_nano = gross_nano + 1, fee_nano = fee_nano + 1',
    ],
    ['an hour is missing', `DELETE FROM rollup_hour WHERE instrument = '${MICRO_TEXT}'`],
    ['a job’s tokens differ', `UPDATE jobs SET input_tokens = 12 WHERE job_id = 'job_1'`],
    [
      'a job lost its row',
      `PRAGMA foreign_keys = OFF; DROP TRIGGER receipts_no_delete; DELETE FROM receipts WHERE seq = 1`,
    ],
    ['a failure came from nowhere', `UPDATE rollup_hour SET failed = 0`],
  ])('is left as it is where %s', (_name, sql) => {
    const folder = busyFolder()
    folder.close()
    const raw = new Database(folder.path)
    raw.exec(sql)
    const before = raw.prepare('SELECT * FROM rollup_hour').all()
    raw.close()
    expect(() => openDb({ path: folder.path, migrations: realmMigrations })).toThrow(
      expect.objectContaining({
        code: 'DB_CORRUPT',
        message: expect.stringMatching(
          /practice.db was not brought up to date: the sums by quarter hour, rebuilt from jobs and receipts, differ .* run stoker ledger check/,
        ),
      }),
    )
    const after = new Database(folder.path)
    expect(after.prepare('SELECT * FROM rollup_hour').all()).toEqual(before)
    expect(after.pragma('user_version', { simple: true })).toBe(BEFORE.at(-1)!.id)
    after.close()
  })

  it('an empty one too', () =>
    expect(new OldFolder().migrated().read.prepare('SELECT * FROM rollup_quarter').all()).toEqual([]))
})
