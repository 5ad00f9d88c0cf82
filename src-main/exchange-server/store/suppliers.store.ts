/** Suppliers, their chains of receipts, what is held for them and what was released. */
import { nanoFromBigInt, type Nano } from '#contract/money.ts'
import type { Receipt } from '#contract/receipt.ts'
import type { Release } from '#contract/supplier.ts'
import { brandId, type JobId } from '#contract/ids.ts'
import { GENESIS } from '#books/receipts.ts'
import type { ReadDb, WriteDb } from '#db/db-types.ts'

export function upsertSupplier(db: WriteDb, supplier: string, name: string, at: number): void {
  db.prepare(
    `INSERT INTO suppliers (supplier, name, first_seen_at, last_seen_at, receipt_head) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (supplier) DO UPDATE SET name = excluded.name, last_seen_at = excluded.last_seen_at`,
  ).run(supplier, name, at, at, GENESIS)
}

export interface SupplierRow {
  supplier: string
  name: string
  lastSeenAt: number
  receiptSeq: number
  receiptHead: string
  releaseSeq: number
}
const COLUMNS =
  'supplier, name, last_seen_at AS lastSeenAt, receipt_seq AS receiptSeq, receipt_head AS receiptHead, release_seq AS releaseSeq'

export const findSupplier = (db: ReadDb, supplier: string): SupplierRow | null =>
  db.prepare<SupplierRow>(`SELECT ${COLUMNS} FROM suppliers WHERE supplier = ?`).get(supplier) ?? null
export const allSuppliers = (db: ReadDb): SupplierRow[] =>
  db.prepare<SupplierRow>(`SELECT ${COLUMNS} FROM suppliers ORDER BY supplier LIMIT 100000`).all()

/** Appends to the supplier's chain; `head` is the SHA-256 of this receipt's canonical form. */
export function appendReceipt(db: WriteDb, supplier: string, receipt: Receipt, json: string, head: string): void {
  db.prepare(
    'INSERT INTO receipts (supplier, seq, job_id, gross_nano, fee_nano, seller_nano, settled_at, json) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
  ).run(
    supplier,
    receipt.seq,
    receipt.claim.jobId,
    receipt.grossNano,
    receipt.feeNano,
    receipt.sellerNano,
    receipt.settledAt,
    json,
  )
  const moved = db
    .prepare('UPDATE suppliers SET receipt_seq = ?, receipt_head = ? WHERE supplier = ? AND receipt_seq = ?')
    .run(receipt.seq, head, supplier, receipt.seq - 1)
  if (moved.changes !== 1) throw new Error(`the receipt chain of ${supplier} moved under ${receipt.seq}`)
  db.prepare('INSERT INTO holds (job_id, supplier, receipt_seq, amount_nano, release_at) VALUES (?, ?, ?, ?, ?)').run(
    receipt.claim.jobId,
    supplier,
    receipt.seq,
    receipt.sellerNano,
    receipt.releaseAt,
  )
}

/** The stored text: a resent claim is answered with these very bytes. */
export const receiptJson = (db: ReadDb, jobId: string, supplier: string): string | null =>
  db.prepare<{ json: string }>('SELECT json FROM receipts WHERE job_id = ? AND supplier = ?').get(jobId, supplier)
    ?.json ?? null

export const receiptsAfter = (db: ReadDb, supplier: string, seq: number, limit: number): string[] =>
  db
    .prepare<{ json: string }>('SELECT json FROM receipts WHERE supplier = ? AND seq > ? ORDER BY seq LIMIT ?')
    .all(supplier, seq, limit)
    .map((row) => row.json)

export interface Hold {
  jobId: string
  supplier: string
  amountNano: Nano
}

/** Due holds in a fixed order: time, supplier, receipt. */
export const dueHolds = (db: ReadDb, now: number, limit: number): Hold[] =>
  db
    .money<{ job_id: string; supplier: string; amount_nano: bigint }>(
      'SELECT job_id, supplier, amount_nano FROM holds WHERE release_at <= ? ORDER BY release_at, supplier, receipt_seq LIMIT ?',
    )
    .all(now, limit)
    .map((row) => ({ jobId: row.job_id, supplier: row.supplier, amountNano: nanoFromBigInt(row.amount_nano) }))

/** Turns a hold into the supplier's next release. */
export function appendRelease(db: WriteDb, hold: Hold, at: number): Release {
  const seq = (findSupplier(db, hold.supplier)?.releaseSeq ?? 0) + 1
  db.prepare('UPDATE suppliers SET release_seq = ? WHERE supplier = ?').run(seq, hold.supplier)
  db.prepare('INSERT INTO releases (supplier, seq, job_id, amount_nano, at) VALUES (?, ?, ?, ?, ?)').run(
    hold.supplier,
    seq,
    hold.jobId,
    hold.amountNano,
    at,
  )
  db.prepare('DELETE FROM holds WHERE job_id = ?').run(hold.jobId)
  return { seq, jobId: brandId<JobId>(hold.jobId), amountNano: hold.amountNano, at }
}

export const releasesAfter = (db: ReadDb, supplier: string, seq: number, limit: number): Release[] =>
  db
    .money<{ seq: bigint; job_id: string; amount_nano: bigint; at: bigint }>(
      'SELECT seq, job_id, amount_nano, at FROM releases WHERE supplier = ? AND seq > ? ORDER BY seq LIMIT ?',
    )
    .all(supplier, seq, limit)
    .map((row) => ({
      seq: Number(row.seq),
      jobId: brandId<JobId>(row.job_id),
      amountNano: nanoFromBigInt(row.amount_nano),
      at: Number(row.at),
    }))

/** Sums for the check: what the holds and releases of one supplier say. */
export function heldAndReleased(
  db: ReadDb,
  supplier: string,
): { held: bigint; released: bigint; receipts: bigint; earned: bigint } {
  const one = (sql: string): bigint => db.money<{ sum: bigint | null }>(sql).get(supplier)?.sum ?? 0n
  return {
    held: one('SELECT sum(amount_nano) AS sum FROM holds WHERE supplier = ?'),
    released: one('SELECT sum(amount_nano) AS sum FROM releases WHERE supplier = ?'),
    receipts: one('SELECT count(*) AS sum FROM receipts WHERE supplier = ?'),
    earned: one('SELECT sum(seller_nano) AS sum FROM receipts WHERE supplier = ?'),
  }
}
