/** Suppliers, their chains of receipts, what is held for them and what was released. */
import { GENESIS, releaseHash } from '#books/receipts.ts'
import type { JobId } from '#contract/ids.ts'
import type { Receipt } from '#contract/receipt.ts'
import type { Release } from '#contract/supplier.ts'
import type { ChainHeads } from '#contract/supplier-v2.ts'
import { amount, defaulted, int, named, text } from '#db/column.ts'
import type { ReadDb, WriteDb } from '#db/db-types.ts'
import type { SliceBounds } from '#db/row-slices.ts'
import { defineTable, type RowOf } from '#db/table.ts'

export const suppliers = defineTable('suppliers', {
  supplier: text(),
  name: text(),
  firstSeenAt: int(),
  lastSeenAt: int(),
  receiptSeq: defaulted(int()),
  receiptHead: text(),
  releaseSeq: defaulted(int()),
  epoch: defaulted(int()),
  instance: defaulted(text()),
})
export type SupplierRow = RowOf<typeof suppliers>

export const supplierReceipts = defineTable('receipts', {
  supplier: text(),
  seq: int(),
  jobId: text(),
  grossNano: amount(),
  feeNano: amount(),
  sellerNano: amount(),
  settledAt: int(),
  json: text(),
})

export const holds = defineTable('holds', {
  jobId: text<JobId>(),
  supplier: text(),
  receiptSeq: int(),
  sellerNano: named('amount_nano', amount()),
  releaseAt: int(),
})

export const supplierReleases = defineTable('releases', {
  supplier: text(),
  seq: int(),
  jobId: text<JobId>(),
  sellerNano: named('amount_nano', amount()),
  at: int(),
})

const upsert = suppliers.inserter({
  conflict: 'ON CONFLICT (supplier) DO UPDATE SET name = excluded.name, last_seen_at = excluded.last_seen_at',
})
export const upsertSupplier = (db: WriteDb, supplier: string, name: string, at: number): number =>
  upsert(db, { supplier, name, firstSeenAt: at, lastSeenAt: at, receiptHead: GENESIS })

export const findSupplier = (db: ReadDb, supplier: string): SupplierRow | null =>
  suppliers.get(db, `SELECT ${suppliers.columns} FROM suppliers WHERE supplier = ?`, supplier)
export const allSuppliers = (db: ReadDb): SupplierRow[] =>
  suppliers.all(db, `SELECT ${suppliers.columns} FROM suppliers ORDER BY supplier LIMIT 100000`)

export const setEpoch = (db: WriteDb, supplier: string, epoch: number, instance: string): number =>
  suppliers.update(db, { epoch, instance }, 'WHERE supplier = ?', supplier)

/** Where both chains of a supplier end; numbers 0 before the first. */
export function chainHeadsOf(db: ReadDb, supplier: string): ChainHeads {
  const row = findSupplier(db, supplier)
  const last = row === null || row.releaseSeq === 0 ? undefined : releasesAfter(db, supplier, row.releaseSeq - 1, 1)[0]
  return {
    receipts: { seq: row?.receiptSeq ?? 0, hash: row?.receiptHead ?? GENESIS },
    releases: { seq: row?.releaseSeq ?? 0, hash: last === undefined ? GENESIS : releaseHash(last) },
  }
}

/** Appends to the supplier's chain; `head` is the SHA-256 of this receipt's canonical form. */
export function appendReceipt(db: WriteDb, supplier: string, receipt: Receipt, json: string, head: string): void {
  const { seq, grossNano, feeNano, sellerNano, settledAt, releaseAt } = receipt
  const { jobId } = receipt.claim
  supplierReceipts.insert(db, { supplier, seq, jobId, grossNano, feeNano, sellerNano, settledAt, json })
  const moved = suppliers.update(
    db,
    { receiptSeq: seq, receiptHead: head },
    'WHERE supplier = ? AND receipt_seq = ?',
    supplier,
    seq - 1,
  )
  if (moved !== 1) throw new Error(`the receipt chain of ${supplier} moved under ${seq}`)
  holds.insert(db, { jobId, supplier, receiptSeq: seq, sellerNano, releaseAt })
}

