/** Buyers and their keys; a key is stored as its SHA-256 only. */
import { sha256Hex } from '#lib/canonical.ts'
import type { ReadDb, WriteDb } from '#db/db-types.ts'

export interface Buyer {
  buyerId: string
  name: string
  practice: boolean
}

/** False when the buyer exists already. */
export const insertBuyer = (db: WriteDb, buyer: Buyer, at: number): boolean =>
  db
    .prepare('INSERT INTO buyers (buyer_id, name, practice, created_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING')
    .run(buyer.buyerId, buyer.name, buyer.practice ? 1 : 0, at).changes === 1

export const insertBuyerKey = (db: WriteDb, key: string, buyerId: string, at: number): void => {
  db.prepare('INSERT INTO buyer_keys (key_sha256, buyer_id, created_at) VALUES (?, ?, ?)').run(
    sha256Hex(key),
    buyerId,
    at,
  )
}

/** The key's owner; null for an unknown key. Looked up by digest, so timing tells nothing about the key. */
export function buyerOfKey(db: ReadDb, key: string): Buyer | null {
  const row = db
    .prepare<{ buyer_id: string; name: string; practice: number }>(
      'SELECT buyers.buyer_id, name, practice FROM buyer_keys JOIN buyers USING (buyer_id) WHERE key_sha256 = ?',
    )
    .get(sha256Hex(key))
  return row === undefined ? null : { buyerId: row.buyer_id, name: row.name, practice: row.practice === 1 }
}

export const readMeta = (db: ReadDb, name: string): string | null =>
  db.prepare<{ value: string }>('SELECT value FROM meta WHERE name = ?').get(name)?.value ?? null
export const writeMeta = (db: WriteDb, name: string, value: string): void => {
  db.prepare(
    'INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
  ).run(name, value)
}
