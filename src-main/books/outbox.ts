/**
 * Messages owed to the other side: written in the transaction that made them true, sent after the commit, done when
 * answered. A row is found again after a crash. Payloads hold ids and signed records, never texts of jobs.
 */
import { fail } from '#contract/errors.ts'
import { canonicalJson } from '#lib/canonical.ts'
import { defaulted, int, nullable, text } from '#db/column.ts'
import type { Migration, ReadDb, WriteDb } from '#db/db-types.ts'
import { defineTable } from '#db/table.ts'

import type { Applied } from './books-types.ts'

export const OUTBOX_OPEN_MAX = 100_000
export const OUTBOX_PAYLOAD_MAX = 262_144
const PAGE_MAX = 1_000

export const outboxMigration: Migration = {
  id: 20,
  name: 'outbox',
  up: (exec) =>
    exec(`
CREATE TABLE outbox (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL,
  key TEXT NOT NULL,
  payload TEXT NOT NULL CHECK (json_valid(payload)),
  created_at INTEGER NOT NULL,
  done_at INTEGER,
  attempts INTEGER NOT NULL DEFAULT 0,
  UNIQUE (kind, key)
) STRICT;
CREATE INDEX outbox_open ON outbox (id) WHERE done_at IS NULL;
CREATE INDEX outbox_done ON outbox (done_at) WHERE done_at IS NOT NULL;`),
}

export const outbox = defineTable('outbox', {
  id: defaulted(int()),
  kind: text(),
  key: text(),
  /** Canonical JSON. */
  payload: text(),
  createdAt: int(),
  doneAt: nullable(int()),
  attempts: defaulted(int()),
})
const payloads = outbox.pick('payload')
const open = outbox.pick('id', 'kind', 'key', 'payload', 'createdAt', 'attempts')

export interface OutboxEntry<Payload = unknown> {
  id: number
  kind: string
  key: string
  payload: Payload
  createdAt: number
  attempts: number
}

/**
 * Errors: LEDGER_CONFLICT (this kind and key with another payload), TOO_LARGE (payload), UNAVAILABLE (too many open
 * rows: the other side has not answered for long).
 */
export function put(db: WriteDb, entry: { kind: string; key: string; payload: unknown; at: number }): Applied {
  const payload = canonicalJson(entry.payload)
  if (payload.length > OUTBOX_PAYLOAD_MAX)
    throw fail('outbox.tooLarge', { max: OUTBOX_PAYLOAD_MAX, length: payload.length })
  const known = payloads.get(
    db,
    `SELECT ${payloads.columns} FROM outbox WHERE kind = ? AND key = ?`,
    entry.kind,
    entry.key,
  )
  if (known !== null) {
    if (known.payload === payload) return 'duplicate'
    throw fail(
      'outbox.conflict',
      { kind: entry.kind, entry: entry.key },
      {
        data: { kind: entry.kind, key: entry.key },
      },
    )
  }
  if (openCount(db) >= OUTBOX_OPEN_MAX) throw fail('outbox.full', { max: OUTBOX_OPEN_MAX })
  outbox.insert(db, { kind: entry.kind, key: entry.key, payload, createdAt: entry.at, doneAt: null })
  return 'applied'
}

/** Entries not done, in the order they were written: at most `limit` (bounded by 1,000) with an id above `after`. */
export function due<Payload = unknown>(
  db: ReadDb,
  options: { kind?: string; after?: number; limit?: number } = {},
): OutboxEntry<Payload>[] {
  const { kind = null, after = 0, limit = PAGE_MAX } = options
  const rows = open.all(
    db,
    `SELECT ${open.columns} FROM outbox
     WHERE done_at IS NULL AND id > ? AND (? IS NULL OR kind = ?) ORDER BY id LIMIT ?`,
    after,
    kind,
    kind,
    Math.min(limit, PAGE_MAX),
  )
  return rows.map((row) => ({ ...row, payload: JSON.parse(row.payload) as Payload }))
}

/** Counts one more sending. */
export const attempted = (db: WriteDb, id: number): void =>
  void db.prepare('UPDATE outbox SET attempts = attempts + 1 WHERE id = ?').run(id)

/** It was answered: nothing of it is kept. Again, or for a key never put, does nothing. */
export const done = (db: WriteDb, entry: { kind: string; key: string }): void =>
  void db.prepare('DELETE FROM outbox WHERE kind = ? AND key = ? AND done_at IS NULL').run(entry.kind, entry.key)

export const openCount = (db: ReadDb): number =>
  db.prepare<{ n: number }>('SELECT count(*) AS n FROM outbox WHERE done_at IS NULL').get()!.n
