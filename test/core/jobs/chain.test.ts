/**
 * When the exchange's records and ours do not fit: what is booked, what is asked for again, and what the owner is told.
 */
import { call } from '@orpc/server'
import { describe, it, expect } from 'vitest'

import { nano } from '#contract/money.ts'
import type { ReceiptV1 as Receipt } from '#contract/receipt.ts'
import type { SupplierFrame } from '#contract/supplier.ts'
import { createLedger } from '#core/ledger/index.ts'
import { ALL_SCOPES } from '#core/os.ts'
import { generateSigningKey } from '#lib/ed25519.ts'

import type { Seller } from '../../support/seller.ts'
import { onlineSeller } from './online-seller.ts'
import { VENUE } from '#test/support/venue.ts'

const sell = async (made: Seller, count: number): Promise<void> => {
  for (let n = 0; n < count; n += 1) {
    made.exchange.job()
    await made.drain()
  }
}
const damaged = (receipt: Receipt): Receipt => ({ ...receipt, sellerNano: nano(receipt.sellerNano + 1) })
const syncs = (made: Seller): Extract<SupplierFrame, { t: 'sync' }>[] =>
  made.exchange.sent.filter((frame) => frame.t === 'sync')
const checked = async (made: Seller) => {
  const checking = createLedger(made.context, made.jobs).check()
  await made.drain()
  return checking
}

describe('a receipt that does not verify', () => {
  it('is asked for at once, and booked with those after it when the exchange’s own copy is good', async () => {
    const made = onlineSeller()
    made.exchange.job()
    made.exchange.deliver()
    for (let turn = 0; turn < 40 && made.exchange.receipts.length === 0; turn += 1) await made.clock.advance(10)
    made.exchange.queue = [{ t: 'job.settled', receipt: damaged(made.exchange.receipts[0]!) }]
    await made.drain()
    expect(made.rows('SELECT seq FROM receipts')).toHaveLength(1)
    await sell(made, 2)
    expect(made.rows('SELECT seq FROM receipts')).toHaveLength(3)
    expect(made.jobs.problems()).toEqual([])
    expect(await checked(made)).toMatchObject({ ok: true, receipts: 3 })
  })

  it('stops the chain when the exchange insists on it; it says what to do, asks seldom, and goes on once it is mended', async () => {
    const made = onlineSeller()
    await sell(made, 1)
    const good: Receipt[] = []
    made.exchange.tampers = (receipt) => (receipt.seq === 2 ? damaged(receipt) : receipt)
    await sell(made, 12)
    good.push(...made.exchange.receipts)
    expect(made.rows('SELECT seq FROM receipts')).toHaveLength(1)
    // One pass for the damaged one, and no more before a minute is over, however many receipts follow.
    expect(syncs(made).length).toBeLessThan(10)
    const check = await checked(made)
    expect(check.ok).toBe(false)
    expect(check.problems.join('\n')).toContain('receipt 2: the receipt is not signed by the exchange it names')
    expect(check.problems.at(-1)).toContain('What to do')
    made.exchange.tampers = (receipt) => receipt
    made.exchange.offline()
    made.exchange.online()
    await made.drain()
    expect(made.rows('SELECT seq FROM receipts')).toHaveLength(good.length)
    expect(await checked(made)).toMatchObject({ ok: true, receipts: 13 })
  })

  it('tells the owner by a notification, once', async () => {
    const told: string[] = []
    const made = onlineSeller()
    Object.assign(made.context.host, { notify: (_title: string, body: string) => told.push(body) })
    made.exchange.tampers = (receipt) => (receipt.seq === 2 ? damaged(receipt) : receipt)
    await sell(made, 4)
    expect(told).toEqual([expect.stringContaining('What to do')])
    // Another one of the same time: it is told with the problems, and not by a notification of its own.
    made.exchange.push({
      t: 'released',
      releases: [{ seq: 1, jobId: made.exchange.receipts[0]!.claim.jobId, amountNano: nano(1), at: 1 }],
    })
    await made.drain()
    expect(made.jobs.problems()).toHaveLength(3)
    expect(told).toHaveLength(1)
  })
})

