/**
 * Receipts that verify and bill other money than what we counted: kept as proof, shown as a problem, and in no sum of
 * what was earned.
 */
import { join } from 'node:path'

import { call } from '@orpc/server'
import { describe, expect, it, onTestFinished } from 'vitest'

import { receiptHash, type ReceiptFacts } from '#books/receipts.ts'
import type { ReceiptDifference } from '#contract/jobs.ts'
import { nanoPerMtok } from '#contract/money.ts'
import type { Receipt } from '#contract/receipt.ts'
import { DAY_MS } from '#contract/time.ts'
import { findJob } from '#core/jobs/jobs.store.ts'
import { createLedger } from '#core/ledger/index.ts'
import { realmMigrations } from '#core/realm-db/index.ts'
import { ALL_SCOPES } from '#core/os.ts'
import { openDb } from '#db/open.ts'

import { claimedJobs } from '../../support/claimed-jobs.ts'
import { Seller } from '../../support/seller.ts'
import { tempDir } from '../../support/temp-dir.ts'
import { onlineSeller } from './online-seller.ts'
import { VENUE } from '#test/support/venue.ts'

const HOLD_MS = 30_000
const YEAR_9999 = Date.UTC(9999, 11, 31)

interface Row {
  name: string
  bills: (receipt: Receipt) => Partial<ReceiptFacts>
  differs: (receipt: Receipt) => ReceiptDifference[]
}
const input = ({ billed }: Receipt, theirs: number): ReceiptDifference => ({
  code: 'INPUT_COUNT',
  ours: billed.inputTokens,
  theirs,
})
const output = ({ billed }: Receipt, theirs: number): ReceiptDifference => ({
  code: 'OUTPUT_COUNT',
  ours: billed.outputTokens,
  theirs,
})

const counted = (name: string, change: (ours: number) => number): Row[] => [
  {
    name: `${name} input`,
    bills: ({ billed }) => ({ billed: { ...billed, inputTokens: change(billed.inputTokens) } }),
    differs: (receipt) => [input(receipt, change(receipt.billed.inputTokens))],
  },
  {
    name: `${name} output`,
    bills: ({ billed }) => ({ billed: { ...billed, outputTokens: change(billed.outputTokens) } }),
    differs: (receipt) => [output(receipt, change(receipt.billed.outputTokens))],
  },
]
const ROWS: Row[] = [
  ...counted('no', () => 0),
  ...counted('one token of', () => 1),
  ...counted('one token less', (ours) => ours - 1),
  ...counted('one token more', (ours) => ours + 1),
  ...counted('ten times the', (ours) => ours * 10),
  {
    name: 'nothing at all',
    bills: () => ({ billed: { inputTokens: 0, outputTokens: 0 } }),
    differs: (receipt) => [input(receipt, 0), output(receipt, 0)],
  },
  {
    name: 'a lower price',
    bills: () => ({ priceNanoPerMtok: nanoPerMtok(999_999) }),
    differs: () => [{ code: 'PRICE', ours: 1_000_000, theirs: 999_999 }],
  },
  {
    name: 'a higher price',
    bills: () => ({ priceNanoPerMtok: nanoPerMtok(1_000_001) }),
    differs: () => [{ code: 'PRICE', ours: 1_000_000, theirs: 1_000_001 }],
  },
  { name: 'a higher fee', bills: () => ({ feeBps: 501 }), differs: () => [{ code: 'FEE', ours: 500, theirs: 501 }] },
  {
    name: 'a longer hold',
    bills: ({ settledAt }) => ({ releaseAt: settledAt + HOLD_MS + 1 }),
    differs: () => [{ code: 'HOLD', ours: HOLD_MS, theirs: HOLD_MS + 1 }],
  },
  {
    name: 'a release in the year 9999',
    bills: () => ({ releaseAt: YEAR_9999 }),
    differs: ({ settledAt }) => [{ code: 'HOLD', ours: HOLD_MS, theirs: YEAR_9999 - settledAt }],
  },
]

