/** SQL of listings (what the owner wants) and of the time they were up. */
import { parseStoredReason, type Reason, storedReason } from '#contract/reasons.ts'
import { HOUR_MS } from '#contract/time.ts'
import type { ReadDb, WriteDb } from '#db/db-types.ts'

export interface ListingRow {
  instrument: string
  deploymentId: string
  ask: number
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
  slots: bigint
  paused: bigint
  pausedWhy: string | null
  since: bigint
}

export const storedListings = (db: ReadDb): ListingRow[] =>
  db
    .money<Stored>(
      'SELECT instrument, deployment_id AS deploymentId, ask_nano_per_mtok AS ask, slots, paused, paused_why AS pausedWhy, since FROM listings ORDER BY instrument LIMIT 64',
    )
    .all()
    .map((row) => ({
      instrument: row.instrument,
      deploymentId: row.deploymentId,
      ask: Number(row.ask),
      slots: Number(row.slots),
      paused: row.paused === 1n,
      pausedWhy: row.pausedWhy === null ? null : parseStoredReason(row.pausedWhy),
      since: Number(row.since),
    }))

export function saveListing(db: WriteDb, row: ListingRow): void {
  db.prepare(
    `INSERT INTO listings (instrument, deployment_id, ask_nano_per_mtok, slots, paused, paused_why, since) VALUES (?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (instrument) DO UPDATE SET deployment_id = excluded.deployment_id, ask_nano_per_mtok = excluded.ask_nano_per_mtok, slots = excluded.slots, paused = excluded.paused, paused_why = excluded.paused_why, since = excluded.since`,
  ).run(
    row.instrument,
    row.deploymentId,
    row.ask,
    row.slots,
    row.paused ? 1 : 0,
    row.pausedWhy === null ? null : storedReason(row.pausedWhy),
    row.since,
  )
}

export const deleteListing = (db: WriteDb, instrument: string): boolean =>
  db.prepare('DELETE FROM listings WHERE instrument = ?').run(instrument).changes > 0

/**
 * Adds `ms` of listed time that ended at `until`, hour by hour; `connected` when the exchange was online throughout.
 */
export function addListedTime(db: WriteDb, until: number, ms: number, connected: boolean): void {
  for (let from = until - ms; from < until;) {
    const hour = Math.floor(from / HOUR_MS) * HOUR_MS
    const to = Math.min(until, hour + HOUR_MS)
    db.prepare(
      `INSERT INTO listing_time (hour_ms, listed_ms, connected_ms) VALUES (?, ?, ?)
       ON CONFLICT (hour_ms) DO UPDATE SET listed_ms = listed_ms + excluded.listed_ms, connected_ms = connected_ms + excluded.connected_ms`,
    ).run(hour, to - from, connected ? to - from : 0)
    from = to
  }
}

/** Sums over the hours that begin at or after `from`. */
export const listedTime = (db: ReadDb, from: number): { listedMs: number; connectedMs: number } =>
  db
    .prepare<{ listedMs: number; connectedMs: number }>(
      'SELECT coalesce(sum(listed_ms), 0) AS listedMs, coalesce(sum(connected_ms), 0) AS connectedMs FROM listing_time WHERE hour_ms >= ?',
    )
    .get(from)!
