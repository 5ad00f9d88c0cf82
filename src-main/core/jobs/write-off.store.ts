/**
 * What is at stake with an exchange whose history is not ours, and its writing off by the owner: realm-db migration
 * 0140-written-off.ts. Amounts are in the venue's smallest unit.
 */
import { transferId } from '#books/transfer-ids.ts'
import type { VenueContext } from '#core/core-context.ts'
import { amount, named, text } from '#db/column.ts'
import type { ReadDb, WriteDb } from '#db/db-types.ts'
import { defineTable } from '#db/table.ts'

import { findJob, openJobs, OPEN_JOBS_MAX, settledAtOf, updateJob, type SellerJobRow } from './jobs.store.ts'
import { addWrittenOff } from './rollup.store.ts'
import { HELD, WRITTEN_OFF, type Settlement } from './settlement.store.ts'

/** Jobs of one transaction, so that other work goes on between them. */
const BATCH = 200

export interface AtStake {
  /** Settled by this exchange and not released. */
  heldNano: bigint
  /** Claimed and not answered; of whichever exchange of this venue. */
  pendingNano: bigint
}

const sum = (db: ReadDb, sql: string, ...values: unknown[]): bigint =>
  db.money<{ sum: bigint | null }>(sql).get(...values)?.sum ?? 0n

const OF_EXCHANGE =
  "state = 'settled' AND released_at IS NULL AND written_off_at IS NULL AND exchange = ? AND seller_nano > 0"

export const atStake = (db: ReadDb, exchange: string): AtStake => ({
  heldNano: sum(db, `SELECT sum(seller_nano) AS sum FROM jobs WHERE ${OF_EXCHANGE}`, exchange),
  pendingNano: sum(
    db,
    "SELECT sum(gross_nano) AS sum FROM jobs WHERE state IN ('running', 'claimed') AND state = 'claimed'",
  ),
})

/** Every exchange that holds money of ours, by its key. */
export const heldBy = (db: ReadDb): { exchange: string; jobs: number; heldNano: bigint }[] =>
  db
    .money<{ exchange: string; jobs: bigint; held: bigint }>(
      `SELECT exchange, count(*) AS jobs, sum(seller_nano) AS held FROM jobs
       WHERE state = 'settled' AND released_at IS NULL AND written_off_at IS NULL AND seller_nano > 0 AND exchange IS NOT NULL
       GROUP BY exchange ORDER BY exchange LIMIT 100`,
    )
    .all()
    .map(({ exchange, jobs, held }) => ({ exchange, jobs: Number(jobs), heldNano: held }))

const held = defineTable('jobs', { jobId: text(), sellerNano: named('seller_nano', amount()) }).pick(
  'jobId',
  'sellerNano',
)

export interface WrittenOff {
  jobs: number
  amountNano: number
  /** Claims that nobody will answer. */
  claims: number
}

/**
 * Writes off what `exchange` holds; with `claims` also what was claimed and not answered. Repeating it changes nothing.
 * Where the exchange settles or releases it later after all, it is booked then.
 */
export function writeOff(
  context: Pick<VenueContext, 'realmDb' | 'books' | 'unit' | 'clock'>,
  settlement: Pick<Settlement, 'voidJob'>,
  { exchange, claims }: { exchange: string; claims: boolean },
): WrittenOff {
  const { realmDb, books, unit } = context
  const done: WrittenOff = { jobs: 0, amountNano: 0, claims: 0 }
  realmDb.tx((db) => books.openAccount(db, { id: WRITTEN_OFF, kind: 'expense', unit }))
  for (;;) {
    const page = held.all(
      realmDb.read,
      `SELECT ${held.columns} FROM jobs WHERE ${OF_EXCHANGE} ORDER BY release_at LIMIT ?`,
      exchange,
      BATCH,
    )
    if (page.length === 0) break
    realmDb.tx((db) => {
      for (const job of page) {
        moveOff(context, db, findJob(db, job.jobId)!)
        done.jobs += 1
        done.amountNano += job.sellerNano
      }
    })
  }
  if (claims)
    for (const { jobId, state } of openJobs(realmDb.read, OPEN_JOBS_MAX)) {
      if (state !== 'claimed') continue
      settlement.voidJob(jobId, 'written off: its exchange does not answer any more')
      done.claims += 1
    }
  return done
}

function moveOff({ books, clock }: Pick<VenueContext, 'books' | 'clock'>, db: WriteDb, job: SellerJobRow): void {
  const { jobId, sellerNano } = job
  const at = clock.now()
  books.transfer(db, {
    id: transferId(db, 'write-off', jobId),
    debit: WRITTEN_OFF,
    credit: HELD,
    amount: sellerNano!,
    code: 'write-off',
    jobId,
    at,
  })
  updateJob(db, jobId, { writtenOffAt: at })
  addWrittenOff(db, settledAtOf(db, jobId)!, job, sellerNano!)
}
