/**
 * The steps of a job's money by themselves, each done once and again. What is refused, and why, has tests of its own.
 */
import { said } from '#contract/reasons.ts'
import { describe, expect, it } from 'vitest'

import { brandId, type JobId } from '#contract/ids.ts'
import { nano, nanoPerMtok } from '#contract/money.ts'
import type { ReceiptV1 as Receipt } from '#contract/receipt.ts'
import { DAY_MS } from '#contract/time.ts'
import { AVAILABLE, FEE, HELD } from '#core/jobs/settlement.store.ts'
import { canonicalJson } from '#lib/canonical.ts'

import { claimedJobs } from '../../support/claimed-jobs.ts'

import { INCOME, INSTRUMENT, NONE, PRICE, setup } from '../../support/settlement-setup.ts'

describe('a claim', () => {
  it('sets what we counted aside for a week, and waits in the outbox to be told', () => {
    const made = setup()
    made.run('job_1')
    const signed = made.claimOf('job_1')
    made.settlement.claim(signed, {
      enginePromptTokens: 41,
      engineCachedTokens: 7,
      engineGeneratedTokens: 61,
      tokPerS: 12.5,
    })
    expect(made.transfers()).toEqual(['job_1:reserve 100'])
    expect([made.net(HELD), made.net(INCOME)]).toEqual([
      { net: 0, pending: 100 },
      { net: 0, pending: -100 },
    ])
    expect(made.rows('SELECT expires_at FROM pendings')).toEqual([{ expires_at: made.clock.now() + 7 * DAY_MS }])
    expect(made.job('job_1')).toMatchObject({
      state: 'claimed',
      ...signed.claim.usage,
      enginePromptTokens: 41,
      engineCachedTokens: 7,
      engineGeneratedTokens: 61,
      tokPerS: 12.5,
      ttftMs: 5,
      durationMs: 900,
      finish: 'stop',
      grossNano: 100,
      endedAt: made.clock.now(),
      expiresAt: made.clock.now() + 7 * DAY_MS,
      claimSig: signed.claimSig,
    })
    expect(made.rows('SELECT key, payload FROM outbox')).toEqual([{ key: 'job_1', payload: '{"jobId":"job_1"}' }])
    made.check()
  })

  it('of a free job is told all the same, and sets nothing aside', () => {
    const made = setup()
    made.run('job_1', 0)
    made.settlement.claim(made.claimOf('job_1'), NONE)
    expect([made.transfers(), made.openOutbox(), made.job('job_1').grossNano]).toEqual([[], [{ key: 'job_1' }], 0])
  })

  it('is made once, and only for a job that runs', () => {
    const made = setup()
    made.run('job_1')
    made.settlement.claim(made.claimOf('job_1'), NONE)
    expect(() => made.settlement.claim(made.claimOf('job_1'), NONE)).toThrow(
      'job job_1 is claimed and cannot be claimed',
    )
    expect(() => made.settlement.claim(made.claimOf('job_2'), NONE)).toThrow(
      'job job_2 is unknown and cannot be claimed',
    )
    expect(made.transfers()).toEqual(['job_1:reserve 100'])
  })
})

