import { describe, expect, it } from 'vitest'

import { GENESIS, makeReceipt, receiptHash, signClaim, signReceipt } from '#books/receipts.ts'
import { createBooks } from '#books/books.ts'
import { nanoPerMtok, onePrice } from '#contract/money.ts'
import type { ReceiptV1 as Receipt } from '#contract/receipt.ts'
import { openDb } from '#db/open.ts'
import { canonicalJson } from '#lib/canonical.ts'
import { generateSigningKey } from '#lib/ed25519.ts'
import { PRACTICE_TERMS, type ExchangeContext } from '#exchange-server/exchange-context.ts'
import { exchangeMigrations } from '#exchange-server/exchange-db/index.ts'
import { syncResult } from '#exchange-server/settle/supplier-sync.ts'
import { openBuyer } from '#exchange-server/buy/buyers.ts'
import { openExchangeAccounts } from '#exchange-server/exchange-accounts.ts'
import { endJob, insertJob } from '#exchange-server/store/buyer-jobs.store.ts'
import { appendReceipt, appendRelease, upsertSupplier } from '#exchange-server/store/suppliers.store.ts'
import { countingIds } from '#test/support/counting-ids.ts'
import { FakeClock } from '#test/support/fake-clock.ts'
import { MODEL_SHA } from '#test/support/fake-supplier.ts'
import { tempDir } from '#test/support/temp-dir.ts'

import { NANO, silent } from './exchange-support.ts'

/** An exchange that settled `count` free jobs of one supplier and released all but the last. */
function history(count: number): { context: ExchangeContext; supplier: string } {
  const clock = new FakeClock()
  const key = generateSigningKey()
  const seller = generateSigningKey()
  const db = openDb({ path: `${tempDir()}/exchange.db`, migrations: exchangeMigrations })
  const context: ExchangeContext = {
    clock,
    ids: countingIds(),
    log: silent,
    db,
    books: createBooks(),
    key,
    specs: new Map(),
    terms: PRACTICE_TERMS,
  }
  const supplier = seller.publicKey
  db.tx((write) => {
    openExchangeAccounts(context, write)
    upsertSupplier(write, supplier, 'x', 0)
    openBuyer(context, write, { buyerId: 'b', name: 'b', practice: false })
    let prev: Receipt | null = null
    for (let seq = 1; seq <= count; seq += 1) {
      const jobId = `job_${seq}` as never
      insertJob(write, {
        jobId,
        orderId: 'o',
        buyerId: 'b',
        supplier,
        instrument: NANO,
        specVersion: 1,
        modelSha256: MODEL_SHA,
        price: onePrice(nanoPerMtok(0)),
        inputTokens: 1,
        maxTokens: 1,
        reserveNano: 0 as never,
        createdAt: 0,
      })
      endJob(write, jobId, 'settled', '', 1)
      const claim = {
        v: 1 as const,
        jobId,
        supplier,
        instrument: NANO as never,
        specVersion: 1,
        modelSha256: MODEL_SHA as never,
        usage: { inputTokens: 1, outputTokens: 1 },
        timings: { ttftMs: 1, durationMs: 1 },
        requestMac: '0'.repeat(64),
        answerMac: '0'.repeat(64),
        finish: 'stop' as const,
      }
      const facts = {
        seq,
        prev: prev === null ? GENESIS : receiptHash(prev),
        realm: 'practice' as const,
        billed: claim.usage,
        priceNanoPerMtok: nanoPerMtok(0),
        feeBps: 500,
      }
      const receipt: Receipt = signReceipt(
        key,
        makeReceipt({
          ...facts,
          signed: signClaim(seller, claim),
          settledAt: 1,
          releaseAt: 2,
          exchange: key.publicKey,
        }),
      )
      appendReceipt(write, supplier, receipt, canonicalJson(receipt), receiptHash(receipt))
      if (seq < count) appendRelease(write, { jobId, supplier, sellerNano: 0 as never }, 3)
      prev = receipt
    }
  })
  return { context, supplier }
}

describe('sync', () => {
  it.each([
    [499, [499]],
    [500, [500]],
    [501, [500, 1]],
    [1_001, [500, 500, 1]],
  ])(
    'tells %i receipts in pages of at most 500, none twice, none left out, and says when it is done',
    (count, pages) => {
      const { context, supplier } = history(count)
      const told: { receipts: number[]; releases: number[]; more: boolean }[] = []
      for (let [receipt, release, more] = [0, 0, true]; more && told.length < 10;) {
        const page = syncResult(context, supplier, {
          t: 'sync',
          afterReceiptSeq: receipt,
          afterReleaseSeq: release,
          openJobs: [],
        })
        if (page.t !== 'sync.result') throw new Error('no answer')
        told.push({
          receipts: page.receipts.map(({ seq }) => seq),
          releases: page.releases.map(({ seq }) => seq),
          more: page.more,
        })
        receipt = page.receipts.at(-1)?.seq ?? receipt
        release = page.releases.at(-1)?.seq ?? release
        more = page.more
      }
      context.db.close()
      expect(told.map(({ receipts }) => receipts.length)).toEqual(pages)
      expect(told.flatMap(({ receipts }) => receipts)).toEqual(Array.from({ length: count }, (_, at) => at + 1))
      expect(told.flatMap(({ releases }) => releases)).toEqual(Array.from({ length: count - 1 }, (_, at) => at + 1))
      expect(told.map(({ more }) => more)).toEqual(pages.map((_, at) => at < pages.length - 1))
    },
  )
})
