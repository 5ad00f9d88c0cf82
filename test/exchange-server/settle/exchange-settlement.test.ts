/** The money of one job on the exchange's side, to the nano-unit: set aside, paid, or given back. */
import { describe, expect, it } from 'vitest'

import { GENESIS, receiptHash, verifyReceipt } from '#books/receipts.ts'
import { nano, nanoPerMtok, onePrice } from '#contract/money.ts'
import { availableAccount, CLEARING, FEES, heldAccount } from '#exchange-server/exchange-accounts.ts'
import { StreamedAnswer, type RoutedJob } from '#exchange-server/jobs/routed-job.ts'
import {
  reserveFor,
  settleJob,
  storedAnswer,
  voidInterrupted,
  voidJob,
} from '#exchange-server/settle/exchange-settlement.ts'
import { jobStanding } from '#exchange-server/store/buyer-jobs.store.ts'

import { CREDIT, settleRig, type SettleRig } from './settle-rig.ts'

const EXAM = { examId: 'exam_1', itemId: 'arith/1/0' }
const answered = (text: string): StreamedAnswer => {
  const answer = new StreamedAnswer()
  answer.add(text)
  return answer
}
const calls = ({ context }: SettleRig): unknown[] =>
  context.db.read.prepare('SELECT job_id, outcome, ttft_ms, within_ttft, within_rate FROM calls ORDER BY rowid').all()
const jobRows = ({ context }: SettleRig): unknown[] =>
  context.db.read.prepare('SELECT job_id, state, reason, ended_at FROM jobs ORDER BY job_id').all()

describe('setting money aside', () => {
  it('takes the most the job can cost from the buyer, until the deadline', () => {
    const rig = settleRig()
    reserveFor(rig.context, rig.job('job_1'))
    expect(rig.money()).toEqual({ paid: 0, reserved: 110_000, held: 0 })
    expect(rig.transfers()).toEqual(['job_1:reserve 110000'])
    expect(rig.context.db.read.prepare('SELECT expires_at FROM pendings').get()).toEqual({
      expires_at: rig.clock.now() + 7_000,
    })
    expect(jobRows(rig)).toEqual([{ job_id: 'job_1', state: 'running', reason: expect.any(String), ended_at: null }])
    rig.context.db.close()
  })

  it('leaves nothing behind for a buyer whose credit does not cover it, nor for a call of an exam', () => {
    const rig = settleRig()
    expect(() => reserveFor(rig.context, rig.job('job_1', { reserveNano: nano(CREDIT + 1) }))).toThrow(
      expect.objectContaining({ code: 'LEDGER_CONFLICT' }),
    )
    reserveFor(rig.context, rig.job('job_2', { exam: EXAM }))
    expect([rig.transfers(), jobRows(rig)]).toEqual([[], []])
    rig.context.db.close()
  })

  it('of a free job is a row without a transfer', () => {
    const rig = settleRig()
    reserveFor(rig.context, rig.job('job_1', { price: onePrice(nanoPerMtok(0)), reserveNano: nano(0) }))
    expect([rig.transfers().length, jobRows(rig).length]).toEqual([0, 1])
    rig.context.db.close()
  })
})

describe('a job that ends unpaid', () => {
  it('gives back what was set aside, once, and keeps 200 characters of the reason', () => {
    const rig = settleRig()
    const job = rig.job('job_1')
    reserveFor(rig.context, job)
    voidJob(rig.context, job, 'supplier-failed', 'x'.repeat(300))
    voidJob(rig.context, job, 'deadline', 'again')
    expect(rig.money()).toEqual({ paid: 0, reserved: 0, held: 0 })
    expect(rig.transfers()).toEqual(['job_1:reserve 110000', 'job_1:void 110000'])
    expect(jobRows(rig)).toEqual([
      { job_id: 'job_1', state: 'void', reason: 'x'.repeat(200), ended_at: rig.clock.now() },
    ])
    expect(calls(rig)).toMatchObject([{ job_id: 'job_1', outcome: 'supplier-failed' }])
    rig.context.db.close()
  })

  it('needs no transfer where it was free, and no row where it was a call of an exam; both are measured', () => {
    const rig = settleRig()
    const [free, exam] = [rig.job('job_1', { reserveNano: nano(0) }), rig.job('job_2', { exam: EXAM })]
    reserveFor(rig.context, free)
    voidJob(rig.context, free, 'dropped', 'gone')
    voidJob(rig.context, exam, 'deadline', 'late')
    expect(rig.transfers()).toEqual([])
    expect(jobRows(rig)).toMatchObject([{ job_id: 'job_1', state: 'void' }])
    expect(calls(rig)).toMatchObject([
      { job_id: 'job_1', outcome: 'dropped' },
      { job_id: 'job_2', outcome: 'deadline' },
    ])
    rig.context.db.close()
  })
})

