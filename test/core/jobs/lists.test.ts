/** Lists of jobs read what they show; counters say what counting the jobs would. */
import { join } from 'node:path'

import { describe, expect, it, onTestFinished } from 'vitest'

import { nano, nanoPerMtok, onePrice } from '#contract/money.ts'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '#contract/time.ts'
import { countJobsSince, findJobs, insertJob, listJobs, updateJob, type ListQuery } from '#core/jobs/jobs.store.ts'
import { realmMigrations } from '#core/realm-db/index.ts'
import type { Db, WriteDb } from '#db/db-types.ts'
import { openDb } from '#db/open.ts'
import { tempDir } from '#test/support/temp-dir.ts'
import { watchReads } from '#test/support/watched-reads.ts'

const START = Date.UTC(2026, 0, 1)
const STATES = ['running', 'void', 'failed', 'rejected', 'disputed'] as const
const GRADES = ['practice/a', 'practice/b']

const id = (number: number): string => `job_${String(number).padStart(4, '0')}`

const insert = (db: Db, number: number, at: number, instrument: string): void =>
  void db.tx((write) => insertInto(write, number, at, instrument))

const insertInto = (write: WriteDb, number: number, at: number, instrument: string): number =>
  insertJob(write, {
    jobId: id(number),
    instrument,
    specVersion: 1,
    deploymentId: 'dep_1',
    sha256: 'a'.repeat(64),
    state: 'running',
    reason: '',
    price: onePrice(nanoPerMtok(1)),
    reserveNano: nano(1),
    salt: 's',
    startedAt: at,
    endedAt: null,
    expiresAt: at,
    holdMs: null,
    feeBps: null,
  })

/** Three jobs a millisecond, of changing states and grades; each third came in the order against its id. */
function filled(count: number): { db: Db; jobs: { id: string; at: number; state: string; instrument: string }[] } {
  const db = openDb({ path: join(tempDir(), 'a.db'), migrations: realmMigrations })
  onTestFinished(() => db.close())
  const jobs = Array.from({ length: count }, (_, index) => ({
    id: id(index % 3 === 1 ? index + 1 : index % 3 === 2 ? index - 1 : index),
    at: START + Math.floor(index / 3),
    state: STATES[(index * 7) % STATES.length]!,
    instrument: GRADES[index % 4 === 0 ? 1 : 0]!,
  }))
  db.tx((write) => {
    for (const job of jobs) {
      insertInto(write, Number(job.id.slice(4)), job.at, job.instrument)
      const change =
        job.state === 'disputed' ? ({ state: 'void', dispute: '[]' } as const) : { state: job.state as 'void' }
      if (job.state !== 'running') updateJob(write, job.id, change)
    }
  })
  return { db, jobs: jobs.toReversed() }
}

const ALL: ListQuery = { before: null, downTo: null, limit: 7, state: null, instrument: null }

/** Every page, each going on where the one before ended. */
function walk(db: Db, query: ListQuery): string[][] {
  const pages: string[][] = []
  for (let before = query.before; ;) {
    const page = listJobs(db.read, { ...query, before })
    if (page.length === 0) return pages
    pages.push(page.map(({ jobId }) => jobId))
    before = page.at(-1)!
  }
}

const FILTERS = [null, ...STATES].flatMap((state) => [null, ...GRADES].map((instrument) => ({ state, instrument })))