describe('a signed receipt is disputed that bills', () => {
  it.each(ROWS)('$name', async ({ bills, differs }) => {
    const claimed = await claimedJobs()
    const { seller, first } = claimed
    const ours = first.claim.usage
    const outcome = claimed.settle(claimed.billing(bills(first)))
    expect(outcome).toEqual({ kind: 'disputed', problems: differs(first).map(() => expect.any(String)) })
    const { jobId } = first.claim
    const job = await call(seller.api.get, { venueId: VENUE, jobId }, { context: { scopes: ALL_SCOPES } })
    expect(job).toMatchObject({
      state: 'disputed',
      money: 'disputed',
      receiptSeq: 1,
      ...ours,
      verified: { ok: true },
      receipt: bills(first),
    })
    expect(job.differences).toEqual(differs(first))
    // Only what the second job claims is pending; nothing was earned.
    expect(seller.balance('asset:held')).toEqual({ net: 0, pending: second(claimed) })
    expect(seller.balance('expense:fee').net).toBe(0)
    expect(seller.rows('SELECT * FROM rollup_quarter')).toEqual([])
    expect(seller.rows(`SELECT key FROM outbox WHERE done_at IS NULL`)).toEqual([{ key: 'job_2' }])
  })
})

const second = (claimed: Awaited<ReturnType<typeof claimedJobs>>): number =>
  claimed.second.billed.inputTokens + claimed.second.billed.outputTokens

describe('a disputed job', () => {
  it('takes no second receipt, not even one that bills what we counted', async () => {
    const claimed = await claimedJobs()
    const bad = claimed.billing({ billed: { inputTokens: 0, outputTokens: 0 } })
    expect(claimed.settle(bad)).toMatchObject({ kind: 'disputed' })
    const again = claimed.billing({ seq: 2, prev: receiptHash(bad) })
    expect(claimed.settle(again)).toEqual({ kind: 'refused', problems: ['job job_1 has another receipt'] })
    expect(claimed.settle(claimed.behind(bad))).toEqual({ kind: 'applied' })
  })
})

describe('a signed receipt is booked that bills', () => {
  it.each<[string, (receipt: Receipt) => Partial<ReceiptFacts>]>([
    ['what we counted', () => ({})],
    ['a lower fee', () => ({ feeBps: 499 })],
    ['a shorter hold', ({ settledAt }) => ({ releaseAt: settledAt + HOLD_MS - 1 })],
    ['and holds nothing back', ({ settledAt }) => ({ releaseAt: settledAt })],
  ])('%s', async (_name, bills) => {
    const claimed = await claimedJobs()
    expect(claimed.settle(claimed.billing(bills(claimed.first)))).toEqual({ kind: 'applied' })
    expect(claimed.seller.jobs.problems()).toEqual([])
  })

  it('less output than we sent, where we heard that the buyer had left; never more, and never other input', async () => {
    const claimed = await claimedJobs()
    const { billed } = claimed.first
    claimed.settlement.buyerLeft(claimed.first.claim.jobId)
    expect(claimed.settle(claimed.billing({ billed: { ...billed, outputTokens: 0 } }))).toEqual({ kind: 'applied' })
    expect(claimed.seller.balance('asset:held').net).toBe(billed.inputTokens)
    for (const bad of [
      { ...billed, outputTokens: billed.outputTokens + 1 },
      { inputTokens: billed.inputTokens - 1, outputTokens: 0 },
    ]) {
      const other = await claimedJobs()
      other.settlement.buyerLeft(other.first.claim.jobId)
      expect(other.settle(other.billing({ billed: bad }))).toMatchObject({ kind: 'disputed' })
    }
  })

  it('any hold up to 90 days and any fee, where we do not know what was stated', async () => {
    for (const [extra, kind] of [
      [0, 'applied'],
      [1, 'disputed'],
    ] as const) {
      const claimed = await claimedJobs()
      claimed.change(claimed.first.claim.jobId, { holdMs: null, feeBps: null })
      const receipt = claimed.billing({ feeBps: 5_000, releaseAt: claimed.first.settledAt + 90 * DAY_MS + extra })
      expect(claimed.settle(receipt).kind).toBe(kind)
    }
  })
})

const sell = async (made: Seller, count: number): Promise<void> => {
  for (let n = 0; n < count; n += 1) {
    made.exchange.job()
    await made.drain()
  }
}
const checked = async (made: Seller) => {
  const checking = createLedger(made.context, made.jobs).check()
  await made.drain()
  return checking
}

