/** SQL of the books and events that are kept for later (realm-db/migrations/0120-records.ts). */
import type { BookView } from '#contract/market.ts'
import { comparePrices, isOnePrice, type Price } from '#contract/money.ts'
import { DAY_MS, MINUTE_MS } from '#contract/time.ts'
import { defaulted, int, json, text } from '#db/column.ts'
import type { ReadDb, WriteDb } from '#db/db-types.ts'
import { defineTable, type RowOf } from '#db/table.ts'

export const KEPT_MS = 90 * DAY_MS
/** Three instruments whose books change every minute of those days; some hundred megabytes at the very most. */
export const SNAPSHOTS_MAX = 400_000
export const EVENTS_MAX = 100_000
const ASKS_BYTES_MAX = 1_024
const PARAMS_BYTES_MAX = 1_024
/** Rows looked at when old ones are removed: more than a minute brings. */
const PRUNED = 256

/**
 * Nano-units per million tokens (one price for all, or input, cached input and output where they differ), suppliers, free
 * slots, 1 where it is mine.
 */
type RecordedAsk = [
  ask: number | [input: number, cachedInput: number, output: number],
  suppliers: number,
  freeSlots: number,
  mine: 0 | 1,
]

export const bookSnapshots = defineTable('book_snapshots', {
  id: defaulted(int()),
  instrument: text(),
  fromMs: int(),
  untilMs: int(),
  jobsLastHour: int(),
  waiting: int(),
  asks: json<RecordedAsk[]>(),
  leftOut: int(),
})
export type BookSnapshot = RowOf<typeof bookSnapshots>

export const recordedEvents = defineTable('recorded_events', {
  id: defaulted(int()),
  at: int(),
  topic: text(),
  code: text(),
  params: json<Record<string, string | number | boolean | null>>(),
})
export type RecordedEvent = RowOf<typeof recordedEvents>

const recordedPrice = (price: Price): RecordedAsk[0] =>
  isOnePrice(price) ? price.output : [price.input, price.cachedInput, price.output]

/** As many of the cheapest asks as fit, and how many do not. */
export function recordedAsks(rows: BookView['rows']): Pick<BookSnapshot, 'asks' | 'leftOut'> {
  const asks = rows
    .toSorted((a, b) => comparePrices(a.ask, b.ask))
    .map((row): RecordedAsk => [recordedPrice(row.ask), row.suppliers, row.freeSlots, row.mine ? 1 : 0])
  let bytes = 2
  const kept = asks.filter((ask) => (bytes += JSON.stringify(ask).length + 1) <= ASKS_BYTES_MAX)
  return { asks: kept, leftOut: asks.length - kept.length }
}

export const newestBook = (db: ReadDb, instrument: string): BookSnapshot | null =>
  bookSnapshots.get(
    db,
    `SELECT ${bookSnapshots.columns} FROM book_snapshots WHERE instrument = ? ORDER BY from_ms DESC LIMIT 1`,
    instrument,
  )

const seenIn = (book: BookView): Omit<BookSnapshot, 'id' | 'instrument' | 'fromMs' | 'untilMs'> => ({
  jobsLastHour: book.jobsLastHour,
  waiting: book.waiting,
  ...recordedAsks(book.rows),
})

/** Whether a row says what is seen now. */
export function sameBook(
  { id: _id, instrument, fromMs: _from, untilMs: _until, ...before }: BookSnapshot,
  book: BookView,
): boolean {
  return instrument === book.instrument && JSON.stringify(before) === JSON.stringify(seenIn(book))
}

/** The newest row of an instrument stood until this minute. */
export const extendBook = (db: WriteDb, instrument: string, untilMs: number): number =>
  bookSnapshots.update(
    db,
    { untilMs },
    'WHERE id = (SELECT id FROM book_snapshots WHERE instrument = ? ORDER BY from_ms DESC LIMIT 1) AND until_ms < ?',
    instrument,
    untilMs,
  )

/**
 * The book as it stands in this minute: the newest row goes on where nothing changed and no minute is missing, else
 * there is a new one.
 */
export function recordBook(db: WriteDb, book: BookView, at: number): void {
  const minute = at - (at % MINUTE_MS)
  const last = newestBook(db, book.instrument)
  if (last !== null && minute <= last.untilMs) return
  if (last !== null && minute - last.untilMs === MINUTE_MS && sameBook(last, book))
    bookSnapshots.update(db, { untilMs: minute }, 'WHERE id = ?', last.id)
  else bookSnapshots.insert(db, { instrument: book.instrument, fromMs: minute, untilMs: minute, ...seenIn(book) })
}

/** Removes what is too old or too much, a bounded number a call; in the transaction that adds. */
export function pruneRecords(db: WriteDb, now: number): void {
  db.prepare(
    `DELETE FROM book_snapshots WHERE id IN (SELECT id FROM (SELECT id, until_ms FROM book_snapshots ORDER BY id LIMIT ${PRUNED})
     WHERE until_ms < ? OR id <= (SELECT max(id) FROM book_snapshots) - ${SNAPSHOTS_MAX})`,
  ).run(now - KEPT_MS)
  db.prepare(
    `DELETE FROM recorded_events WHERE id IN (SELECT id FROM (SELECT id, at FROM recorded_events ORDER BY id LIMIT ${PRUNED})
     WHERE at < ? OR id <= (SELECT max(id) FROM recorded_events) - ${EVENTS_MAX})`,
  ).run(now - KEPT_MS)
}

/** The book of an instrument in the minute of `at`; null where none was recorded. */
export const bookAt = (db: ReadDb, instrument: string, at: number): BookSnapshot | null =>
  bookSnapshots.get(
    db,
    `SELECT ${bookSnapshots.columns} FROM (SELECT * FROM book_snapshots WHERE instrument = ? AND from_ms <= ? ORDER BY from_ms DESC LIMIT 1)
     WHERE until_ms >= ?`,
    instrument,
    at,
    at - (at % MINUTE_MS),
  )

/** Parameters beyond the bound are left out, and it is said so. */
export function recordEvent(db: WriteDb, event: Omit<RecordedEvent, 'id'>): void {
  const fits = Buffer.byteLength(JSON.stringify(event.params)) <= PARAMS_BYTES_MAX
  recordedEvents.insert(db, fits ? event : { ...event, params: { leftOut: true } })
}

/** The newest first. */
export const newestEvents = (db: ReadDb, limit: number): RecordedEvent[] =>
  recordedEvents.all(db, `SELECT ${recordedEvents.columns} FROM recorded_events ORDER BY id DESC LIMIT ?`, limit)