/** Routed, answered and claimed. */
function settled(
  rig: SettleRig,
  jobId: string,
  change: Partial<RoutedJob> = {},
  finish: 'stop' | 'cancelled' = 'stop',
) {
  const job = rig.job(jobId, { answer: answered('x'.repeat(20)), ...change })
  reserveFor(rig.context, job)
  const { claim, claimSig } = rig.claim(job, { finish })
  return { job, receipt: settleJob(rig.context, job, claim, claimSig) }
}

describe('a job that is settled', () => {
  it('costs the buyer what arrived, pays the supplier less the fee, held, and frees the rest', () => {
    const rig = settleRig()
    const { receipt } = settled(rig, 'job_1')
    // 10 tokens in and 20 bytes out are 15 tokens of 1,000; 5 % fee.
    expect(receipt).toMatchObject({
      billed: { inputTokens: 10, outputTokens: 5 },
      grossNano: 15_000,
      feeNano: 750,
      sellerNano: 14_250,
      seq: 1,
      prev: GENESIS,
    })
    expect(rig.money()).toEqual({ paid: 15_000, reserved: 0, held: 14_250 })
    expect(rig.transfers()).toEqual(['job_1:reserve 110000', 'job_1:post 15000', 'job_1:pay 14250', 'job_1:fee 750'])
    const { books, db } = rig.context
    expect(books.balance(db.read, FEES).credits).toBe(750n)
    expect(books.balance(db.read, CLEARING)).toMatchObject({ debits: 15_000n, credits: 15_000n })
    expect(books.check(db.read).ok).toBe(true)
    db.close()
  })

  it('is held for as long as the terms say from the moment it is settled', () => {
    const rig = settleRig()
    const { receipt } = settled(rig, 'job_1')
    expect([receipt.settledAt, receipt.releaseAt]).toEqual([rig.clock.now(), rig.clock.now() + 30_000])
    expect(rig.context.db.read.prepare('SELECT * FROM holds').all()).toMatchObject([
      { job_id: 'job_1', amount_nano: 14_250, release_at: rig.clock.now() + 30_000 },
    ])
    rig.context.db.close()
  })

  it('continues the chain of its supplier', () => {
    const rig = settleRig()
    const [first, second] = [settled(rig, 'job_1').receipt, settled(rig, 'job_2').receipt]
    expect([second.seq, second.prev]).toEqual([2, receiptHash(first)])
    expect(verifyReceipt(second, { exchangeKey: rig.context.key.publicKey, prev: first }).problems).toEqual([])
    rig.context.db.close()
  })

  it('is settled once: a second claim throws and moves nothing', () => {
    const rig = settleRig()
    const { job } = settled(rig, 'job_1')
    const before = rig.transfers()
    const { claim, claimSig } = rig.claim(job)
    expect(() => settleJob(rig.context, job, claim, claimSig)).toThrow('job job_1 was not running')
    expect(rig.transfers()).toEqual(before)
    rig.context.db.close()
  })

  it('gives everything back where there is nothing to bill, and moves nothing where nothing was set aside', () => {
    const rig = settleRig()
    const nothing = { price: onePrice(nanoPerMtok(0)) }
    settled(rig, 'job_1', { ...nothing, reserveNano: nano(500) })
    settled(rig, 'job_2', { ...nothing, reserveNano: nano(0) })
    expect(rig.transfers()).toEqual(['job_1:reserve 500', 'job_1:void 500'])
    expect(rig.money()).toEqual({ paid: 0, reserved: 0, held: 0 })
    rig.context.db.close()
  })

  it('of a single nano-unit goes to the supplier without a fee', () => {
    const rig = settleRig()
    // 15 tokens at 0.07 nano-units.
    settled(rig, 'job_1', { price: onePrice(nanoPerMtok(70_000)), reserveNano: nano(7) })
    expect(rig.transfers()).toEqual(['job_1:reserve 7', 'job_1:post 1', 'job_1:pay 1'])
    rig.context.db.close()
  })

  it('pays no transfer to a supplier whose whole part is the fee', () => {
    const rig = settleRig()
    const all: SettleRig = { ...rig, context: { ...rig.context, terms: { ...rig.context.terms, feeBps: 10_000 } } }
    settled(all, 'job_1')
    expect(rig.transfers()).toEqual(['job_1:reserve 110000', 'job_1:post 15000', 'job_1:fee 15000'])
    rig.context.db.close()
  })

  it('counts as cancelled when the supplier says so or the buyer had left, else as done', () => {
    const rig = settleRig()
    settled(rig, 'job_1')
    settled(rig, 'job_2', {}, 'cancelled')
    settled(rig, 'job_3', { cancelled: true })
    expect(calls(rig)).toMatchObject([{ outcome: 'done' }, { outcome: 'cancelled' }, { outcome: 'cancelled' }])
    rig.context.db.close()
  })
})

