/** The keys this rig sold under, and what of its history hangs on them. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'

import { EMBEDDED_VENUE } from '#contract/embedded-venue.ts'
import { brandId, type VenueId } from '#contract/ids.ts'
import { activeVenues, type VenueRow } from '#core/venues/index.ts'
import { realmMigrations } from '#core/realm-db/index.ts'
import { rigMigrations } from '#core/rig-db/index.ts'
import { int, nullable, text } from '#db/column.ts'
import type { Db, ReadDb } from '#db/db-types.ts'
import { openDb } from '#db/open.ts'
import { defineTable, type RowOf } from '#db/table.ts'

export const ownKeys = defineTable('own_keys', {
  publicKey: text(),
  madeAt: int(),
  /** Null while it is the one that sells. */
  retiredAt: nullable(int()),
})
export type OwnKeyRow = RowOf<typeof ownKeys>

const KEYS_MAX = 1_000
const QUALIFICATIONS_MAX = 100

/** The newest first. */
export const listOwnKeys = (db: ReadDb): OwnKeyRow[] =>
  ownKeys.all(
    db,
    `SELECT ${ownKeys.columns} FROM own_keys ORDER BY retired_at IS NOT NULL, made_at DESC LIMIT ${KEYS_MAX}`,
  )

/** Notes that this key sells from now on; the one before it is retired. Writes nothing when that is known. */
export function noteOwnKey(rigDb: Db, publicKey: string, now: number): void {
  const known = listOwnKeys(rigDb.read)
  const mine = known.find((row) => row.publicKey === publicKey)
  if (mine?.retiredAt === null && known.filter(({ retiredAt }) => retiredAt === null).length === 1) return
  rigDb.tx((db) => {
    ownKeys.update(db, { retiredAt: now }, 'WHERE retired_at IS NULL AND public_key <> ?', publicKey)
    if (mine === undefined) ownKeys.insert(db, { publicKey, madeAt: now, retiredAt: null })
    else ownKeys.update(db, { retiredAt: null }, 'WHERE public_key = ?', publicKey)
  })
}

/** What one venue's books hold, in smallest parts of the venue's unit. */
export interface VenueHistory {
  venueId: string
  unit: string
  jobs: number
  receipts: number
  /** Claims that the exchange has not answered, and what they would bring. */
  claims: number
  pendingNano: number
  /** Settled and not released yet. */
  heldNano: number
  qualifications: { instrument: string; validUntil: number; supplier: string | null }[]
  /** The own keys its records are signed with, the newest first. */
  keys: string[]
}

export interface FolderHistory {
  /** The own keys of this folder, the one that sold last first; empty in a new folder. */
  keys: string[]
  rows: OwnKeyRow[]
  /** Only those in which something happened. */
  venues: VenueHistory[]
}

/** Opens rig.db read-only and hands it on; null where there is none. */
function withRigDb<T>(dataDir: string, work: (db: ReadDb) => T): T | null {
  const path = join(dataDir, 'rig.db')
  if (!existsSync(path)) return null
  const rigDb = openDb({ path, migrations: rigMigrations, readOnly: true })
  try {
    return work(rigDb.read)
  } finally {
    rigDb.close()
  }
}

/** Of the keys that were noted at a start; empty where rig.db is missing. */
export const notedKeys = (dataDir: string): string[] =>
  withRigDb(dataDir, (db) => listOwnKeys(db).map(({ publicKey }) => publicKey)) ?? []

type VenuePlace = Pick<VenueRow, 'venueId' | 'unit' | 'file'>
const EMBEDDED: readonly VenuePlace[] = [
  { venueId: brandId<VenueId>(EMBEDDED_VENUE.realm), unit: EMBEDDED_VENUE.unit.code, file: EMBEDDED_VENUE.file },
]

/**
 * Reads what lies in the folder; nothing is written. Errors: CONFLICT (written by an older Stoker and not brought up to
 * date yet), DB_*.
 */