describe('an exchange that bills ten times our count once', () => {
  const LINE = /^receipt 2 of job job_2 is disputed: it bills 30 input tokens, and we counted 3$/
  async function disputed(told: string[] = []): Promise<Seller> {
    const made = onlineSeller()
    Object.assign(made.context.host, { notify: (title: string, body: string) => told.push(`${title}: ${body}`) })
    made.exchange.bends = (facts) =>
      facts.seq === 2 ? { ...facts, billed: { ...facts.billed, inputTokens: facts.billed.inputTokens * 10 } } : facts
    await sell(made, 3)
    return made
  }

  it('is told by a notification and as a problem that stays over a restart; the chain and its good receipts go on', async () => {
    const told: string[] = []
    const made = await disputed(told)
    expect(told).toEqual([
      expect.stringMatching(/^Money in dispute: receipt 2: it bills 30 input tokens, and we counted 3\. What to do/),
    ])
    await made.restart()
    made.exchange.online()
    await made.drain()
    expect(made.jobs.problems()).toEqual([expect.stringMatching(LINE), expect.stringContaining('What to do')])
    expect(made.rows('SELECT seq FROM receipts ORDER BY seq').map(({ seq }) => seq)).toEqual([1, 2, 3])
    const [one, , three] = made.exchange.receipts as [Receipt, Receipt, Receipt]
    expect(made.balance('asset:held')).toEqual({ net: one.sellerNano + three.sellerNano, pending: 0 })
    expect(made.rows('SELECT jobs, gross_nano FROM rollup_quarter')).toEqual([
      { jobs: 2, gross_nano: one.grossNano + three.grossNano },
    ])
    const check = await checked(made)
    expect(check).toMatchObject({ ok: false, receipts: 3, comparedWithExchange: true })
    expect(check.problems).toEqual([expect.stringMatching(LINE), expect.stringContaining('What to do')])
  })

  it('releases what we did not book: its word is kept, nothing moves, and the releases after it are booked', async () => {
    const made = await disputed()
    for (let n = 0; n < 3; n += 1) made.exchange.release()
    await made.drain()
    const [one, two, three] = made.exchange.receipts as [Receipt, Receipt, Receipt]
    expect(made.rows('SELECT seq, amount_nano FROM releases ORDER BY seq').map((row) => row['amount_nano'])).toEqual([
      one.sellerNano,
      two.sellerNano,
      three.sellerNano,
    ])
    expect(made.balance('asset:available').net).toBe(one.sellerNano + three.sellerNano)
    expect(made.balance('asset:held').net).toBe(0)
    expect((await checked(made)).problems).toEqual([expect.stringMatching(LINE), expect.stringContaining('What to do')])
  })

  it('changes nothing by repeating itself, voiding the job or letting time pass', async () => {
    const made = await disputed()
    const before = made.rows(`SELECT * FROM jobs WHERE job_id = 'job_2'`)
    made.exchange.push({ t: 'job.settled', receipt: made.exchange.receipts[1]! })
    made.exchange.push({ t: 'job.void', jobId: made.exchange.receipts[1]!.claim.jobId, reason: 'changed its mind' })
    await made.drain()
    made.clock.jump(30 * DAY_MS)
    await made.clock.advance(60_000)
    expect(made.rows(`SELECT * FROM jobs WHERE job_id = 'job_2'`)).toEqual(before)
    expect(made.jobs.problems()).toHaveLength(2)
  })

  it('is one line of many: the latest twenty, and how many more, and one notification for all', async () => {
    const made = onlineSeller()
    let told = 0
    Object.assign(made.context.host, { notify: () => (told += 1) })
    made.exchange.bends = (facts) => ({ ...facts, billed: { inputTokens: 0, outputTokens: 0 } })
    await sell(made, 22)
    expect(told).toBe(1)
    const lines = made.jobs.problems()
    expect(lines).toHaveLength(22)
    expect(lines.at(-2)).toBe('2 more receipts are disputed')
    expect(made.balance('asset:held')).toEqual({ net: 0, pending: 0 })
  })
})

describe('a restored copy of the database', () => {
  it('disputes what it would have disputed, and books the rest', async () => {
    const made = onlineSeller()
    made.exchange.bends = (facts) =>
      facts.seq === 2 ? { ...facts, billed: { ...facts.billed, outputTokens: 0 } } : facts
    await sell(made, 3)
    const copy = Object.assign(new Seller(tempDir()), { key: made.key })
    onTestFinished(() => copy.close())
    Object.assign(copy.exchange, { key: made.exchange.key })
    copy.exchange.receipts.push(...made.exchange.receipts)
    await copy.restart()
    copy.exchange.online()
    await copy.drain()
    expect(copy.balance('asset:held')).toEqual(made.balance('asset:held'))
    expect(copy.jobs.problems()).toEqual(made.jobs.problems())
  })
})

