/**
 * What happened in a range, from the records that exist: our listings (realm), the market's coming and going (realm)
 * and what stopped the rig (rig). Bounded: the newest MARKS_MAX.
 */
import type { Mark } from '#contract/earnings.ts'
import { nanoFromBigInt, type Nano } from '#contract/money.ts'
import type { EpochMs } from '#contract/time.ts'
import type { ReadDb } from '#db/db-types.ts'

const MARKS_MAX = 60
/** An automatic rule may re-price every minute: so many of the newest rows are looked at. */
const ROWS_LOOKED_AT = 20_000

interface ListingRow {
  at: bigint
  instrument: string
  change: string
  ask: bigint
  before: bigint | null
}

/** The ask before it is the one the same grade had in the row before. */
const listingMarks = (db: ReadDb, from: EpochMs, to: EpochMs): Mark[] =>
  db
    .money<ListingRow>(
      `SELECT h.at, h.instrument, h.change, h.ask_output_nano_per_mtok AS ask,
         (SELECT b.ask_output_nano_per_mtok FROM listing_history b WHERE b.instrument = h.instrument AND (b.at, b.id) < (h.at, h.id) ORDER BY b.at DESC, b.id DESC LIMIT 1) AS before
       FROM listing_history h WHERE h.id >= coalesce((SELECT min(id) FROM (SELECT id FROM listing_history ORDER BY id DESC LIMIT ${ROWS_LOOKED_AT})), 0)
         AND h.at >= ? AND h.at < ? AND h.change IN ('listed', 're-priced', 'withdrawn', 'paused', 'resumed') ORDER BY h.id DESC LIMIT ${MARKS_MAX + 1}`,
    )
    .all(from, to)
    .map(({ at, instrument, change, ask, before }) => ({
      at: Number(at),
      kind: change === 're-priced' || change === 'listed' ? 'ask' : 'record',
      code: `listing.${change}`,
      instrument,
      askNano: nanoFromBigInt(ask),
      beforeNano: change === 're-priced' && before !== null ? nanoFromBigInt(before) : null,
    }))

const NO_ASK: { instrument: string; askNano: Nano | null; beforeNano: Nano | null } = {
  instrument: '',
  askNano: null,
  beforeNano: null,
}

const marketMarks = (db: ReadDb, from: EpochMs, to: EpochMs): Mark[] =>
  db
    .prepare<{ at: number; topic: string; code: string }>(
      `SELECT at, topic, code FROM recorded_events WHERE at >= ? AND at < ? ORDER BY id DESC LIMIT ${MARKS_MAX + 1}`,
    )
    .all(from, to)
    .map(({ at, topic, code }) => ({
      ...NO_ASK,
      at,
      kind: code === 'OFFLINE' ? 'cost' : 'record',
      code: `${topic}.${code}`,
    }))

const rigMarks = (db: ReadDb, from: EpochMs, to: EpochMs): Mark[] =>
  db
    .prepare<{ at: number; what: string }>(
      `SELECT at, what FROM rig_events WHERE at >= ? AND at < ? ORDER BY event_id DESC LIMIT ${MARKS_MAX + 1}`,
    )
    .all(from, to)
    .map(({ at, what }) => ({ ...NO_ASK, at, kind: what === 'breaker.passed' ? 'record' : 'cost', code: what }))

/** In the order of time; `leftOut` older ones at least are not among them. */
export function marksBetween(
  realm: ReadDb,
  rig: ReadDb,
  { from, to }: { from: EpochMs; to: EpochMs },
): { marks: Mark[]; leftOut: number } {
  const all = [...listingMarks(realm, from, to), ...marketMarks(realm, from, to), ...rigMarks(rig, from, to)]
  const sorted = all.sort((a, b) => a.at - b.at)
  return { marks: sorted.slice(-MARKS_MAX), leftOut: Math.max(0, sorted.length - MARKS_MAX) }
}
