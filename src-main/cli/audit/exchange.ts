/** The exchange's side, and whether its view of one supplier is the supplier's own. */
import type { ReadDb } from '#db/types.ts'

import { auditBooks, auditChain, expectEqual, posted, sumOf, type Problems } from './facts.ts'
import type { SellerAudit } from './seller.ts'

export interface ExchangeAudit {
  accounts: number
  transfers: number
  receipts: number
}

/** Every supplier's chain and accounts, and the fees of all together. */
export function auditExchange(db: ReadDb, exchangeKey: string | null, problems: Problems): ExchangeAudit {
  const size = auditBooks(db, 'exchange', problems)
  let [receipts, fees] = [0, 0n]
  for (const { supplier } of db.prepare<{ supplier: string }>('SELECT supplier FROM suppliers ORDER BY supplier').all()) {
    const texts = db.prepare<{ json: string }>('SELECT json FROM receipts WHERE supplier = ? ORDER BY seq').all(supplier)
    const sums = auditChain(texts.map((row) => row.json), exchangeKey, `exchange, supplier ${supplier}`, problems)
    if (sums.receipts !== texts.length) problems.add(`exchange: ${texts.length - sums.receipts} receipts of ${supplier} could not be checked`)
    receipts += sums.receipts
    fees += sums.fee
    const released = sumOf(db, 'SELECT sum(amount_nano) AS sum FROM releases WHERE supplier = ?', supplier)
    const [held, available] = [posted(db, `liability:supplier:${supplier}:held`), posted(db, `liability:supplier:${supplier}:available`)]
    expectEqual(problems, `exchange: held for ${supplier} and what its receipts leave unreleased`, held.credits - held.debits, sums.seller - released)
    expectEqual(problems, `exchange: available to ${supplier} and its releases`, available.credits - available.debits, released)
    expectEqual(problems, `exchange: holds of ${supplier} and its held account`, sumOf(db, 'SELECT sum(amount_nano) AS sum FROM holds WHERE supplier = ?', supplier), held.credits - held.debits)
  }
  expectEqual(problems, 'exchange: fees and all receipts', posted(db, 'income:fees').credits, fees)
  const clearing = posted(db, 'liability:clearing')
  expectEqual(problems, 'exchange: nothing may stay in clearing', clearing.credits - clearing.debits, 0n)
  return { ...size, receipts }
}

/**
 * What the exchange holds of this supplier, against what the supplier holds: byte for byte. The exchange settles first, so it may be ahead by what is on its
 * way; it may never lack or differ. Returns how far ahead it is.
 */
export function compare(ours: SellerAudit, exchange: ReadDb, supplier: string, problems: Problems): { receipts: number; releases: number } {
  const theirs = exchange.prepare<{ seq: number; json: string }>('SELECT seq, json FROM receipts WHERE supplier = ? ORDER BY seq').all(supplier)
  const released = exchange.money<{ seq: bigint; job_id: string; amount_nano: bigint }>('SELECT seq, job_id, amount_nano FROM releases WHERE supplier = ? ORDER BY seq').all(supplier)
  const known = new Map(theirs.map((row) => [row.seq, row.json]))
  for (const [seq, text] of ours.texts) {
    const other = known.get(seq)
    if (other === undefined) problems.add(`compared: we hold receipt ${seq}, the exchange does not`)
    else if (other !== text) problems.add(`compared: receipt ${seq} is not the same on both sides`)
  }
  const knownReleases = new Map(released.map((row) => [Number(row.seq), row]))
  for (const [seq, release] of ours.releases) {
    const other = knownReleases.get(seq)
    if (other === undefined || other.job_id !== release.jobId || other.amount_nano !== release.amount) problems.add(`compared: release ${seq} is not the same on both sides`)
  }
  return { receipts: theirs.length - ours.texts.size, releases: released.length - ours.releases.size }
}
