/**
 * The exchange's books with one supplier and one buyer of 1,000,000 nano-units, and jobs as the router would make them.
 * No sockets.
 */
import { createBooks } from '#books/books.ts'
import { answerMac, requestMac, signClaim } from '#books/receipts.ts'
import { inferenceRequest } from '#contract/inference.ts'
import { nano, nanoPerMtok, onePrice } from '#contract/money.ts'
import type { ClaimV1 as Claim, ReceiptV1 as Receipt, SignedClaim } from '#contract/receipt.ts'
import { openDb } from '#db/open.ts'
import type { WriteDb } from '#db/db-types.ts'
import { loadGradeSpecs } from '#exam/grade-specs.ts'
import { generateSigningKey, type SigningKey } from '#lib/ed25519.ts'
import {
  buyerAccount,
  heldAccount,
  openExchangeAccounts,
  openSupplierAccounts,
} from '#exchange-server/exchange-accounts.ts'
import { createBuyer } from '#exchange-server/buy/buyers.ts'
import { PRACTICE_TERMS, type ExchangeContext } from '#exchange-server/exchange-context.ts'
import { StreamedAnswer, type RoutedJob } from '#exchange-server/jobs/routed-job.ts'
import { exchangeMigrations } from '#exchange-server/exchange-db/index.ts'
import { endJob, insertJob } from '#exchange-server/store/buyer-jobs.store.ts'
import { appendReceipt, upsertSupplier } from '#exchange-server/store/suppliers.store.ts'
import { countingIds } from '#test/support/counting-ids.ts'
import { FakeClock } from '#test/support/fake-clock.ts'
import { MODEL_SHA } from '#test/support/fake-supplier.ts'
import { tempDir } from '#test/support/temp-dir.ts'

import { NANO, silent } from '../exchange-support.ts'

export const CREDIT = 1_000_000
/** 1,000 nano-units a token. */
const PRICE = 1_000_000_000
const SALT = 'c2FsdHNhbHRzYWx0c2FsdHNhbHRzYWx0c2FsdHNhbHQ'
const spec = loadGradeSpecs().find((one) => one.instrument === NANO)!
const request = inferenceRequest.parse({ messages: [{ role: 'user', content: 'Hi' }], maxTokens: 100 })

export interface SettleRig {
  context: ExchangeContext
  clock: FakeClock
  buyerId: string
  seller: SigningKey
  addSupplier(): SigningKey
  /** A job of 10 input and at most 100 output tokens at 1,000 nano-units a token, with 110,000 set aside. */
  job(jobId: string, change?: Partial<RoutedJob>): RoutedJob
  /** So many free jobs, settled and held, in one transaction; their receipts are copies of one, unsigned. */
  freeHolds(count: number): void
  /** What a faithful supplier claims for it. */
  claim(job: RoutedJob, change?: Partial<Claim>, key?: SigningKey): SignedClaim
  /** Of the buyer: paid and set aside; of the supplier: held. */
  money(): { paid: number; reserved: number; held: number }
  /** Ids and amounts of all transfers but the buyer's first credit. */
  transfers(): string[]
}

export function settleRig(): SettleRig {
  const clock = new FakeClock()
  const db = openDb({ path: `${tempDir()}/exchange.db`, migrations: exchangeMigrations })
  const key = generateSigningKey()
  const context: ExchangeContext = {
    clock,
    ids: countingIds(),
    log: silent,
    db,
    books: createBooks(),
    key,
    specs: new Map([[NANO, spec]]),
    terms: PRACTICE_TERMS,
  }
  const addSupplier = (): SigningKey => {
    const added = generateSigningKey()
    db.tx((write) => {
      upsertSupplier(write, added.publicKey, 'x', 0)
      openSupplierAccounts(context, write, added.publicKey)
    })
    return added
  }
  db.tx((write) => openExchangeAccounts(context, write))
  const seller = addSupplier()
  const { buyerId } = createBuyer(context, { name: 'b', creditNano: nano(CREDIT) })
  const ignore = (): void => undefined
  const insertFree = (write: WriteDb, jobId: string): number =>
    insertJob(write, {
      jobId,
      orderId: 'order_1',
      buyerId,
      supplier: seller.publicKey,
      instrument: NANO,
      specVersion: spec.version,
      modelSha256: MODEL_SHA,
      price: onePrice(nanoPerMtok(0)),
      inputTokens: 1,
      maxTokens: 1,
      reserveNano: nano(0),
      createdAt: clock.now(),
    })

  return {
    context,
    clock,
    buyerId,
    seller,
    addSupplier,
    job: (jobId, change = {}) => ({
      jobId,
      order: {
        orderId: 'order_1',
        buyerId,
        spec,
        request,
        inputTokens: 10,
        maxPrice: nanoPerMtok(PRICE),
        sink: { onRouted: ignore, onDelta: ignore, onDone: ignore, onFailed: ignore },
      },
      supplier: seller.publicKey,
      deploymentId: 'dep_1',
      modelSha256: MODEL_SHA,
      protocol: 1,
      price: onePrice(nanoPerMtok(PRICE)),
      inputTokens: 10,
      cacheScope: null,
      reserveNano: nano(110_000),
      salt: SALT,
      requestMac: requestMac(SALT, request),
      exam: null,
      answer: new StreamedAnswer(),
      sentAt: clock.mono(),
      deadlineMs: 7_000,
      accepted: true,
      firstDeltaAt: null,
      lastDeltaAt: null,
      firstDeltaBytes: 0,
      cancelled: false,
      stopTimer: ignore,
      ...change,
    }),
    freeHolds: (count) =>
      db.tx((write) => {
        for (let seq = 1; seq <= count; seq += 1) {
          const jobId = `job_${seq}`
          const receipt = {
            seq,
            claim: { jobId },
            grossNano: 0,
            feeNano: 0,
            sellerNano: 0,
            settledAt: clock.now(),
            releaseAt: clock.now() + PRACTICE_TERMS.holdMs,
          } as unknown as Receipt
          insertFree(write, jobId)
          endJob(write, jobId, 'settled', '', clock.now())
          appendReceipt(write, seller.publicKey, receipt, JSON.stringify(receipt), '0'.repeat(64))
        }
      }),
    claim: (job, change = {}, signer = seller) =>
      signClaim(signer, {
        v: 1,
        jobId: job.jobId as never,
        supplier: job.supplier as never,
        instrument: NANO as never,
        specVersion: spec.version,
        modelSha256: MODEL_SHA as never,
        usage: { inputTokens: 10, outputTokens: 5 },
        timings: { ttftMs: 1, durationMs: 2 },
        requestMac: job.requestMac,
        answerMac: answerMac(job.salt, job.answer.text),
        finish: 'stop',
        ...change,
      }),
    money() {
      const buyer = context.books.balance(db.read, buyerAccount(buyerId))
      return {
        paid: Number(buyer.debits),
        reserved: buyer.pendingDebits,
        held: Number(context.books.balance(db.read, heldAccount(seller.publicKey)).credits),
      }
    },
    transfers: () =>
      db.read
        .prepare<{ line: string }>(
          "SELECT id || ' ' || amount AS line FROM transfers WHERE code <> 'fund' ORDER BY seq",
        )
        .all()
        .map(({ line }) => line),
  }
}