const texts = supplierReceipts.pick('json')

/** The stored text: a resent claim is answered with these very bytes. */
export const receiptJson = (db: ReadDb, jobId: string, supplier: string): string | null =>
  texts.get(db, `SELECT ${texts.columns} FROM receipts WHERE job_id = ? AND supplier = ?`, jobId, supplier)?.json ??
  null

export const receiptsAfter = (db: ReadDb, supplier: string, seq: number, limit: number): string[] =>
  texts
    .all(
      db,
      `SELECT ${texts.columns} FROM receipts WHERE supplier = ? AND seq > ? ORDER BY seq LIMIT ?`,
      supplier,
      seq,
      limit,
    )
    .map((row) => row.json)

/** The key that signed the newest receipt; null before the first, and where its text is damaged. */
export const lastReceiptSigner = (db: ReadDb): string | null =>
  db
    .prepare<{ signer: string | null }>(
      `SELECT CASE WHEN json_valid(json) THEN json_extract(json, '$.exchange') END AS signer
       FROM receipts ORDER BY rowid DESC LIMIT 1`,
    )
    .get()?.signer ?? null

const heldAmounts = holds.pick('jobId', 'supplier', 'sellerNano')
export type HeldAmount = Pick<RowOf<typeof holds>, 'jobId' | 'supplier' | 'sellerNano'>

/** Due holds in a fixed order: time, supplier, receipt; of all suppliers, or of one. */
export const dueHolds = (db: ReadDb, now: number, limit: number, supplier: string | null = null): HeldAmount[] =>
  heldAmounts.all(
    db,
    `SELECT ${heldAmounts.columns} FROM holds WHERE release_at <= ? ${supplier === null ? '' : 'AND supplier = ?'}
     ORDER BY release_at, supplier, receipt_seq LIMIT ?`,
    ...(supplier === null ? [now, limit] : [now, supplier, limit]),
  )

const heldSuppliers = holds.pick('supplier')
/** Suppliers with a hold that is due. */
export const dueSuppliers = (db: ReadDb, now: number): string[] =>
  heldSuppliers
    .all(db, `SELECT DISTINCT ${heldSuppliers.columns} FROM holds WHERE release_at <= ? LIMIT 100000`, now)
    .map(({ supplier }) => supplier)

/** Turns a hold into the supplier's next release. */
export function appendRelease(db: WriteDb, { jobId, supplier, sellerNano }: HeldAmount, at: number): Release {
  const seq = (findSupplier(db, supplier)?.releaseSeq ?? 0) + 1
  suppliers.update(db, { releaseSeq: seq }, 'WHERE supplier = ?', supplier)
  supplierReleases.insert(db, { supplier, seq, jobId, sellerNano, at })
  db.prepare('DELETE FROM holds WHERE job_id = ?').run(jobId)
  return { seq, jobId, amountNano: sellerNano, at }
}

export const releasesAfter = (db: ReadDb, supplier: string, seq: number, limit: number): Release[] =>
  supplierReleases
    .all(
      db,
      `SELECT ${supplierReleases.columns} FROM releases WHERE supplier = ? AND seq > ? ORDER BY seq LIMIT ?`,
      supplier,
      seq,
      limit,
    )
    .map((row) => ({ seq: row.seq, jobId: row.jobId, amountNano: row.sellerNano, at: row.at }))

const AMOUNTS = { holds: 'amount_nano', releases: 'amount_nano', receipts: 'seller_nano' } as const

/** Sums for the check, by supplier, of a slice of one table. */
export const amountsOf = (
  db: ReadDb,
  table: keyof typeof AMOUNTS,
  bounds: SliceBounds<bigint>,
): { supplier: string; sum: bigint }[] =>
  db
    .money<{ supplier: string; sum: bigint }>(
      `SELECT supplier, sum(${AMOUNTS[table]}) AS sum FROM ${table} WHERE rowid > @after AND rowid <= @upTo GROUP BY supplier`,
    )
    .all(bounds)
