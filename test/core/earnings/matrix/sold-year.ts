/**
 * Nearly two years of sold jobs, booked by the real settlement from receipts that a stand-in for the exchange signed:
 * dense around every moment of the matrix, at the ends of months, and here and there between.
 */
import { unitOf } from '#contract/units.ts'
import { join } from 'node:path'

import { createBooks } from '#books/books.ts'
import { GENESIS, makeReceipt, receiptHash, signClaim, signReceipt } from '#books/receipts.ts'
import { brandId, type Instrument, type JobId, type ModelSha256, type PublicKey } from '#contract/ids.ts'
import { asOnePrice, nano, nanoPerMtok, onePrice } from '#contract/money.ts'
import type { Receipt } from '#contract/receipt.ts'
import { DAY_MS, HOUR_MS, QUARTER_MS } from '#contract/time.ts'
import { insertJob } from '#core/jobs/jobs.store.ts'
import { createSettlement, type Settlement } from '#core/jobs/settlement.store.ts'
import { addEnergy } from '#core/power/power.store.ts'
import { realmMigrations } from '#core/realm-db/index.ts'
import { openDb } from '#db/open.ts'
import { generateSigningKey } from '#lib/ed25519.ts'
import { FakeClock } from '#test/support/fake-clock.ts'
import { rigContext } from '#test/support/rig-context.ts'

import { MATRIX_ZONES } from './zones.ts'

const BEGIN = Date.UTC(2025, 1, 1)
const END = Date.UTC(2026, 11, 1)
const INSTRUMENTS = ['practice/text-nano', 'practice/text-micro'] as const
/** Offsets of the matrix' zones in hours: midnights and month ends are struck at each. */
const OFFSETS = [11, 10.5, 10, 5.75, 5.5, 2, 1, 0, -2.5, -3.5, -4, -5]

/** Numbers in [0, 1) that are the same in every run (Lehmer's generator, 48,271 modulo 2^31 - 1). */
function lehmer(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 48_271) % 2_147_483_647
    return state / 2_147_483_647
  }
}

/** Quarter hours from a moment: all within two hours, and every hour of the looks a day later. */
const around = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index).filter((quarter) => from < 0 || quarter % 4 === 0)

/** When jobs are settled, oldest first. */
function times(random: () => number): number[] {
  const found = new Set<number>()
  for (const { moments } of MATRIX_ZONES)
    for (const { at } of moments)
      for (const quarter of [...around(-8, 8), ...around(88, 104)]) {
        found.add(at + quarter * QUARTER_MS)
        found.add(at + quarter * QUARTER_MS - 1)
      }
  for (let month = 2; month < 23; month += 1)
    for (const offset of OFFSETS) {
      const start = Date.UTC(2025, month, 1) - offset * HOUR_MS
      found.add(start).add(start - 1)
    }
  for (let index = 0; index < 200; index += 1) found.add(BEGIN + Math.floor(random() * (END - BEGIN)))
  return [...found].filter((at) => at >= BEGIN && at < END).sort((a, b) => a - b)
}

const termsOf = (index: number) => ({
  jobId: brandId<JobId>(`job_${index}`),
  instrument: brandId<Instrument>(INSTRUMENTS[index % 7 === 0 ? 1 : 0]),
  sha256: brandId<ModelSha256>((index % 3 === 0 ? 'b' : 'a').repeat(64)),
  price: onePrice(nanoPerMtok(400_000_000 + index)),
})
const wonJob = (index: number, at: number) => ({
  specVersion: 1,
  deploymentId: `dep_${index % 4}`,
  state: 'running' as const,
  reserveNano: nano(0),
  salt: '',
  startedAt: at - 900,
  endedAt: null,
  expiresAt: at + DAY_MS,
  holdMs: null,
  feeBps: null,
})

export interface SoldYear {
  rig: ReturnType<typeof rigContext>
  realmDb: ReturnType<typeof openDb>
  books: ReturnType<typeof createBooks>
  dispose(): void
}

export function soldYear(): SoldYear {
  const rig = rigContext()
  const realmDb = openDb({ path: join(rig.dataDir, 'practice.db'), migrations: realmMigrations })
  const books = createBooks()
  const key = generateSigningKey()
  const exchange = generateSigningKey()
  const clock = new FakeClock(END + DAY_MS)
  const random = lehmer(20_261_130)
  let prev: Receipt | null = null
  let releases = 0

  const settled = times(random)
  // All in one transaction: a commit each would wait for the disk.
  realmDb.tx((db) => {
    for (const [index, at] of settled.entries()) insertJob(db, { ...termsOf(index), ...wonJob(index, at) })
  })

  const receiptAt = (settledAt: number, index: number): Receipt => {
    const { jobId, instrument, sha256, price } = termsOf(index)
    const billed = { inputTokens: 100 + Math.floor(random() * 900), outputTokens: 1 + Math.floor(random() * 400) }
    const signed = signClaim(key, {
      v: 1,
      jobId,
      supplier: brandId<PublicKey>(key.publicKey),
      instrument,
      specVersion: 1,
      modelSha256: sha256,
      usage: billed,
      timings: { ttftMs: 5, durationMs: 300 + (index % 500) },
      requestMac: '0'.repeat(64),
      answerMac: '0'.repeat(64),
      finish: 'stop',
    })
    return signReceipt(
      exchange,
      makeReceipt({
        signed,
        seq: index + 1,
        prev: prev === null ? GENESIS : receiptHash(prev),
        realm: 'practice',
        // One in fifty bills more than was sent: it is disputed, and booked nowhere.
        billed: index % 50 === 49 ? { ...billed, outputTokens: billed.outputTokens + 1 } : billed,
        priceNanoPerMtok: asOnePrice(price),
        feeBps: 500 + (index % 3),
        settledAt,
        releaseAt: settledAt + 30_000,
        exchange: brandId<PublicKey>(exchange.publicKey),
      }),
    )
  }

  const settleAll = (settlement: Settlement): void => {
    for (const [index, at] of settled.entries()) {
      const receipt = receiptAt(at, index)
      prev = receipt
      const { kind } = settlement.settle(receipt, exchange.publicKey)
      if (kind !== (index % 50 === 49 ? 'disputed' : 'applied')) throw new Error(`receipt ${index} is ${kind}`)
      if (index % 3 === 1) continue
      const { claim, sellerNano } = receipt
      const release = { seq: (releases += 1), jobId: claim.jobId, amountNano: sellerNano, at: at + 30_000 }
      settlement.release(release, exchange.publicKey)
    }
  }
  const deps = { ...rig, books, unit: unitOf('PCR'), realm: 'practice', clock, key } as const
  realmDb.tx((db) => {
    const within = { ...realmDb, tx: (work: (of: typeof db) => unknown) => work(db) } as typeof realmDb
    settleAll(createSettlement({ ...deps, realmDb: within }))
  })
  rig.rigDb.tx((db) => {
    for (const [index, at] of settled.entries()) {
      const quarterMs = Math.floor(at / QUARTER_MS) * QUARTER_MS
      const used = { ms: 1_000, joules: 60 + (index % 100), servingJoules: 20, servingMs: 900, jobMs: 900 }
      const priced = { currency: 'EUR', costNano: 5_000 + index, servingCostNano: 1_000 }
      addEnergy(db, { quarterMs, ...used }, priced, 'matrix')
    }
  })
  return {
    rig,
    realmDb,
    books,
    dispose() {
      realmDb.close()
      rig.dispose()
    },
  }
}
