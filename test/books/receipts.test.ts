import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import {
  answerMac,
  GENESIS,
  makeReceipt,
  receiptHash,
  requestMac,
  signClaim,
  signReceipt,
  verifyClaim,
  verifyReceipt,
} from '#books/receipts.ts'
import { brandId, type Instrument, type JobId, type ModelSha256 } from '#contract/ids.ts'
import { nanoPerMtok } from '#contract/money.ts'
import { receipt as receiptSchema, type ClaimV1 as Claim, type ReceiptV1 as Receipt } from '#contract/receipt.ts'
import { generateSigningKey } from '#lib/ed25519.ts'

const [seller, exchange, otherParty] = [generateSigningKey(), generateSigningKey(), generateSigningKey()]
const SALT = 'c2FsdHNhbHRzYWx0c2FsdHNhbHRzYWx0c2FsdHNhbHQ'
const REQUEST = { messages: [{ role: 'user', content: 'Grüße 🌍' }], maxTokens: 64 }
const ANSWER = 'Hallo 🌍'

const claimOf = (jobId: string, tokens = { inputTokens: 120, outputTokens: 64 }): Claim => ({
  v: 1,
  jobId: brandId<JobId>(jobId),
  supplier: seller.publicKey,
  instrument: brandId<Instrument>('practice/text-nano'),
  specVersion: 1,
  modelSha256: brandId<ModelSha256>('a'.repeat(64)),
  usage: tokens,
  timings: { ttftMs: 40, durationMs: 900 },
  requestMac: requestMac(SALT, REQUEST),
  answerMac: answerMac(SALT, ANSWER),
  finish: 'stop',
})
const receiptOf = (seq = 1, prev = GENESIS, tokens = { inputTokens: 120, outputTokens: 64 }): Receipt =>
  signReceipt(
    exchange,
    makeReceipt({
      signed: signClaim(seller, claimOf(`job_${seq}`, tokens)),
      seq,
      prev,
      realm: 'practice',
      billed: tokens,
      priceNanoPerMtok: nanoPerMtok(250_000_123),
      feeBps: 500,
      settledAt: 1_000,
      releaseAt: 31_000,
      exchange: exchange.publicKey,
    }),
  )
const pinned = {
  exchangeKey: exchange.publicKey,
  prev: null,
  content: { salt: SALT, request: REQUEST, answer: ANSWER },
}

/** Every place in a receipt that can be changed alone. */
function paths(value: unknown, path: string[] = []): string[][] {
  return typeof value === 'object' && value !== null
    ? Object.entries(value).flatMap(([name, inner]) => paths(inner, [...path, name]))
    : [path]
}
function changed(receipt: Receipt, path: string[], change: (value: unknown) => unknown): unknown {
  const copy = structuredClone(receipt) as unknown as Record<string, unknown>
  const parent = path.slice(0, -1).reduce((at, name) => at[name] as Record<string, unknown>, copy)
  parent[path.at(-1)!] = change(parent[path.at(-1)!])
  return copy
}