export function readFolderHistory(dataDir: string, now: number): FolderHistory {
  const rig = withRigDb(dataDir, (db) => ({ rows: listOwnKeys(db), places: activeVenues(db) }))
  const venues = (rig?.places ?? EMBEDDED)
    .map((place) => readVenue(dataDir, place, now))
    .filter((venue) => venue !== null)
  const rows = rig?.rows ?? []
  const keys = [...new Set([...rows.map(({ publicKey }) => publicKey), ...venues.flatMap((venue) => venue.keys)])]
  return { keys, rows, venues }
}

const CLAIM_KEY = `SELECT json_extract(claim_json, '$.supplier') AS key FROM jobs
  WHERE state = 'claimed' AND claim_json <> '' ORDER BY rowid DESC LIMIT 1`
/** From one chain to the next by the index, however many receipts each has. */
const CHAIN_KEYS = `WITH RECURSIVE chains (exchange, supplier) AS (
    SELECT * FROM (SELECT exchange, supplier FROM receipts ORDER BY exchange, supplier LIMIT 1)
    UNION ALL
    SELECT r.exchange, r.supplier FROM chains c JOIN receipts r ON r.rowid = (
      SELECT n.rowid FROM receipts n WHERE (n.exchange, n.supplier) > (c.exchange, c.supplier)
      ORDER BY n.exchange, n.supplier LIMIT 1)
  )
  SELECT supplier AS key FROM chains LIMIT ${KEYS_MAX}`

function readVenue(dataDir: string, { venueId, unit, file }: VenuePlace, now: number): VenueHistory | null {
  const path = join(dataDir, file)
  if (!existsSync(path)) return null
  const db = openDb({ path, migrations: realmMigrations, readOnly: true })
  try {
    const { read } = db
    const { jobs, exams } = read
      .prepare<{ jobs: number; exams: number }>(
        'SELECT (SELECT count(*) FROM jobs) AS jobs, (SELECT count(*) FROM exams) AS exams',
      )
      .get()!
    if (jobs + exams === 0) return null
    return { venueId, unit, jobs, ...moneyOf(read), ...signedBy(read, now) }
  } finally {
    db.close()
  }
}

function moneyOf(db: ReadDb): Pick<VenueHistory, 'receipts' | 'claims' | 'pendingNano' | 'heldNano'> {
  const row = db
    .prepare<{ receipts: number; claims: number; pendingNano: number; heldNano: number }>(
      `SELECT (SELECT count(*) FROM receipts) AS receipts,
        (SELECT count(*) FROM jobs WHERE state = 'claimed') AS claims,
        (SELECT coalesce(sum(gross_nano), 0) FROM jobs WHERE state = 'claimed') AS pendingNano,
        (SELECT coalesce(sum(debits - credits), 0) FROM balances WHERE account = 'asset:held') AS heldNano`,
    )
    .get()!
  return row
}

function signedBy(db: ReadDb, now: number): Pick<VenueHistory, 'keys' | 'qualifications'> {
  const keys = [
    ...db.prepare<{ key: string }>(CLAIM_KEY).all(),
    ...db
      .prepare<{ key: string }>(
        `SELECT supplier AS key FROM exams WHERE supplier IS NOT NULL ORDER BY started_at DESC LIMIT 1`,
      )
      .all(),
    ...db.prepare<{ key: string }>(CHAIN_KEYS).all(),
  ].map(({ key }) => key)
  const qualifications = db
    .prepare<VenueHistory['qualifications'][number]>(
      `SELECT instrument, max(valid_until) AS validUntil, supplier FROM exams WHERE state = 'passed' AND valid_until > ?
       GROUP BY instrument, supplier ORDER BY instrument LIMIT ${QUALIFICATIONS_MAX}`,
    )
    .all(now)
  return { keys: [...new Set(keys)].filter((key) => key !== ''), qualifications }
}
