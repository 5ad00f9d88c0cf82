/**
 * Every line by which the seller refuses a receipt or a release: each row alters one thing in an otherwise valid,
 * really signed record and expects exactly one refusal, nothing stored, nothing booked, and the good record booked
 * afterwards. Without its line of the source a row fails.
 */
import { describe, expect, it } from 'vitest'

import { GENESIS, receiptHash, signClaim } from '#books/receipts.ts'
import { brandId, type Instrument, type JobId, type PublicKey } from '#contract/ids.ts'
import { nano, nanoPerMtok } from '#contract/money.ts'
import type { ClaimV1 as Claim, ReceiptV1 as Receipt } from '#contract/receipt.ts'
import type { Release } from '#contract/supplier.ts'
import { DAY_MS } from '#contract/time.ts'
import { generateSigningKey } from '#lib/ed25519.ts'

import { claimedJobs } from '../../support/claimed-jobs.ts'

type ClaimedJobs = Awaited<ReturnType<typeof claimedJobs>>

const foreign = generateSigningKey()
const foreignKey = brandId<PublicKey>(foreign.publicKey)
/** Another spelling of the same 64 bytes: the last character carries four bits that are no part of the signature. */
const respelled = (signature: string): string =>
  Array.from(
    'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_',
    (last) => signature.slice(0, -1) + last,
  ).find((other) => other !== signature && Buffer.from(other, 'base64url').equals(Buffer.from(signature, 'base64url')))!
const reclaimed = (
  claimed: ClaimedJobs,
  change: Partial<Claim>,
  key = claimed.seller.key,
): Pick<Receipt, 'claim' | 'claimSig'> => signClaim(key, { ...claimed.first.claim, ...change })

interface Row {
  name: string
  /** The record to refuse. */
  bad: (claimed: ClaimedJobs) => unknown
  problem: RegExp
  /** The first receipt is booked before, and `bad` takes the place of the second. */
  second?: true
  before?: (claimed: ClaimedJobs) => void
}

const RECEIPTS: Row[] = [
  {
    name: 'the version',
    bad: ({ first }) => ({ ...first, v: 3 }),
    problem: /^this is not a receipt of version 1 or 2$/,
  },
  {
    name: 'the signature of the claim',
    bad: (claimed) => claimed.signed({ claimSig: reclaimed(claimed, { specVersion: 2 }).claimSig }),
    problem: /^the claim is not signed by the supplier it names$/,
  },
  {
    name: 'the spelling of the claim’s signature',
    bad: (claimed) => claimed.signed({ claimSig: respelled(claimed.first.claimSig) }),
    problem: /^the claim is not signed by/,
  },
  {
    name: 'the signature of the receipt',
    bad: (claimed) => claimed.signed({}, { key: foreign }),
    problem: /^the receipt is not signed by the exchange it names$/,
  },
  {
    name: 'the spelling of its signature',
    bad: ({ first }) => ({ ...first, exchangeSig: respelled(first.exchangeSig) }),
    problem: /^the receipt is not signed by/,
  },
  {
    name: 'the exchange, which signs for itself',
    bad: (claimed) => claimed.signed({ exchange: foreignKey }, { key: foreign }),
    problem: /^the exchange key is not the pinned one/,
  },
  {
    name: 'the gross',
    bad: (claimed) => claimed.signed({ grossNano: nano(claimed.first.grossNano + 1) }),
    problem: /^the amounts do not follow/,
  },
  {
    name: 'the fee',
    bad: (claimed) => claimed.signed({ feeNano: nano(claimed.first.feeNano + 1) }),
    problem: /^the amounts do not follow/,
  },
  {
    name: 'the seller’s part',
    bad: (claimed) => claimed.signed({ sellerNano: nano(claimed.first.sellerNano - 1) }),
    problem: /^the amounts do not follow/,
  },
  {
    name: 'the price, beyond any amount',
    bad: (claimed) =>
      claimed.signed({ priceNanoPerMtok: nanoPerMtok(2 ** 51), billed: { inputTokens: 2 ** 31, outputTokens: 1 } }),
    problem: /^the amounts do not follow/,
  },
  {
    name: 'the currency',
    bad: (claimed) => claimed.signed({ currency: 'USD' }),
    problem: /^USD is not the currency of the practice realm$/,
  },
  {
    name: 'the realm, with its currency',
    bad: (claimed) => claimed.signed({ realm: 'real', currency: 'USD' }),
    problem: /^the receipt is of the real realm$/,
  },
  {
    name: 'the release, before the settlement',
    bad: (claimed) => claimed.signed({ releaseAt: claimed.first.settledAt - 1 }),
    problem: /^the release is before the settlement$/,
  },
  {
    name: 'the beginning of the chain',
    bad: (claimed) => claimed.signed({ prev: 'a'.repeat(64) }),
    problem: /^a first receipt, and only that, has 64 zeros as prev$/,
  },
  {
    name: 'the link of the chain',
    second: true,
    bad: (claimed) => claimed.signed({ prev: 'a'.repeat(64) }, { base: claimed.second }),
    problem: /^it does not follow number 1 in the chain$/,
  },
  {
    name: 'the supplier, who signs for itself',
    bad: (claimed) =>
      claimed.signed(reclaimed(claimed, { supplier: foreignKey, jobId: brandId<JobId>('job_elsewhere') }, foreign)),
    problem: /^the receipt is another supplier’s$/,
  },
  {
    name: 'the time of settlement, ahead of our clock',
    bad: (claimed) => settledIn(claimed, DAY_MS + 1),
    problem: /^it was settled at 2026-11-22T12:00:0.*ahead of this machine’s clock/,
  },
  {
    name: 'the job, which has its receipt',
    second: true,
    bad: (claimed) =>
      claimed.signed({ claim: claimed.first.claim, claimSig: claimed.first.claimSig }, { base: claimed.second }),
    problem: /^job job_1 has another receipt$/,
  },
  {
    name: 'the instrument of a job that was never claimed',
    before: ({ change, first }) => change(first.claim.jobId, { state: 'failed', claimJson: null, claimSig: null }),
    bad: (claimed) => claimed.signed(reclaimed(claimed, { instrument: brandId<Instrument>('practice/other') })),
    problem: /^the instrument is not the one the job was won for$/,
  },
  {
    name: 'the claim, under our own signature',
    bad: (claimed) => claimed.signed(reclaimed(claimed, { answerMac: 'b'.repeat(64) })),
    problem: /^the claim is not the one we signed$/,
  },
]

