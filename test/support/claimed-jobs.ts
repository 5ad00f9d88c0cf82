/**
 * A seller with two served jobs that are claimed and not settled yet, and the means to sign any receipt for them as the
 * exchange would.
 */
import { onTestFinished } from 'vitest'

import { makeReceipt, receiptHash, signReceipt, type ReceiptFacts } from '#books/receipts.ts'
import type { ReceiptV1 as Receipt } from '#contract/receipt.ts'
import { updateJob, type SellerJobRow } from '#core/jobs/jobs.store.ts'
import { createSettlement } from '#core/jobs/settlement.store.ts'
import type { SigningKey } from '#lib/ed25519.ts'

import { Seller } from './seller.ts'
import { tempDir } from './temp-dir.ts'

/** Every table that a receipt or a release may change. */
const TABLES = ['transfers', 'balances', 'jobs', 'receipts', 'releases', 'rollup_quarter', 'outbox']

type UnsignedV1 = Omit<Receipt, 'exchangeSig'>

export async function claimedJobs() {
  const seller = new Seller(tempDir())
  onTestFinished(() => seller.close())
  const { exchange, clock } = seller
  exchange.online()
  exchange.deliverAll()
  for (let served = 1; served <= 2; served += 1) {
    exchange.job({ content: `question number ${served}` })
    exchange.deliver()
    for (let turn = 0; turn < 100 && exchange.receipts.length < served; turn += 1) await clock.advance(10)
    // The answers to the claims are lost.
    exchange.queue = []
  }
  const [first, second] = exchange.receipts as [Receipt, Receipt]
  const settlement = createSettlement(seller.context)
  return {
    seller,
    settlement,
    first,
    second,
    settle: (receipt: unknown) => settlement.settle(receipt as Receipt, exchange.key.publicKey),
    /** Signed anew by the exchange: fields as they are, sums untouched. */
    signed: (
      change: Partial<UnsignedV1>,
      { base = first, key = exchange.key }: { base?: Receipt; key?: SigningKey } = {},
    ): Receipt => {
      const { exchangeSig: _old, ...unsigned } = base
      return signReceipt(key, { ...unsigned, ...change })
    },
    /** With sums that follow from the changed facts: an honest signature under other money. */
    billing: (change: Partial<ReceiptFacts>, base = first): Receipt => {
      const {
        claim,
        claimSig,
        seq,
        prev,
        realm,
        billed,
        priceNanoPerMtok,
        feeBps,
        settledAt,
        releaseAt,
        exchange: by,
      } = base
      const facts = {
        signed: { claim, claimSig },
        seq,
        prev,
        realm,
        billed,
        priceNanoPerMtok,
        feeBps,
        settledAt,
        releaseAt,
        exchange: by,
      }
      return signReceipt(exchange.key, makeReceipt({ ...facts, ...change }))
    },
    /** The second receipt behind another first one. */
    behind: (receipt: Receipt): Receipt =>
      signReceipt(exchange.key, { ...withoutSig(second), prev: receiptHash(receipt) }),
    change: (jobId: string, change: Partial<SellerJobRow>): void => {
      seller.context.realmDb.tx((db) => updateJob(db, jobId, change))
    },
    everything: () => TABLES.map((table) => seller.rows(`SELECT * FROM ${table} ORDER BY 1, 2`)),
  }
}

const withoutSig = ({ exchangeSig: _sig, ...unsigned }: Receipt): UnsignedV1 => unsigned
