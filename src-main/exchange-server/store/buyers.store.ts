/** Buyers and their keys; a key is stored as its SHA-256 only. */
import { sha256Hex } from '#lib/canonical.ts'
import { bool, int, text } from '#db/column.ts'
import type { ReadDb, WriteDb } from '#db/db-types.ts'
import { defineTable, type RowOf } from '#db/table.ts'

export const buyers = defineTable('buyers', { buyerId: text(), name: text(), practice: bool(), createdAt: int() })
export type Buyer = Omit<RowOf<typeof buyers>, 'createdAt'>

export const buyerKeys = defineTable('buyer_keys', { keySha256: text(), buyerId: text(), createdAt: int() })
export const meta = defineTable('meta', { name: text(), value: text() })

const insertOnce = buyers.inserter({ conflict: 'ON CONFLICT DO NOTHING' })

/** False when the buyer exists already. */
export const insertBuyer = (db: WriteDb, { buyerId, name, practice }: Buyer, at: number): boolean =>
  insertOnce(db, { buyerId, name, practice, createdAt: at }) === 1

export const insertBuyerKey = (db: WriteDb, key: string, buyerId: string, at: number): number =>
  buyerKeys.insert(db, { keySha256: sha256Hex(key), buyerId, createdAt: at })

const named = buyers.pick('buyerId', 'name', 'practice')

/** The key's owner; null for an unknown key. Looked up by digest, so timing tells nothing about the key. */
export const buyerOfKey = (db: ReadDb, key: string): Buyer | null =>
  named.get(
    db,
    `SELECT ${named.columns} FROM buyers WHERE buyer_id = (SELECT buyer_id FROM buyer_keys WHERE key_sha256 = ?)`,
    sha256Hex(key),
  )

const values = meta.pick('value')
export const readMeta = (db: ReadDb, name: string): string | null =>
  values.get(db, `SELECT ${values.columns} FROM meta WHERE name = ?`, name)?.value ?? null

const upsertMeta = meta.inserter({ conflict: 'ON CONFLICT (name) DO UPDATE SET value = excluded.value' })
export const writeMeta = (db: WriteDb, name: string, value: string): number => upsertMeta(db, { name, value })
