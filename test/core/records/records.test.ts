import { join } from 'node:path'

import { describe, expect, it, onTestFinished } from 'vitest'

import { brandId, type Instrument } from '#contract/ids.ts'
import type { BookView } from '#contract/market.ts'
import { nanoPerMtok, onePrice } from '#contract/money.ts'
import { DAY_MS, MINUTE_MS } from '#contract/time.ts'
import { realmMigrations } from '#core/realm-db/index.ts'
import { createRecords } from '#core/records/index.ts'
import {
  bookAt,
  EVENTS_MAX,
  KEPT_MS,
  newestEvents,
  pruneRecords,
  recordBook,
  recordedAsks,
  recordEvent,
  SNAPSHOTS_MAX,
} from '#core/records/market-records.store.ts'
import { openDb } from '#db/open.ts'
import { createLog } from '#lib/log.ts'
import { FakeClock } from '#test/support/fake-clock.ts'
import { FakeExchange } from '#test/support/fake-exchange.ts'
import { tempDir } from '#test/support/temp-dir.ts'
import { VENUE } from '#test/support/venue.ts'

const NANO = brandId<Instrument>('practice/text-nano')
const MICRO = brandId<Instrument>('practice/text-micro')
type Ask = BookView['rows'][number]
const ask = (price: number, more: Partial<Ask> = {}): Ask => ({
  ask: onePrice(nanoPerMtok(price)),
  suppliers: 1,
  freeSlots: 2,
  mine: false,
  ...more,
})
const book = (rows: Ask[], more: Partial<BookView> = {}): BookView => ({
  venueId: VENUE,
  instrument: NANO,
  at: 0,
  rows,
  jobsLastHour: 3,
  waiting: 0,
  ...more,
})

function records() {
  const clock = new FakeClock()
  const log = createLog('test')
  log.level = 'silent'
  const realmDb = openDb({ path: join(tempDir(), 'practice.db'), migrations: realmMigrations })
  const exchange = new FakeExchange()
  const rig = { books: [book([ask(9), ask(5, { mine: true })])], clock, exchange, realmDb, db: realmDb.read }
  const made = createRecords({ realmDb, clock, venue: exchange.port(), log }, { books: () => rig.books })
  made.start()
  onTestFinished(() => {
    made.stop()
    realmDb.close()
  })
  const rows = () =>
    realmDb.read
      .prepare('SELECT instrument, from_ms AS fromMs, until_ms AS untilMs FROM book_snapshots ORDER BY id')
      .all()
  return { ...rig, rig, rows, stop: () => made.stop() }
}