describe('lists of jobs', () => {
  it.each(FILTERS)('of %o hold every job once, the newest first', ({ state, instrument }) => {
    const { db, jobs } = filled(90)
    const wanted = jobs.filter(
      (job) => (state === null || job.state === state) && (instrument === null || job.instrument === instrument),
    )
    expect(wanted.length).toBeGreaterThan(0)
    expect(walk(db, { ...ALL, state, instrument }).flat()).toEqual(wanted.map((job) => job.id))
  })

  it('begin before a time', () => {
    const { db, jobs } = filled(60)
    const before = { startedAt: START + 10, jobId: null }
    expect(walk(db, { ...ALL, before }).flat()).toEqual(jobs.filter(({ at }) => at < START + 10).map((job) => job.id))
  })

  it('end at a place, so that a page grows by what is new and loses nothing', () => {
    const { db } = filled(60)
    const [first] = walk(db, ALL)
    const downTo = { startedAt: START + 17, jobId: first!.at(-1)! }
    const rest = walk(db, { ...ALL, before: downTo }).flat()
    insert(db, 900, START + 30, GRADES[0]!)
    const page = listJobs(db.read, { ...ALL, downTo, limit: 50 }).map(({ jobId }) => jobId)
    expect(page).toEqual([id(900), ...first!])
    expect([...page, ...rest]).toEqual(walk(db, ALL).flat())
  })

  it('by the beginning of an id are the last born first, page after page', () => {
    const { db } = filled(60)
    const ids = findJobs(db.read, 'job_001', null, 20).map(({ jobId }) => jobId)
    expect(ids).toEqual(Array.from({ length: 10 }, (_, at) => id(19 - at)))
    expect(findJobs(db.read, 'job_001', id(15), 3).map(({ jobId }) => jobId)).toEqual([id(14), id(13), id(12)])
    expect(findJobs(db.read, 'job_0019', null, 20)).toHaveLength(1)
    expect(findJobs(db.read, 'job_x', null, 20)).toEqual([])
  })

  it('walk an index in its own order, whatever is asked: no table is read through, nothing is sorted', () => {
    const watched = watchReads(filled(9).db.read)
    for (const filter of FILTERS)
      for (const place of [null, { startedAt: START, jobId: null }, { startedAt: START, jobId: id(1) }])
        listJobs(watched.db, { ...ALL, ...filter, before: place, downTo: place })
    findJobs(watched.db, 'job_', null, 5)
    countJobsSince(watched.db, START)
    const plans = watched.plans()
    expect(plans.filter((line) => /^SCAN|TEMP B-TREE/.test(line))).toEqual([])
    for (const index of ['jobs_by_start', 'jobs_by_state', 'jobs_by_instrument', 'jobs_by_instrument_state'])
      expect(plans.some((line) => line.includes(`INDEX ${index} (`))).toBe(true)
  })
})

describe('the counters of jobs', () => {
  const counted = (db: Db, from: number) =>
    db.read
      .prepare(
        `SELECT count(*) FILTER (WHERE state IN ('claimed', 'settled')) AS jobs, count(*) FILTER (WHERE state = 'failed') AS failed FROM jobs WHERE started_at >= ?`,
      )
      .get(from)

  it('follow every change of state, also from claimed to void', () => {
    const { db } = filled(0)
    for (let number = 0; number < 8; number += 1) insert(db, number, START + number * MINUTE_MS, GRADES[0]!)
    const set = (number: number, change: Parameters<typeof updateJob>[2]): void =>
      void db.tx((write) => updateJob(write, id(number), change))
    const claim = { state: 'claimed', claimJson: '{}', claimSig: 's' } as const
    set(0, claim)
    set(1, claim)
    set(2, { state: 'failed' })
    set(3, { state: 'void' })
    for (const from of [START, START + 2 * MINUTE_MS]) expect(countJobsSince(db.read, from)).toEqual(counted(db, from))
    set(0, { state: 'settled', receiptSeq: 1 })
    set(1, { state: 'void' })
    expect(countJobsSince(db.read, START)).toEqual({ jobs: 1, failed: 1 })
    expect(countJobsSince(db.read, START)).toEqual(counted(db, START))
  })

  it('reach back two days and keep no more, so that their number is bounded', () => {
    const { db } = filled(0)
    for (let day = 0; day < 6; day += 1) {
      insert(db, day, START + day * DAY_MS, GRADES[0]!)
      db.tx((write) => updateJob(write, id(day), { state: 'failed' }))
    }
    insert(db, 90, START + 5 * DAY_MS + HOUR_MS, GRADES[0]!)
    expect(countJobsSince(db.read, START + 4 * DAY_MS)).toEqual({ jobs: 0, failed: 2 })
    expect(db.read.prepare('SELECT count(*) AS n FROM job_minutes').get()).toEqual({ n: 2 })
  })

  it('are filled from the jobs of a folder from before', () => {
    const path = join(tempDir(), 'a.db')
    const before = openDb({ path, migrations: realmMigrations.filter(({ id: number }) => number < 110) })
    // By SQL: the table's description is that of today.
    before.tx((write) => {
      for (let number = 0; number < 4; number += 1)
        write
          .prepare(
            `INSERT INTO jobs (job_id, instrument, spec_version, deployment_id, sha256, state, price_nano, reserve_nano, salt, started_at, expires_at)
             VALUES (?, ?, 1, 'dep_1', 'a', ?, 1, 1, 's', ?, 0)`,
          )
          .run(id(number), GRADES[0], number === 1 ? 'running' : 'failed', START + number * DAY_MS)
    })
    before.close()
    const db = openDb({ path, migrations: realmMigrations })
    onTestFinished(() => db.close())
    expect(countJobsSince(db.read, START + 2 * DAY_MS)).toEqual({ jobs: 0, failed: 2 })
    expect(walk(db, ALL).flat()).toEqual([3, 2, 1, 0].map(id))
  })
})