describe('an exchange whose database was reset', () => {
  it('under the same key: nothing of ours is overwritten, nothing is booked twice, and the owner hears what it means', async () => {
    const made = onlineSeller()
    await sell(made, 3)
    const held = made.balance('asset:held')
    made.exchange.receipts.length = 0
    made.exchange.jobs.clear()
    made.exchange.offline()
    made.exchange.online()
    await sell(made, 2)
    expect(made.rows('SELECT seq FROM receipts')).toHaveLength(3)
    expect(made.balance('asset:held').net).toBe(held.net)
    const { ok, problems } = await checked(made)
    expect(ok).toBe(false)
    expect(problems).toContain('receipt 1: receipt 1 differs from the one stored')
    expect(problems.at(-1)).toContain('its database was reset or put back from an older copy')
  })

  it('under a new key it is another exchange: a chain of its own, and the old receipts still verify', async () => {
    const made = onlineSeller()
    await sell(made, 2)
    const oldJob = made.exchange.receipts[0]!.claim.jobId
    Object.assign(made.exchange, { key: generateSigningKey() })
    made.exchange.receipts.length = 0
    made.exchange.offline()
    made.exchange.online()
    await sell(made, 2)
    expect(made.rows('SELECT seq FROM receipts ORDER BY seq').map(({ seq }) => seq)).toEqual([1, 1, 2, 2])
    expect(await checked(made)).toMatchObject({ ok: true, receipts: 4 })
    expect(
      (await call(made.api.get, { venueId: VENUE, jobId: oldJob }, { context: { scopes: ALL_SCOPES } })).verified,
    ).toMatchObject({ ok: true })
  })

  it('cannot release money that another exchange holds', async () => {
    const made = onlineSeller()
    await sell(made, 1)
    const { claim, sellerNano } = made.exchange.receipts[0]!
    Object.assign(made.exchange, { key: generateSigningKey() })
    made.exchange.receipts.length = 0
    made.exchange.offline()
    made.exchange.online()
    await made.drain()
    made.exchange.push({ t: 'released', releases: [{ seq: 1, jobId: claim.jobId, amountNano: sellerNano, at: 1 }] })
    await made.drain()
    expect(made.balance('asset:available').net).toBe(0)
    expect(made.jobs.problems()[0]).toContain('another exchange settled')
  })
})

describe('what waits to be told', () => {
  it('is forgotten once it was answered, and never before', async () => {
    const made = onlineSeller()
    await sell(made, 2)
    made.exchange.job()
    made.exchange.deliver()
    for (let turn = 0; turn < 40 && made.exchange.receipts.length === 2; turn += 1) await made.clock.advance(10)
    made.exchange.queue = []
    const claims = () => made.rows('SELECT key FROM outbox').map(({ key }) => key)
    expect(claims()).toEqual(['job_3'])
    await made.clock.advance(60_000)
    expect(claims()).toEqual(['job_3'])
  })
})

describe('the sweep', () => {
  it('goes on after one that failed', async () => {
    const made = onlineSeller()
    made.exchange.job()
    made.exchange.deliver()
    for (let turn = 0; turn < 40 && made.exchange.receipts.length === 0; turn += 1) await made.clock.advance(10)
    made.exchange.queue = []
    made.clock.jump(8 * 86_400_000)
    const tx = made.context.realmDb.tx.bind(made.context.realmDb)
    let failures = 1
    Object.assign(made.context.realmDb, {
      tx: (work: Parameters<typeof tx>[0]) => {
        if (failures-- > 0) throw new Error('the disk is full')
        return tx(work)
      },
    })
    await made.clock.advance(1)
    expect(made.rows('SELECT state FROM jobs')).toEqual([{ state: 'claimed' }])
    // The next one asks the exchange, which has settled it.
    await made.clock.advance(60_000)
    await made.drain()
    expect(made.rows('SELECT state FROM jobs')).toEqual([{ state: 'settled' }])
  })
})

describe('what the exchange takes', () => {
  it('is compared with what it announced', async () => {
    const made = onlineSeller()
    made.exchange.takesBps = 700
    await sell(made, 1)
    expect(made.jobs.problems()[0]).toContain('takes 700 hundredths of a per cent, and the exchange announced 500')
    expect((await checked(made)).ok).toBe(false)
  })
})

describe('a release whose receipt cannot be booked', () => {
  it('does not make a sync go round without end', async () => {
    const made = onlineSeller()
    made.exchange.tampers = damaged
    await sell(made, 8)
    for (let n = 0; n < 8; n += 1) made.exchange.release()
    made.exchange.queue = []
    const before = syncs(made).length
    made.exchange.offline()
    made.exchange.online()
    await made.drain()
    // One page: those after the damaged receipt cannot be joined to ours, whatever the next pages hold.
    expect(syncs(made).length - before).toBe(1)
  })
})
