/** Whether the exchange's view of one supplier is the supplier's own. */
import type { ReadDb } from '#db/db-types.ts'

import type { AuditProblems } from './audit-facts.ts'
import type { SellerAudit } from './audit-seller.ts'

/**
 * What the exchange holds of this supplier, against what the supplier holds: byte for byte. The exchange settles first,
 * so it may be ahead by what is on its way; it may never lack or differ. Returns how far ahead it is.
 */
export function compare(
  ours: SellerAudit,
  exchange: ReadDb,
  supplier: string,
  problems: AuditProblems,
): { receipts: number; releases: number } {
  const theirs = exchange
    .prepare<{ seq: number; json: string }>('SELECT seq, json FROM receipts WHERE supplier = ? ORDER BY seq')
    .all(supplier)
  const released = exchange
    .money<{ seq: bigint; job_id: string; amount_nano: bigint }>(
      'SELECT seq, job_id, amount_nano FROM releases WHERE supplier = ? ORDER BY seq',
    )
    .all(supplier)
  const known = new Map(theirs.map((row) => [row.seq, row.json]))
  for (const [seq, text] of ours.texts) {
    const other = known.get(seq)
    if (other === undefined) problems.add(`compared: we hold receipt ${seq}, the exchange does not`)
    else if (other !== text) problems.add(`compared: receipt ${seq} is not the same on both sides`)
  }
  const knownReleases = new Map(released.map((row) => [Number(row.seq), row]))
  for (const [seq, release] of ours.releases) {
    const other = knownReleases.get(seq)
    if (other === undefined || other.job_id !== release.jobId || other.amount_nano !== release.amount)
      problems.add(`compared: release ${seq} is not the same on both sides`)
  }
  return { receipts: theirs.length - ours.texts.size, releases: released.length - ours.releases.size }
}