describe('receipts', () => {
  it('verifies a whole one, and says what it has shown and what not', () => {
    expect(receiptSchema.safeParse(receiptOf()).success).toBe(true)
    const all = verifyReceipt(receiptOf(), pinned)
    expect(all).toMatchObject({ ok: true, notShown: [], problems: [] })
    expect(all.shown).toHaveLength(10)
    const alone = verifyReceipt(receiptOf())
    expect(alone.ok).toBe(true)
    expect(alone.notShown.join('\n')).toMatch(/self-consistent only.*\n.*receipt before it.*\n.*asked.*\n.*answered/)
  })

  it('finds any single field changed, added or removed (also where the schema would drop it)', () => {
    const receipt = receiptOf()
    for (const path of paths(receipt)) {
      const bent = changed(receipt, path, (value) =>
        typeof value === 'number'
          ? value + 1
          : `${(value as string).slice(0, -2)}${(value as string).endsWith('AA') ? 'BB' : 'AA'}`,
      )
      expect([path.join('.'), verifyReceipt(bent, { exchangeKey: exchange.publicKey }).ok]).toEqual([
        path.join('.'),
        false,
      ])
      expect([path.join('.'), verifyReceipt(changed(receipt, path, () => undefined)).ok]).toEqual([
        path.join('.'),
        false,
      ])
    }
    const spellings = Array.from(
      'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_',
      (letter) => receipt.exchangeSig.slice(0, -1) + letter,
    )
    expect(spellings.filter((exchangeSig) => verifyReceipt({ ...receipt, exchangeSig }).ok)).toEqual([
      receipt.exchangeSig,
    ])
    expect(verifyReceipt({ ...receipt, note: 'extra' }).ok).toBe(false)
    expect(verifyReceipt({ ...receipt, claim: { ...receipt.claim, note: 'extra' } }).ok).toBe(false)
  })

  it('finds any change of any number', () => {
    const receipt = receiptOf()
    const numbers = paths(receipt).filter(
      (path) => typeof path.reduce<unknown>((at, name) => (at as Record<string, unknown>)[name], receipt) === 'number',
    )
    fc.assert(
      fc.property(
        fc.constantFrom(...numbers),
        fc.integer().filter((n) => n !== 0),
        (path, by) => {
          expect(verifyReceipt(changed(receipt, path, (value) => (value as number) + by)).ok).toBe(false)
        },
      ),
    )
  })

  it('refuses wrong sums even under the right signature (an exchange that pays too little)', () => {
    const { exchangeSig: _dropped, ...unsigned } = receiptOf()
    const cheat = signReceipt(exchange, {
      ...unsigned,
      sellerNano: (unsigned.sellerNano - 1) as typeof unsigned.sellerNano,
      feeNano: (unsigned.feeNano + 1) as typeof unsigned.feeNano,
    })
    expect(verifyReceipt(cheat, pinned).problems).toEqual(['the amounts do not follow from tokens, price and fee'])
    const early = signReceipt(exchange, { ...unsigned, releaseAt: 999, currency: 'USD' })
    expect(verifyReceipt(early, pinned).problems).toHaveLength(2)
  })

  it.each([
    ['grossNano'],
    ['feeNano'],
    ['sellerNano'],
    ['grossNano', 'feeNano'],
    ['feeNano', 'sellerNano'],
    ['grossNano', 'sellerNano'],
  ] as const)('refuses amounts of which only some follow: not %s', (...wrong) => {
    const { exchangeSig: _dropped, ...unsigned } = receiptOf()
    const bent = signReceipt(exchange, {
      ...unsigned,
      ...Object.fromEntries(wrong.map((name) => [name, unsigned[name] + 1])),
    })
    expect(verifyReceipt(bent, pinned).problems).toEqual(['the amounts do not follow from tokens, price and fee'])
  })

  it('refuses another exchange under the pinned key, and a claim of another supplier', () => {
    const { exchangeSig: _dropped, ...unsigned } = receiptOf()
    const foreign = signReceipt(otherParty, { ...unsigned, exchange: otherParty.publicKey })
    expect(verifyReceipt(foreign).ok).toBe(true)
    expect(verifyReceipt(foreign, pinned).ok).toBe(false)
    expect(verifyClaim(signClaim(otherParty, claimOf('job_1')))).toBe(false)
    expect(verifyClaim(signClaim(seller, claimOf('job_1')))).toBe(true)
    expect(verifyClaim({ claim: null, claimSig: 'x' })).toBe(false)
  })

  it('follows a chain and finds a gap, a swap and a false beginning', () => {
    const first = receiptOf()
    const second = receiptOf(2, receiptHash(first))
    const third = receiptOf(3, receiptHash(second))
    expect(verifyReceipt(second, { prev: first }).ok).toBe(true)
    expect(verifyReceipt(third, { prev: first }).ok).toBe(false)
    expect(verifyReceipt(second, { prev: third }).ok).toBe(false)
    const otherFirst = receiptOf(1, GENESIS, { inputTokens: 1, outputTokens: 1 })
    expect(verifyReceipt(receiptOf(2, receiptHash(otherFirst)), { prev: first }).problems).toEqual([
      'it does not follow number 1 in the chain',
    ])
    expect(verifyReceipt(second, { prev: null }).ok).toBe(false)
    expect(verifyReceipt(receiptOf(2, GENESIS)).ok).toBe(false)
    expect(verifyReceipt(receiptOf(1, receiptHash(first))).ok).toBe(false)
  })

  it('continues a chain only for the same exchange and the same supplier, one by one', () => {
    const first = receiptOf()
    const { exchangeSig: _dropped, ...next } = receiptOf(2, receiptHash(first))
    const byOther = signReceipt(otherParty, { ...next, exchange: otherParty.publicKey })
    const ofOther = signReceipt(exchange, {
      ...next,
      ...signClaim(otherParty, { ...next.claim, supplier: otherParty.publicKey }),
    })
    const third = signReceipt(exchange, { ...next, seq: 3 })
    for (const receipt of [byOther, ofOther, third]) {
      expect(verifyReceipt(receipt).ok).toBe(true)
      expect(verifyReceipt(receipt, { prev: first }).problems).toEqual(['it does not follow number 1 in the chain'])
    }
  })

  it('may release in the very moment of the settlement, and not before', () => {
    const { exchangeSig: _dropped, ...unsigned } = receiptOf()
    expect(verifyReceipt(signReceipt(exchange, { ...unsigned, releaseAt: unsigned.settledAt })).problems).toEqual([])
    expect(verifyReceipt(signReceipt(exchange, { ...unsigned, releaseAt: unsigned.settledAt - 1 })).problems).toEqual([
      'the release is before the settlement',
    ])
  })

  it.each([
    ['the request', { request: REQUEST }, ['what was answered: only its MAC is here'], 'it is for this request'],
    ['the answer', { answer: ANSWER }, ['what was asked: only its MAC is here'], 'it is for this answer'],
  ])('is checked against %s alone by whoever has only that', (_, content, notShown, shown) => {
    const verified = verifyReceipt(receiptOf(), { ...pinned, content: { salt: SALT, ...content } })
    expect(verified).toMatchObject({ ok: true, notShown })
    expect(verified.shown.at(-1)).toBe(shown)
  })

  it.each([
    ['of the prompt', { inputTokens: 121, outputTokens: 64 }],
    ['of the answer', { inputTokens: 120, outputTokens: 65 }],
  ])('names both counts where only that %s differs', (_, billed) => {
    const { claim, claimSig } = receiptOf()
    const facts = {
      realm: 'practice' as const,
      priceNanoPerMtok: nanoPerMtok(1_000),
      feeBps: 500,
      settledAt: 1,
      releaseAt: 2,
      exchange: exchange.publicKey,
    }
    const verified = verifyReceipt(
      signReceipt(exchange, makeReceipt({ ...facts, signed: { claim, claimSig }, seq: 1, prev: GENESIS, billed })),
      pinned,
    )
    expect(verified).toMatchObject({
      ok: true,
      notShown: [
        `which count is right: the supplier counted 120 + 64 tokens, the exchange billed ${billed.inputTokens} + ${billed.outputTokens}`,
      ],
    })
    expect(verified.shown).not.toContain('supplier and exchange counted the same tokens')
  })

  it('has amounts that no price can give refused, not thrown', () => {
    const { exchangeSig: _dropped, ...unsigned } = receiptOf()
    const beyond = signReceipt(exchange, {
      ...unsigned,
      billed: { inputTokens: 2 ** 40, outputTokens: 0 },
      priceNanoPerMtok: nanoPerMtok(2 ** 50),
    })
    expect(verifyReceipt(beyond).problems.join()).toMatch(/the amounts do not follow|not a receipt/)
  })

  it('tells the text it is for from another, and a differing count from a wrong one', () => {
    expect(verifyReceipt(receiptOf(), { content: { salt: SALT, answer: `${ANSWER} ` } }).problems).toEqual([
      'it is for another answer or salt',
    ])
    expect(verifyReceipt(receiptOf(), { content: { salt: SALT.replace('c2', 'd2'), request: REQUEST } }).ok).toBe(false)
    const { exchangeSig: _dropped, ...unsigned } = makeDiffering()
    expect(verifyReceipt(signReceipt(exchange, unsigned)).notShown.join()).toContain('billed 100 + 64')
  })

  it('gives every number in range a receipt that verifies, and the parts always add up', () => {
    fc.assert(
      fc.property(
        fc.nat(131_072),
        fc.nat(131_072),
        fc.nat(2 ** 31 - 1),
        fc.integer({ min: 0, max: 10_000 }),
        (inputTokens, outputTokens, price, feeBps) => {
          const { exchangeSig: _dropped, ...base } = receiptOf(1, GENESIS, { inputTokens, outputTokens })
          const { claim, claimSig } = base
          const made = signReceipt(
            exchange,
            makeReceipt({
              signed: { claim, claimSig },
              seq: 1,
              prev: GENESIS,
              realm: 'practice',
              billed: { inputTokens, outputTokens },
              priceNanoPerMtok: nanoPerMtok(price),
              feeBps,
              settledAt: 1,
              releaseAt: 2,
              exchange: exchange.publicKey,
            }),
          )
          expect(made.feeNano + made.sellerNano).toBe(made.grossNano)
          expect(BigInt(made.grossNano)).toBe((BigInt(inputTokens + outputTokens) * BigInt(price)) / 1_000_000n)
          expect(
            verifyReceipt(JSON.parse(JSON.stringify(made)), { exchangeKey: exchange.publicKey, prev: null }).ok,
          ).toBe(true)
        },
      ),
      { numRuns: 50 },
    )
  })
})

function makeDiffering(): Receipt {
  const { exchangeSig: _dropped, ...unsigned } = receiptOf()
  const { claim, claimSig } = unsigned
  return signReceipt(
    exchange,
    makeReceipt({
      signed: { claim, claimSig },
      seq: 1,
      prev: GENESIS,
      realm: 'practice',
      billed: { inputTokens: 100, outputTokens: 64 },
      priceNanoPerMtok: nanoPerMtok(1_000),
      feeBps: 500,
      settledAt: 1,
      releaseAt: 2,
      exchange: exchange.publicKey,
    }),
  )
}
