/** A seller's books in a real database, with a job to run, claim and settle. */
import { expect, onTestFinished } from 'vitest'

import { createBooks } from '#books/books.ts'
import { GENESIS, makeReceipt, receiptHash, signClaim, signReceipt, type ReceiptFacts } from '#books/receipts.ts'
import { brandId, type Instrument, type JobId, type ModelSha256 } from '#contract/ids.ts'
import { nanoPerMtok, onePrice } from '#contract/money.ts'
import type { ClaimV1 as Claim, ReceiptV1 as Receipt, SignedClaim } from '#contract/receipt.ts'
import { unitOf } from '#contract/units.ts'
import type { VenueContext } from '#core/core-context.ts'
import { findJob, insertJob, type SellerJobRow } from '#core/jobs/jobs.store.ts'
import { createSettlement } from '#core/jobs/settlement.store.ts'
import { realmMigrations } from '#core/realm-db/index.ts'
import { openDb } from '#db/open.ts'
import { generateSigningKey } from '#lib/ed25519.ts'

import { FakeClock } from './fake-clock.ts'
import { tempDir } from './temp-dir.ts'

export const INSTRUMENT = brandId<Instrument>('practice/text-nano')
export const INCOME = `income:${INSTRUMENT}`
/** 1 nano-unit a token. */
export const PRICE = nanoPerMtok(1_000_000)
export const NONE = { enginePromptTokens: null, engineCachedTokens: null, engineGeneratedTokens: null, tokPerS: null }

export function setup() {
  const [key, exchange] = [generateSigningKey(), generateSigningKey()]
  const clock = new FakeClock()
  const realmDb = openDb({ path: `${tempDir()}/practice.db`, migrations: realmMigrations })
  onTestFinished(() => realmDb.close())
  const books = createBooks()
  const context = { realmDb, books, unit: unitOf('PCR'), realm: 'practice', clock, key } as unknown as VenueContext
  const settlement = createSettlement(context)
  const rows = (sql: string): unknown[] => realmDb.read.prepare(sql).all()

  const claimOf = (jobId: string, outputTokens = 60): SignedClaim => {
    const claim: Claim = {
      v: 1,
      jobId: brandId<JobId>(jobId),
      supplier: key.publicKey,
      instrument: INSTRUMENT,
      specVersion: 1,
      modelSha256: brandId<ModelSha256>('a'.repeat(64)),
      usage: { inputTokens: 40, outputTokens },
      timings: { ttftMs: 5, durationMs: 900 },
      requestMac: '0'.repeat(64),
      answerMac: '0'.repeat(64),
      finish: 'stop',
    }
    return signClaim(key, claim)
  }
  let last: Receipt | null = null
  return {
    clock,
    books,
    settlement,
    exchange: exchange.publicKey,
    rows,
    claimOf,
    job: (jobId: string): SellerJobRow => findJob(realmDb.read, jobId)!,
    run(jobId: string, price: number = PRICE): void {
      const facts = {
        jobId,
        instrument: INSTRUMENT,
        specVersion: 1,
        deploymentId: 'dep_1',
        sha256: 'a'.repeat(64),
        state: 'running',
        reason: '',
        price: onePrice(nanoPerMtok(price)),
        reserveNano: 100,
        salt: 's',
      }
      realmDb.tx((db) =>
        insertJob(db, {
          ...facts,
          startedAt: clock.now(),
          endedAt: null,
          expiresAt: clock.now() + 1_000,
          holdMs: null,
          feeBps: null,
        } as never),
      )
    },
    /** The exchange's next receipt for a claim, as it counted the same. */
    receiptFor(signed: SignedClaim, price = PRICE, feeBps = 500, billed = signed.claim.usage): Receipt {
      const facts = {
        realm: 'practice' as const,
        billed,
        priceNanoPerMtok: price,
        feeBps,
        exchange: exchange.publicKey,
      }
      const chain = { seq: (last?.seq ?? 0) + 1, prev: last === null ? GENESIS : receiptHash(last) }
      last = signReceipt(
        exchange,
        makeReceipt({
          ...facts,
          ...chain,
          signed: signed as ReceiptFacts['signed'],
          settledAt: clock.now(),
          releaseAt: clock.now() + 30_000,
        }),
      )
      return last
    },
    /** Ids and amounts of all transfers, in order. */
    transfers: (): string[] =>
      realmDb.read
        .prepare<{ line: string }>("SELECT id || ' ' || amount AS line FROM transfers ORDER BY seq")
        .all()
        .map(({ line }) => line),
    openOutbox: (): unknown[] => rows('SELECT key FROM outbox WHERE done_at IS NULL ORDER BY id'),
    net(account: string): { net: number; pending: number } {
      const { debits, credits, pendingDebits, pendingCredits } = books.balance(realmDb.read, account)
      return { net: Number(debits - credits), pending: pendingDebits - pendingCredits }
    },
    check: () => expect(books.check(realmDb.read)).toMatchObject({ ok: true, problems: [] }),
  }
}