describe('a receipt', () => {
  it('posts what was set aside, books the fee, ends the claim and is kept', () => {
    const made = setup()
    made.run('job_1')
    const signed = made.claimOf('job_1')
    made.settlement.claim(signed, NONE)
    const ended = made.clock.now()
    made.clock.jump(2_000)
    const receipt = made.receiptFor(signed)
    expect(made.settlement.settle(receipt, made.exchange)).toEqual({ kind: 'applied' })
    expect(made.transfers()).toEqual(['job_1:reserve 100', 'job_1:post 100', 'job_1:fee 5'])
    expect([made.net(HELD), made.net(INCOME), made.net(FEE)]).toEqual([
      { net: 95, pending: 0 },
      { net: -100, pending: 0 },
      { net: 5, pending: 0 },
    ])
    expect(made.job('job_1')).toMatchObject({
      state: 'settled',
      reason: '',
      grossNano: 100,
      feeNano: 5,
      sellerNano: 95,
      receiptSeq: 1,
      endedAt: ended,
      releaseAt: receipt.releaseAt,
      exchange: made.exchange,
    })
    expect([made.openOutbox(), made.rows('SELECT seq FROM receipts')]).toEqual([[], [{ seq: 1 }]])
    expect(made.rows('SELECT jobs, gross_nano, fee_nano, seller_nano FROM rollup_quarter')).toEqual([
      { jobs: 1, gross_nano: 100, fee_nano: 5, seller_nano: 95 },
    ])
    made.check()
  })

  it('comes again without moving anything', () => {
    const made = setup()
    const receipts = ['job_1', 'job_2'].map((jobId) => {
      made.run(jobId)
      const signed = made.claimOf(jobId)
      made.settlement.claim(signed, NONE)
      return made.receiptFor(signed)
    })
    const [first, second] = receipts as [Receipt, Receipt]
    expect(made.settlement.settle(second, made.exchange)).toEqual({ kind: 'gap' })
    for (const receipt of receipts) expect(made.settlement.settle(receipt, made.exchange)).toEqual({ kind: 'applied' })
    const before = made.transfers()
    for (const receipt of [first, second])
      expect(made.settlement.settle(receipt, made.exchange)).toEqual({ kind: 'duplicate' })
    expect(made.transfers()).toEqual(before)
  })

  it('without a fee books none; of a free job it books nothing at all', () => {
    const made = setup()
    made.run('job_1')
    made.run('job_2', 0)
    const [paid, free] = [made.claimOf('job_1'), made.claimOf('job_2')]
    made.settlement.claim(paid, NONE)
    made.settlement.claim(free, NONE)
    expect(made.settlement.settle(made.receiptFor(paid, PRICE, 0), made.exchange)).toEqual({ kind: 'applied' })
    expect(made.settlement.settle(made.receiptFor(free, nanoPerMtok(0)), made.exchange)).toEqual({ kind: 'applied' })
    expect(made.transfers()).toEqual(['job_1:reserve 100', 'job_1:post 100'])
    expect(made.job('job_2')).toMatchObject({ state: 'settled', grossNano: 0 })
    made.check()
  })

  it('for a job whose claim a crash lost is booked by itself, and ends the job when it comes', () => {
    const made = setup()
    made.run('job_1')
    made.clock.jump(5_000)
    expect(made.settlement.settle(made.receiptFor(made.claimOf('job_1')), made.exchange)).toEqual({ kind: 'applied' })
    expect(made.transfers()).toEqual(['job_1:post 100', 'job_1:fee 5'])
    expect(made.job('job_1')).toMatchObject({ state: 'settled', endedAt: made.clock.now() })
    made.check()
  })

  it('under our own signature makes the row of a job that a restored copy does not know', () => {
    const made = setup()
    const receipt = made.receiptFor(made.claimOf('job_1'))
    expect(made.settlement.settle(receipt, made.exchange)).toEqual({ kind: 'applied' })
    expect(made.job('job_1')).toMatchObject({
      state: 'settled',
      deploymentId: '',
      priceNano: 1_000_000,
      cachedPriceNano: 1_000_000,
      outputPriceNano: 1_000_000,
      startedAt: receipt.settledAt - 900,
      endedAt: receipt.settledAt,
      grossNano: 100,
    })
    expect(made.net(HELD)).toEqual({ net: 95, pending: 0 })
    made.check()
  })
})

describe('a release', () => {
  function settled(price: number = PRICE) {
    const made = setup()
    made.run('job_1', price)
    const signed = made.claimOf('job_1')
    made.settlement.claim(signed, NONE)
    made.settlement.settle(made.receiptFor(signed, nanoPerMtok(price)), made.exchange)
    return {
      ...made,
      release: { seq: 1, jobId: brandId<JobId>('job_1'), amountNano: nano(price === 0 ? 0 : 95), at: made.clock.now() },
    }
  }

  it('makes the held amount available, once', () => {
    const made = settled()
    expect(made.settlement.release({ ...made.release, seq: 2 }, made.exchange)).toEqual({ kind: 'gap' })
    expect(made.settlement.release(made.release, made.exchange)).toEqual({ kind: 'applied' })
    expect(made.settlement.release(made.release, made.exchange)).toEqual({ kind: 'duplicate' })
    expect(made.transfers().at(-1)).toBe('job_1:release 95')
    expect([made.net(HELD), made.net(AVAILABLE)]).toEqual([
      { net: 0, pending: 0 },
      { net: 95, pending: 0 },
    ])
    expect(made.job('job_1').releasedAt).toBe(made.release.at)
    expect(made.rows('SELECT released_nano FROM rollup_quarter')).toEqual([{ released_nano: 95 }])
    made.check()
  })

  it('of a free job is kept without a transfer', () => {
    const made = settled(0)
    expect(made.settlement.release(made.release, made.exchange)).toEqual({ kind: 'applied' })
    expect([made.transfers(), made.job('job_1').releasedAt, made.rows('SELECT seq FROM releases')]).toEqual([
      [],
      made.release.at,
      [{ seq: 1 }],
    ])
  })
})

