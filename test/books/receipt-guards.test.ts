/**
 * Every line by which a receipt does not verify offline, each with one thing altered under valid signatures. What the
 * seller refuses on top: test/core/jobs/refusals.test.ts.
 */
import { describe, expect, it } from 'vitest'

import {
  GENESIS,
  answerMac,
  makeReceipt,
  receiptHash,
  requestMac,
  signClaim,
  signReceipt,
  verifyClaim,
  verifyReceipt,
  type VerifyOptions,
} from '#books/receipts.ts'
import { brandId, type Instrument, type JobId, type ModelSha256, type PublicKey } from '#contract/ids.ts'
import { nanoPerMtok } from '#contract/money.ts'
import type { ClaimV1 as Claim, ReceiptV1 as Receipt } from '#contract/receipt.ts'
import { generateSigningKey, type SigningKey } from '#lib/ed25519.ts'

const [seller, exchange, foreign] = [generateSigningKey(), generateSigningKey(), generateSigningKey()]
const SALT = 'c2FsdHNhbHRzYWx0c2FsdHNhbHRzYWx0c2FsdHNhbHQ'
const content = { salt: SALT, request: { maxTokens: 1 }, answer: 'five' }

const claimOf = (jobId: string, supplier: SigningKey): Claim => ({
  v: 1,
  jobId: brandId<JobId>(jobId),
  supplier: supplier.publicKey,
  instrument: brandId<Instrument>('practice/text-nano'),
  specVersion: 1,
  modelSha256: brandId<ModelSha256>('a'.repeat(64)),
  usage: { inputTokens: 12, outputTokens: 6 },
  timings: { ttftMs: 40, durationMs: 900 },
  requestMac: requestMac(SALT, content.request),
  answerMac: answerMac(SALT, content.answer),
  finish: 'stop',
})
const receiptOf = (
  seq: number,
  prev: string,
  { supplier = seller, by = exchange }: { supplier?: SigningKey; by?: SigningKey } = {},
): Receipt =>
  signReceipt(
    by,
    makeReceipt({
      signed: signClaim(supplier, claimOf(`job_${seq}`, supplier)),
      seq,
      prev,
      realm: 'practice',
      billed: { inputTokens: 12, outputTokens: 6 },
      priceNanoPerMtok: nanoPerMtok(1_000_000_000),
      feeBps: 500,
      settledAt: 1_000,
      releaseAt: 31_000,
      exchange: brandId<PublicKey>(by.publicKey),
    }),
  )
const first = receiptOf(1, GENESIS)
const prev = receiptHash(first)

describe('a receipt does not verify', () => {
  it.each<[string, Receipt, VerifyOptions, string]>([
    [
      'that is not the successor by number',
      receiptOf(3, prev),
      { prev: first },
      'it does not follow number 1 in the chain',
    ],
    [
      'that names another receipt as the one before',
      receiptOf(2, 'b'.repeat(64)),
      { prev: first },
      'it does not follow number 1 in the chain',
    ],
    [
      'that another exchange signed, behind one of the first',
      receiptOf(2, prev, { by: foreign }),
      { prev: first },
      'it does not follow number 1 in the chain',
    ],
    [
      'of another supplier, behind one of the first',
      receiptOf(2, prev, { supplier: foreign }),
      { prev: first },
      'it does not follow number 1 in the chain',
    ],
    [
      'that must be the first and is not',
      receiptOf(2, prev),
      { prev: null },
      'number 2 cannot be the first of its chain',
    ],
    [
      'that is the first and names one before',
      receiptOf(1, prev),
      {},
      'a first receipt, and only that, has 64 zeros as prev',
    ],
    [
      'that names none before and is not the first',
      receiptOf(2, GENESIS),
      {},
      'a first receipt, and only that, has 64 zeros as prev',
    ],
    [
      'of another request',
      first,
      { content: { ...content, request: { maxTokens: 2 } } },
      'it is for another request or salt',
    ],
    ['of another answer', first, { content: { ...content, answer: 'six' } }, 'it is for another answer or salt'],
    [
      'of an exchange that is not the pinned one',
      first,
      { exchangeKey: foreign.publicKey },
      `the exchange key is not the pinned one, ${foreign.publicKey}`,
    ],
  ])('%s', (_name, receipt, options, problem) => {
    expect(verifyReceipt(receipt, options)).toMatchObject({ ok: false, problems: [problem] })
  })

  it('and does where nothing is altered', () => {
    expect(verifyReceipt(receiptOf(2, prev), { prev: first, exchangeKey: exchange.publicKey, content })).toMatchObject({
      ok: true,
      problems: [],
      notShown: [],
    })
    expect(verifyReceipt(first, { prev: null, content })).toMatchObject({ ok: true })
  })
})

describe('a claim does not verify', () => {
  const signed = signClaim(seller, claimOf('job_1', seller))
  it.each([
    ['of another form', { ...signed, claim: { ...signed.claim, v: 2 } }],
    ['of another form, and signed', signClaim(seller, { ...claimOf('job_1', seller), v: 2 } as unknown as Claim)],
    ['under another key', { ...signed, claim: { ...signed.claim, supplier: foreign.publicKey } }],
    ['with a field of a stranger', { ...signed, claim: { ...signed.claim, note: 'x' } }],
    ['signed over another claim', { ...signed, claimSig: signClaim(seller, claimOf('job_2', seller)).claimSig }],
  ])('%s', (_name, claim) => {
    expect(verifyClaim(claim)).toBe(false)
    expect(verifyClaim(signed)).toBe(true)
  })
})