const settledIn = (claimed: ClaimedJobs, ms: number): Receipt => {
  const settledAt = claimed.seller.clock.now() + ms
  return claimed.signed({ settledAt, releaseAt: settledAt })
}

describe('a receipt with one thing altered is refused, by', () => {
  it.each(RECEIPTS)('$name', async ({ bad, problem, second, before }) => {
    const claimed = await claimedJobs()
    before?.(claimed)
    if (second) expect(claimed.settle(claimed.first)).toEqual({ kind: 'applied' })
    const untouched = claimed.everything()
    expect(claimed.settle(bad(claimed))).toEqual({ kind: 'refused', problems: [expect.stringMatching(problem)] })
    expect(claimed.everything()).toEqual(untouched)
    expect(claimed.settle(second ? claimed.second : claimed.first)).toEqual({ kind: 'applied' })
  })

  it('nothing where nothing is altered, up to a day ahead of our clock', async () => {
    const claimed = await claimedJobs()
    expect(claimed.settle(settledIn(claimed, DAY_MS))).toEqual({ kind: 'applied' })
    expect(claimed.settle(claimed.behind(settledIn(claimed, DAY_MS)))).toEqual({ kind: 'applied' })
  })

  it('its number: a known one must be the same record, a later one waits', async () => {
    const claimed = await claimedJobs()
    expect(claimed.settle(claimed.second)).toEqual({ kind: 'gap' })
    claimed.settle(claimed.first)
    const [untouched, other] = [claimed.everything(), claimed.billing({ feeBps: 400 })]
    expect(claimed.settle(claimed.first)).toEqual({ kind: 'duplicate' })
    expect(claimed.settle(other)).toEqual({
      kind: 'refused',
      problems: ['receipt 1 differs from the one stored'],
      forked: true,
    })
    expect(
      claimed.settle(claimed.signed({ seq: 3, prev: receiptHash(claimed.second) }, { base: claimed.second })),
    ).toEqual({
      kind: 'gap',
    })
    expect(claimed.everything()).toEqual(untouched)
  })

  it('no field of a foreign, which is kept with the receipt and touches nothing of ours', async () => {
    const claimed = await claimedJobs()
    const billed = { ...claimed.first.billed, sellerNano: 1, reason: 'x', 'state = state; --': 1 }
    const receipt = claimed.signed({ billed })
    expect(claimed.settle(receipt)).toEqual({ kind: 'applied' })
    expect(claimed.seller.rows(`SELECT seller_nano, reason FROM jobs WHERE state = 'settled'`)).toEqual([
      { seller_nano: claimed.first.sellerNano, reason: '' },
    ])
    expect(claimed.seller.rows('SELECT json FROM receipts')).toEqual([
      { json: expect.stringContaining('state = state') },
    ])
  })

  it('a gap before the first one: number 2 of an exchange that has sent none', async () => {
    const claimed = await claimedJobs()
    expect(claimed.settle(claimed.signed({ seq: 2, prev: GENESIS }))).toEqual({ kind: 'gap' })
  })
})