describe('a job that is not paid', () => {
  it('when claimed gives up what was set aside and the claim, once', () => {
    const made = setup()
    made.run('job_1')
    made.settlement.claim(made.claimOf('job_1'), NONE)
    const ended = made.clock.now()
    made.clock.jump(1_000)
    made.settlement.voidJob('job_1', 'the buyer never answered')
    made.settlement.voidJob('job_1', 'again')
    expect(made.transfers()).toEqual(['job_1:reserve 100', 'job_1:void 100'])
    expect(made.job('job_1')).toMatchObject({
      state: 'void',
      reason: 'the buyer never answered',
      grossNano: null,
      endedAt: ended,
    })
    expect([made.net(HELD), made.openOutbox()]).toEqual([{ net: 0, pending: 0 }, []])
    made.check()
  })

  it('when it still runs, or was free, ends without a transfer', () => {
    const made = setup()
    made.run('job_1')
    made.run('job_2', 0)
    made.settlement.claim(made.claimOf('job_2'), NONE)
    made.clock.jump(1_000)
    for (const jobId of ['job_1', 'job_2']) made.settlement.voidJob(jobId, 'gone')
    expect([made.transfers(), made.openOutbox()]).toEqual([[], []])
    expect(made.job('job_1')).toMatchObject({ state: 'void', endedAt: made.clock.now() })
    expect(made.job('job_2').state).toBe('void')
  })

  it('when settled or unknown stays as it is', () => {
    const made = setup()
    made.run('job_1')
    const signed = made.claimOf('job_1')
    made.settlement.claim(signed, NONE)
    made.settlement.settle(made.receiptFor(signed), made.exchange)
    const before = made.transfers()
    made.settlement.voidJob('job_1', 'too late')
    made.settlement.voidJob('job_2', 'never heard of')
    expect([made.transfers(), made.job('job_1').state]).toEqual([before, 'settled'])
  })

  it('by our fault is failed and counted, and a job that does not run is left alone', () => {
    const made = setup()
    for (const jobId of ['job_1', 'job_2', 'job_3']) made.run(jobId)
    made.settlement.claim(made.claimOf('job_2'), NONE)
    made.clock.jump(1_000)
    made.settlement.fail(
      ['job_1', 'job_2', 'job_9', 'job_3'].map((jobId) => ({ jobId, reason: said(`${jobId} crashed`) })),
    )
    expect(['job_1', 'job_2', 'job_3'].map((jobId) => [made.job(jobId).state, made.job(jobId).reason])).toEqual([
      ['failed', 'job_1 crashed'],
      ['claimed', ''],
      ['failed', 'job_3 crashed'],
    ])
    expect(made.job('job_3').endedAt).toBe(made.clock.now())
    expect(made.rows('SELECT instrument, failed FROM rollup_quarter')).toEqual([{ instrument: INSTRUMENT, failed: 2 }])
  })

  it('for a request that cannot be served is turned away, and counts as no failure', () => {
    const made = setup()
    for (const jobId of ['job_1', 'job_2']) made.run(jobId)
    made.settlement.fail([
      { jobId: 'job_1', reason: said('a schema'), ofTheRequest: true },
      { jobId: 'job_2', reason: said('our fault'), ofTheRequest: false },
    ])
    expect(['job_1', 'job_2'].map((jobId) => made.job(jobId).state)).toEqual(['rejected', 'failed'])
    expect(made.rows('SELECT failed FROM rollup_quarter')).toEqual([{ failed: 1 }])
    expect(made.rows('SELECT sum(failed) AS failed FROM job_minutes')).toEqual([{ failed: 1 }])
  })
})

describe('a receipt', () => {
  it('that bills nothing frees what was set aside', () => {
    const made = setup()
    const price = nanoPerMtok(20_000)
    made.run('job_1', price)
    const signed = made.claimOf('job_1')
    made.settlement.claim(signed, NONE)
    made.settlement.buyerLeft('job_1')
    // 40 tokens at 0.02 nano-units each are less than one.
    const receipt = made.receiptFor(signed, price, 500, { inputTokens: 40, outputTokens: 0 })
    expect(made.settlement.settle(receipt, made.exchange)).toEqual({ kind: 'applied' })
    expect([made.transfers(), made.net(HELD)]).toEqual([['job_1:reserve 2', 'job_1:void 2'], { net: 0, pending: 0 }])
    made.check()
  })

  it('of a free job is disputed like any other, though nothing was set aside', () => {
    const made = setup()
    made.run('job_1', 0)
    const signed = made.claimOf('job_1')
    made.settlement.claim(signed, NONE)
    expect(made.settlement.settle(made.receiptFor(signed), made.exchange)).toMatchObject({ kind: 'disputed' })
    expect([made.transfers(), made.job('job_1').state]).toEqual([[], 'disputed'])
    made.check()
  })
})

describe('the claim of a settled job', () => {
  it('is kept once: in the receipt, with its signature, where the check reads it', async () => {
    const { seller, first, second, settle } = await claimedJobs()
    const claims = () =>
      seller
        .rows('SELECT claim_json AS claim, claim_sig AS sig FROM jobs ORDER BY job_id')
        .map(({ claim, sig }) => [claim, sig])
    expect(claims()).toEqual([first, second].map(({ claim, claimSig }) => [canonicalJson(claim), claimSig]))
    settle(first)
    expect(claims()).toEqual([
      ['', ''],
      [canonicalJson(second.claim), second.claimSig],
    ])
    const [{ json }] = seller.rows('SELECT json FROM receipts') as [{ json: string }]
    expect(JSON.parse(json)).toMatchObject({ claim: first.claim, claimSig: first.claimSig })
  })
})