describe('books once a minute', () => {
  it('are kept with asks, capacity and free slots, the cheapest first', async () => {
    const { clock, db, exchange } = records()
    exchange.online()
    await clock.advance(MINUTE_MS)
    expect(bookAt(db, NANO, clock.now())).toMatchObject({
      asks: [
        [5, 1, 2, 1],
        [9, 1, 2, 0],
      ],
      leftOut: 0,
      jobsLastHour: 3,
      waiting: 0,
    })
    expect(bookAt(db, MICRO, clock.now())).toBeNull()
  })

  it('are one row as long as nothing changes, and a new one when a slot is taken', async () => {
    const { rig, clock, exchange, rows, db, stop } = records()
    const start = clock.now()
    exchange.online()
    await clock.advance(3 * MINUTE_MS)
    rig.books = [book([ask(9), ask(5, { freeSlots: 1, mine: true })])]
    await clock.advance(2 * MINUTE_MS)
    // That it goes on is written with the next change, after ten minutes, and at the end.
    expect(rows()).toMatchObject([{ untilMs: start + 3 * MINUTE_MS }, { untilMs: start + 4 * MINUTE_MS }])
    stop()
    expect(rows()).toEqual([
      { instrument: NANO, fromMs: start + MINUTE_MS, untilMs: start + 3 * MINUTE_MS },
      { instrument: NANO, fromMs: start + 4 * MINUTE_MS, untilMs: start + 5 * MINUTE_MS },
    ])
    expect(bookAt(db, NANO, start + 3 * MINUTE_MS + 59_999)?.asks[0]).toEqual([5, 1, 2, 1])
    expect(bookAt(db, NANO, start + 4 * MINUTE_MS)?.asks[0]).toEqual([5, 1, 1, 1])
    expect(bookAt(db, NANO, start)).toBeNull()
  })

  it('that do not change are written once in ten minutes', async () => {
    const { clock, exchange, rows } = records()
    const start = clock.now()
    exchange.online()
    const untils: number[] = []
    for (let minute = 1; minute <= 22; minute += 1) {
      await clock.advance(MINUTE_MS)
      const [row] = rows() as { untilMs: number }[]
      untils.push((row!.untilMs - start) / MINUTE_MS)
    }
    expect([...new Set(untils)]).toEqual([1, 11, 21])
    expect(rows()).toHaveLength(1)
  })

  it('have a gap while the exchange is away, also when the book is the same afterwards', async () => {
    const { clock, exchange, rows, db } = records()
    const start = clock.now()
    exchange.online()
    await clock.advance(MINUTE_MS)
    exchange.offline()
    await clock.advance(2 * MINUTE_MS)
    exchange.online()
    await clock.advance(MINUTE_MS)
    expect(rows()).toHaveLength(2)
    expect(bookAt(db, NANO, start + 2 * MINUTE_MS)).toBeNull()
  })

  it('keep the cheapest asks that fit a kilobyte, and say how many do not', () => {
    const { asks, leftOut } = recordedAsks(Array.from({ length: 200 }, (_, at) => ask(1_000_000_000 - at)))
    expect(JSON.stringify(asks).length).toBeLessThanOrEqual(1_024)
    expect(asks.length + leftOut).toBe(200)
    expect(asks.length).toBeGreaterThan(40)
    expect(asks[0]![0]).toBe(1_000_000_000 - 199)
  })

  it('are removed after 90 days and beyond their number, in the transaction that adds', () => {
    const { realmDb, db } = records()
    const at = 1_000 * DAY_MS
    const count = (): number => db.prepare<{ n: number }>('SELECT count(*) AS n FROM book_snapshots').get()!.n
    realmDb.tx((write) => {
      recordBook(write, book([ask(1)]), at - KEPT_MS - MINUTE_MS)
      recordBook(write, book([ask(2)]), at - KEPT_MS)
      recordBook(write, book([ask(3)]), at)
      pruneRecords(write, at)
    })
    expect(count()).toBe(2)
    realmDb.tx((write) => {
      write.prepare(`UPDATE sqlite_sequence SET seq = ? WHERE name = 'book_snapshots'`).run(SNAPSHOTS_MAX + 2)
      recordBook(write, book([ask(4)]), at + MINUTE_MS)
      pruneRecords(write, at + MINUTE_MS)
    })
    expect(db.prepare('SELECT id FROM book_snapshots').all()).toEqual([{ id: SNAPSHOTS_MAX + 3 }])
  })
})

describe('events', () => {
  it('tell when the exchange came and went, under which terms, each change once', async () => {
    const { exchange, db, clock } = records()
    exchange.online()
    exchange.offline()
    exchange.offline()
    await clock.advance(1_000)
    exchange.feeBps = 700
    exchange.online()
    expect(newestEvents(db, 10).map(({ code, params }) => [code, params['feeBps']])).toEqual([
      ['ONLINE', 700],
      ['OFFLINE', undefined],
      ['ONLINE', 500],
    ])
    expect(newestEvents(db, 1)[0]).toMatchObject({ at: clock.now(), topic: 'exchange' })
  })

  it('with too many parameters keep their place and lose those', () => {
    const { realmDb, db } = records()
    const params = { text: 'é'.repeat(600) }
    realmDb.tx((write) => recordEvent(write, { at: 1, topic: 'x', code: 'X', params }))
    expect(newestEvents(db, 1)[0]).toMatchObject({ code: 'X', params: { leftOut: true } })
  })

  it('are removed after 90 days and beyond their number', () => {
    const { realmDb, db } = records()
    const at = 1_000 * DAY_MS
    realmDb.tx((write) => {
      for (const when of [at - KEPT_MS - 1, at - KEPT_MS, at])
        recordEvent(write, { at: when, topic: 'x', code: 'X', params: {} })
      pruneRecords(write, at)
    })
    expect(newestEvents(db, 10).map((event) => event.at)).toEqual([at, at - KEPT_MS])
    realmDb.tx((write) => {
      write.prepare(`UPDATE sqlite_sequence SET seq = ? WHERE name = 'recorded_events'`).run(EVENTS_MAX + 2)
      recordEvent(write, { at, topic: 'x', code: 'Y', params: {} })
      pruneRecords(write, at)
    })
    expect(newestEvents(db, 10).map(({ code }) => code)).toEqual(['Y'])
  })
})
