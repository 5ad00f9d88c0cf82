/** SQL of listings (what the owner wants) and of the time they were up. */
import { inWords } from '#contract/errors.ts'
import { nanoPerMtok, type Price } from '#contract/money.ts'
import { parseStoredReason, type Reason, storedReason } from '#contract/reasons.ts'
import { QUARTER_MS } from '#contract/time.ts'
import type { Db, ReadDb, WriteDb } from '#db/db-types.ts'

export interface ListingRow {
  instrument: string
  deploymentId: string
  ask: Price
  slots: number
  paused: boolean
  /** Null where the owner paused it. */
  pausedWhy: Reason | null
  since: number
}
type Stored = {
  instrument: string
  deploymentId: string
  ask: bigint
  cachedAsk: bigint
  outputAsk: bigint
  slots: bigint
  paused: bigint
  pausedWhy: string | null
  since: bigint
}

export const storedListings = (db: ReadDb): ListingRow[] =>
  db
    .money<Stored>(
      'SELECT instrument, deployment_id AS deploymentId, ask_nano_per_mtok AS ask, ask_cached_nano_per_mtok AS cachedAsk, ask_output_nano_per_mtok AS outputAsk, slots, paused, paused_why AS pausedWhy, since FROM listings ORDER BY instrument LIMIT 64',
    )
    .all()
    .map((row) => ({
      instrument: row.instrument,
      deploymentId: row.deploymentId,
      ask: {
        input: nanoPerMtok(Number(row.ask)),
        cachedInput: nanoPerMtok(Number(row.cachedAsk)),
        output: nanoPerMtok(Number(row.outputAsk)),
      },
      slots: Number(row.slots),
      paused: row.paused === 1n,
      pausedWhy: row.pausedWhy === null ? null : parseStoredReason(row.pausedWhy),
      since: Number(row.since),
    }))

export function saveListing(db: WriteDb, row: ListingRow): void {
  db.prepare(
    `INSERT INTO listings (instrument, deployment_id, ask_nano_per_mtok, ask_cached_nano_per_mtok, ask_output_nano_per_mtok, slots, paused, paused_why, since)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (instrument) DO UPDATE SET deployment_id = excluded.deployment_id, ask_nano_per_mtok = excluded.ask_nano_per_mtok,
       ask_cached_nano_per_mtok = excluded.ask_cached_nano_per_mtok, ask_output_nano_per_mtok = excluded.ask_output_nano_per_mtok, slots = excluded.slots, paused = excluded.paused, paused_why = excluded.paused_why, since = excluded.since`,
  ).run(
    row.instrument,
    row.deploymentId,
    row.ask.input,
    row.ask.cachedInput,
    row.ask.output,
    row.slots,
    row.paused ? 1 : 0,
    row.pausedWhy === null ? null : storedReason(row.pausedWhy),
    row.since,
  )
}

/** What became of a listing; `moved` to another deployment. */
export type ListingChange = 'listed' | 're-priced' | 'moved' | 'paused' | 'resumed' | 'withdrawn'

const REASON_MAX = 400

/** A code with its params cannot be cut, so a long one is kept in words; empty for the owner's own wish. */
function keptReason(reason: Reason | null): string {
  if (reason === null) return ''
  const stored = storedReason(reason)
  return stored.length <= REASON_MAX ? stored : inWords(reason).slice(0, REASON_MAX)
}

/** Appends to the history, in the transaction that changes the listing. */
export function recordListing(
  db: WriteDb,
  { instrument, deploymentId, ask, slots }: ListingRow,
  change: ListingChange,
  reason: Reason | null,
  at: number,
): void {
  db.prepare(
    `INSERT INTO listing_history (at, instrument, deployment_id, change, ask_nano_per_mtok, ask_cached_nano_per_mtok, ask_output_nano_per_mtok, slots, reason)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  ).run(at, instrument, deploymentId, change, ask.input, ask.cachedInput, ask.output, slots, keptReason(reason))
}

/**
 * What is not paused is paused for `why`, before anything reads it: at a start, in one commit. Paused ones keep their
 * reason.
 */
export function pauseStored(realmDb: Db, why: Reason, at: number): void {
  realmDb.tx((db) => {
    for (const row of storedListings(db).filter(({ paused }) => !paused)) {
      saveListing(db, { ...row, paused: true, pausedWhy: why })
      recordListing(db, row, 'paused', why, at)
    }
  })
}

export const deleteListing = (db: WriteDb, instrument: string): boolean =>
  db.prepare('DELETE FROM listings WHERE instrument = ?').run(instrument).changes > 0

/**
 * Adds `ms` of listed time that ended at `until`, quarter hour by quarter hour; `connected` when the exchange was online throughout.
 */
export function addListedTime(db: WriteDb, until: number, ms: number, connected: boolean): void {
  for (let from = until - ms; from < until;) {
    const quarter = Math.floor(from / QUARTER_MS) * QUARTER_MS
    const to = Math.min(until, quarter + QUARTER_MS)
    db.prepare(
      `INSERT INTO listing_quarter (quarter_ms, listed_ms, connected_ms) VALUES (?, ?, ?)
       ON CONFLICT (quarter_ms) DO UPDATE SET listed_ms = listed_ms + excluded.listed_ms, connected_ms = connected_ms + excluded.connected_ms`,
    ).run(quarter, to - from, connected ? to - from : 0)
    from = to
  }
}

/** Sums over the quarter hours that begin at or after `from`. */
export const listedTime = (db: ReadDb, from: number): { listedMs: number; connectedMs: number } =>
  db
    .prepare<{ listedMs: number; connectedMs: number }>(
      'SELECT coalesce(sum(listed_ms), 0) AS listedMs, coalesce(sum(connected_ms), 0) AS connectedMs FROM listing_quarter WHERE quarter_ms >= ?',
    )
    .get(from)!