describe('a release with one thing altered is refused, by', () => {
  const release = ({ claim, sellerNano }: Receipt, change: Partial<Release> = {}): Release => ({
    seq: 1,
    jobId: claim.jobId,
    amountNano: sellerNano,
    at: 1,
    ...change,
  })
  const settled = async (): Promise<ClaimedJobs> => {
    const claimed = await claimedJobs()
    claimed.settle(claimed.first)
    claimed.settle(claimed.second)
    return claimed
  }
  const by = (claimed: ClaimedJobs, given: Release, exchange = claimed.seller.exchange.key.publicKey) =>
    claimed.settlement.release(given, exchange)

  it.each([
    [
      'its amount, too high',
      (claimed: ClaimedJobs) => by(claimed, release(claimed.first, { amountNano: nano(claimed.first.sellerNano + 1) })),
      'release 1 is not the held amount of its job',
    ],
    [
      'its amount, too low',
      (claimed: ClaimedJobs) => by(claimed, release(claimed.first, { amountNano: nano(claimed.first.sellerNano - 1) })),
      'release 1 is not the held amount of its job',
    ],
    [
      'its exchange',
      (claimed: ClaimedJobs) => by(claimed, release(claimed.first), foreignKey),
      'release 1 is of a job that another exchange settled',
    ],
    [
      'its time, ahead of our clock',
      (claimed: ClaimedJobs) => by(claimed, release(claimed.first, { at: claimed.seller.clock.now() + DAY_MS + 1 })),
      expect.stringContaining('ahead of this machine’s clock'),
    ],
  ])('%s', async (_name, given, problem) => {
    const claimed = await settled()
    const untouched = claimed.everything()
    expect(given(claimed)).toEqual({ kind: 'refused', problems: [problem] })
    expect(claimed.everything()).toEqual(untouched)
    expect(by(claimed, release(claimed.first, { at: claimed.seller.clock.now() + DAY_MS }))).toEqual({
      kind: 'applied',
    })
  })

  it('its job: released before, not settled yet, or unknown', async () => {
    const claimed = await settled()
    const unsettled = await claimedJobs()
    expect(by(unsettled, release(unsettled.first))).toEqual({ kind: 'gap' })
    expect(by(claimed, release(claimed.first, { jobId: brandId<JobId>('job_unknown') }))).toEqual({ kind: 'gap' })
    expect(by(claimed, release(claimed.first))).toEqual({ kind: 'applied' })
    const untouched = claimed.everything()
    expect(by(claimed, release(claimed.first, { seq: 2 }))).toEqual({
      kind: 'refused',
      problems: ['release 2 is not the held amount of its job'],
    })
    expect(claimed.everything()).toEqual(untouched)
  })

  it('its number: a known one must be the same record, a later one waits', async () => {
    const claimed = await settled()
    expect(by(claimed, release(claimed.first, { seq: 2 }))).toEqual({ kind: 'gap' })
    by(claimed, release(claimed.first))
    const untouched = claimed.everything()
    const differs = { kind: 'refused', problems: ['release 1 differs from the one stored'], forked: true }
    expect(by(claimed, release(claimed.first))).toEqual({ kind: 'duplicate' })
    expect(by(claimed, release(claimed.second, { amountNano: claimed.first.sellerNano }))).toEqual(differs)
    expect(by(claimed, release(claimed.first, { amountNano: nano(0) }))).toEqual(differs)
    expect(by(claimed, release(claimed.second, { seq: 3 }))).toEqual({ kind: 'gap' })
    expect(claimed.everything()).toEqual(untouched)
  })
})