describe('the measure of a call', () => {
  it.each([
    ['a first token at the ceiling', { firstDeltaAt: 5_000, lastDeltaAt: 6_000 }, 5_000, 1, 1],
    ['a first token beyond it', { firstDeltaAt: 5_001, lastDeltaAt: 6_000 }, 5_001, 0, 1],
    ['a rate at the floor', { firstDeltaAt: 100, lastDeltaAt: 1_100 }, 100, 1, 1],
    ['a rate below it', { firstDeltaAt: 100, lastDeltaAt: 1_101 }, 100, 1, 0],
    ['no token at all', { firstDeltaAt: null, lastDeltaAt: null }, null, null, null],
  ])('of %s', (_, times, ttft, withinTtft, withinRate) => {
    const rig = settleRig()
    // 10 tokens after the first delta: at 1,000 ms exactly the floor of 10 a second.
    settled(rig, 'job_1', { sentAt: 0, answer: answered('x'.repeat(44)), firstDeltaBytes: 4, ...times })
    expect(calls(rig)).toEqual([
      { job_id: 'job_1', outcome: 'done', ttft_ms: ttft, within_ttft: withinTtft, within_rate: withinRate },
    ])
    rig.context.db.close()
  })
})

describe('the answer to a claim that comes again', () => {
  it('is the very receipt where it was settled, and otherwise why nothing is paid', () => {
    const rig = settleRig()
    const { receipt } = settled(rig, 'job_1')
    const failed = rig.job('job_2')
    reserveFor(rig.context, failed)
    voidJob(rig.context, failed, 'deadline', 'the deadline passed')
    const ask = (supplier: string, jobId: string): unknown => storedAnswer(rig.context, supplier, jobId)
    expect(ask(rig.seller.publicKey, 'job_1')).toEqual({ t: 'job.settled', receipt })
    expect(ask(rig.seller.publicKey, 'job_2')).toEqual({ t: 'job.void', jobId: 'job_2', reason: 'the deadline passed' })
    const unknown = 'the exchange knows no such job'
    expect(ask(rig.seller.publicKey, 'job_3')).toEqual({ t: 'job.void', jobId: 'job_3', reason: unknown })
    expect(ask(rig.addSupplier().publicKey, 'job_1')).toEqual({ t: 'job.void', jobId: 'job_1', reason: unknown })
    rig.context.db.close()
  })
})

describe('at the start after a crash', () => {
  it('every job that ran ends unpaid, and what was settled stays', () => {
    const rig = settleRig()
    settled(rig, 'job_paid')
    for (const [jobId, reserved] of [
      ['job_7', 10],
      ['job_8', 20],
      ['job_free', 0],
    ] as const)
      reserveFor(rig.context, rig.job(jobId, { reserveNano: nano(reserved) }))
    expect(rig.money().reserved).toBe(30)
    expect(voidInterrupted(rig.context)).toBe(3)
    expect(voidInterrupted(rig.context)).toBe(0)
    expect(rig.money()).toMatchObject({ paid: 15_000, reserved: 0 })
    expect(rig.transfers().filter((line) => line.includes(':void '))).toEqual(['job_7:void 10', 'job_8:void 20'])
    expect(jobStanding(rig.context.db.read, 'job_7', rig.seller.publicKey)).toMatchObject({
      state: 'void',
      reason: 'the exchange was restarted while the job ran',
    })
    expect(jobStanding(rig.context.db.read, 'job_paid', rig.seller.publicKey)).toMatchObject({ state: 'settled' })
    const { books, db } = rig.context
    expect([
      books.balance(db.read, heldAccount(rig.seller.publicKey)).credits,
      books.balance(db.read, availableAccount(rig.seller.publicKey)).credits,
    ]).toEqual([14_250n, 0n])
    db.close()
  })

  it('that is so however many they are', () => {
    const rig = settleRig()
    rig.freeHolds(1_001)
    // As the crash left them: routed and not ended.
    rig.context.db.tx((write) => write.prepare("UPDATE jobs SET state = 'running', ended_at = NULL").run())
    expect(voidInterrupted(rig.context)).toBe(1_001)
    expect(voidInterrupted(rig.context)).toBe(0)
    rig.context.db.close()
  })
})
