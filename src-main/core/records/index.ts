/**
 * Records for later: the book of each instrument once a minute, and what changed at the exchange. What we listed is
 * recorded by the listings themselves, in the transaction that changes them. Kept for 90 days, bounded in rows and bytes.
 */
import type { BookView } from '#contract/market.ts'
import { MINUTE_MS } from '#contract/time.ts'
import type { WriteDb } from '#db/db-types.ts'
import type { VenueContext } from '#core/core-context.ts'
import type { VenueState } from '#core/venues/venue.port.ts'
import { every } from '#lib/every.ts'

import {
  extendBook,
  newestBook,
  pruneRecords,
  recordBook,
  recordEvent,
  sameBook,
  type RecordedEvent,
} from './market-records.store.ts'

/** A book that does not change is written so often: a kill forgets at most as long that it did not. */
const HELD_WRITTEN_MS = 10 * MINUTE_MS

export interface RecordsDeps {
  /** The last book of each instrument. */
  books: () => BookView[]
}

export type RecordsContext = Pick<VenueContext, 'realmDb' | 'clock' | 'venue' | 'log'>

/** What an exchange's state tells; null while it is tried. */
function eventOf(state: VenueState): Pick<RecordedEvent, 'code' | 'params'> | null {
  if (state.kind === 'offline') return { code: 'OFFLINE', params: {} }
  if (state.kind !== 'online') return null
  const { feeBps, holdMs, specs } = state.terms
  const versions = Object.fromEntries(specs.map(({ instrument, version }) => [instrument, version]))
  return { code: 'ONLINE', params: { feeBps, holdMs, ...versions } }
}

export function createRecords({ realmDb, clock, venue, log }: RecordsContext, { books }: RecordsDeps) {
  let stops: (() => void)[] = []
  let lastEvent = ''

  /** The last minute in which an instrument's newest row still held, where that is not written yet. */
  const heldUntil = new Map<string, number>()
  const writeHeld = (db: WriteDb): void => {
    for (const [instrument, until] of heldUntil) extendBook(db, instrument, until)
    heldUntil.clear()
  }
  /** Whether something is to be written; that a book stays as it is, only now and then. */
  const isNews = (book: BookView, minute: number): boolean => {
    const row = newestBook(realmDb.read, book.instrument)
    if (row === null) return true
    const until = heldUntil.get(book.instrument) ?? row.untilMs
    if (minute <= until) return false
    if (minute - until !== MINUTE_MS || !sameBook(row, book)) return true
    heldUntil.set(book.instrument, minute)
    return minute - row.untilMs >= HELD_WRITTEN_MS
  }
  /** Only while the exchange is there: what it said before is not how the market stands now. */
  const recordBooks = (): void => {
    if (venue.state().kind !== 'online') return
    const now = clock.now()
    const minute = now - (now % MINUTE_MS)
    const news = books().filter((book) => isNews(book, minute))
    if (news.length === 0) return
    realmDb.tx((db) => {
      writeHeld(db)
      for (const book of news) recordBook(db, book, now)
      pruneRecords(db, now)
    })
  }
  /** A repeat of the same state (another attempt that failed) is no change. */
  const onState = (state: VenueState): void => {
    const event = eventOf(state)
    const text = JSON.stringify(event)
    if (event === null || text === lastEvent) return
    lastEvent = text
    try {
      realmDb.tx((db) => recordEvent(db, { at: clock.now(), topic: 'exchange', ...event }))
    } catch (error) {
      // A record for later is not worth the connection.
      log.error({ err: error }, 'an event could not be recorded')
    }
  }

  return {
    start(): void {
      const recording = every(clock, MINUTE_MS, recordBooks, {
        onError: (error) => log.error({ err: error }, 'the books of this minute could not be recorded'),
      })
      stops = [venue.onState(onState), recording.stop]
    },
    stop(): void {
      for (const stop of stops) stop()
      stops = []
      if (heldUntil.size > 0) realmDb.tx(writeHeld)
    },
  }
}