describe('a buyer who leaves', () => {
  it('while the claim is on its way: less output is booked, since the exchange said so before its receipt', async () => {
    const made = onlineSeller()
    const jobId = made.exchange.job()
    made.exchange.deliver()
    for (let turn = 0; turn < 100 && made.exchange.receipts.length === 0; turn += 1) await made.clock.advance(10)
    const { receipts } = made.exchange
    made.exchange.queue = [{ t: 'job.cancel', jobId, reason: 'buyer' }]
    made.exchange.deliver()
    // It comes with the next session, after a restart.
    receipts.length = 0
    made.exchange.jobs.get(jobId)!.receipt = null
    made.exchange.bends = (facts) => ({ ...facts, billed: { ...facts.billed, outputTokens: 1 } })
    await made.restart()
    made.exchange.online()
    await made.drain()
    expect(made.rows('SELECT state, output_tokens FROM jobs')).toEqual([{ state: 'settled', output_tokens: 1 }])
    expect(made.jobs.problems()).toEqual([])
  })

  it('after the receipt changes nothing: only a claim that waits for one is told', async () => {
    const claimed = await claimedJobs()
    claimed.settle(claimed.first)
    const untouched = claimed.everything()
    for (const jobId of [claimed.first.claim.jobId, 'job_unknown']) claimed.settlement.buyerLeft(jobId)
    expect(claimed.everything()).toEqual(untouched)
  })

  it.each(['deadline', 'exchange'] as const)('is not what a cancel by %s says', async (reason) => {
    const made = onlineSeller()
    const jobId = made.exchange.job()
    made.exchange.deliver()
    for (let turn = 0; turn < 100 && made.exchange.receipts.length === 0; turn += 1) await made.clock.advance(10)
    made.exchange.queue = [{ t: 'job.cancel', jobId, reason }]
    await made.drain()
    expect(made.rows('SELECT buyer_left_at FROM jobs')).toEqual([{ buyer_left_at: null }])
  })

  it('before the claim: what had arrived is paid, and no more than we sent', async () => {
    for (const [bills, state] of [
      [0, 'settled'],
      [1_000, 'disputed'],
    ] as const) {
      const made = onlineSeller({ engine: { manual: true, answer: () => 'one two three four' } })
      made.exchange.bends = (facts) => ({ ...facts, billed: { ...facts.billed, outputTokens: bills } })
      const jobId = made.exchange.job()
      made.exchange.deliverAll()
      made.engine.release(jobId)
      made.exchange.push({ t: 'job.cancel', jobId, reason: 'buyer' })
      made.exchange.deliver()
      await made.drain()
      expect((await call(made.api.get, { venueId: VENUE, jobId }, { context: { scopes: ALL_SCOPES } })).state).toBe(
        state,
      )
    }
  })
})

describe('a database from before disputes', () => {
  it('keeps its jobs, whose stated terms are unknown', () => {
    const path = join(tempDir(), 'practice.db')
    const old = openDb({ path, migrations: realmMigrations.filter(({ id }) => id < 70) })
    old.tx((db) =>
      db
        .prepare(
          `INSERT INTO jobs (job_id, instrument, spec_version, deployment_id, sha256, state, price_nano, reserve_nano, salt, started_at, expires_at) VALUES ('job_old', 'practice/text-nano', 1, 'dep_1', '', 'void', 5, 0, '', 1, 2)`,
        )
        .run(),
    )
    old.close()
    const db = openDb({ path, migrations: realmMigrations })
    onTestFinished(() => db.close())
    expect(findJob(db.read, 'job_old')).toMatchObject({
      state: 'void',
      priceNano: 5,
      cachedPriceNano: 5,
      outputPriceNano: 5,
      holdMs: null,
      feeBps: null,
      buyerLeftAt: null,
      dispute: null,
      receiptSeq: null,
    })
  })
})

describe('the list of jobs', () => {
  it('finds disputed jobs by their state, and not among the void ones', async () => {
    const made = onlineSeller()
    made.exchange.bends = (facts) =>
      facts.seq === 1 ? { ...facts, billed: { inputTokens: 0, outputTokens: 0 } } : facts
    await sell(made, 2)
    const listed = async (state: 'disputed' | 'void') =>
      (await call(made.api.list, { venueId: VENUE, state }, { context: { scopes: ALL_SCOPES } })).jobs.map(
        ({ jobId }) => jobId,
      )
    expect([await listed('disputed'), await listed('void')]).toEqual([['job_1'], []])
  })
})
