/**
 * Records for later: the book of each instrument once a minute, and what changed at the exchange. What we listed is
 * recorded by the listings themselves, in the transaction that changes them. Kept for 90 days, bounded in rows and bytes.
 */
import type { BookView } from '#contract/market.ts'
import { MINUTE_MS } from '#contract/time.ts'
import type { VenueContext } from '#core/core-context.ts'
import type { VenueState } from '#core/venues/venue.port.ts'
import { every } from '#lib/every.ts'

import { pruneRecords, recordBook, recordEvent, type RecordedEvent } from './market-records.store.ts'

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

  /** Only while the exchange is there: what it said before is not how the market stands now. */
  const recordBooks = (): void => {
    if (venue.state().kind !== 'online') return
    const now = clock.now()
    realmDb.tx((db) => {
      for (const book of books()) recordBook(db, book, now)
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
    },
  }
}
