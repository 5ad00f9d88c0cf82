/** An answer that was paid for and lost with the exchange is paid back once; its seller keeps the pay. */
import { join } from 'node:path'

import { describe, expect, it } from 'vitest'

import { openDb } from '#db/open.ts'
import type { Db } from '#db/db-types.ts'
import { checkExchange } from '#exchange-server/admin/exchange-check.ts'
import { INCIDENTS } from '#exchange-server/exchange-accounts.ts'
import { exchangeMigrations } from '#exchange-server/exchange-db/index.ts'
import { DeliveredMarks } from '#exchange-server/settle/delivered-marks.ts'
import { reserveFor, settleJob } from '#exchange-server/settle/exchange-settlement.ts'
import { refundUndelivered } from '#exchange-server/settle/refunds.ts'
import { insertUndelivered, keyedCall, pruneKeyedCalls, undeliveredJobs } from '#exchange-server/store/refunds.store.ts'
import { FakeClock } from '#test/support/fake-clock.ts'

import { until } from '../../support/until.ts'
import { balances, books, listed, NANO, say, startTestExchange } from '../exchange-support.ts'
import { settleRig, type SettleRig } from './settle-rig.ts'

const waiting = (db: Db): string[] => undeliveredJobs(db.read, 100).map(({ jobId }) => jobId)
const opened = (exchange: { dir: string }): Db =>
  openDb({ path: join(exchange.dir, 'exchange.db'), migrations: exchangeMigrations, readOnly: true })

/** A settled job of a buyer behind HTTP. */
function settled(rig: SettleRig, jobId: string): void {
  const job = rig.job(jobId)
  job.order.call = { keyMac: null, bodyMac: 'b' }
  job.answer.add('an answer of some length')
  reserveFor(rig.context, job)
  const { claim, claimSig } = rig.claim(job)
  settleJob(rig.context, job, claim, claimSig)
}
const incidents = ({ context }: SettleRig): bigint => context.books.balance(context.db.read, INCIDENTS).debits
const check = ({ context }: SettleRig) => checkExchange(context.db.read, context.books, context.key.publicKey)

describe('at the start of an exchange', () => {
  it('what was not marked is paid back, once, out of the incident account; what was marked is not', () => {
    const rig = settleRig()
    settled(rig, 'job_1')
    settled(rig, 'job_2')
    const paid = rig.money().paid / 2
    const marks = new DeliveredMarks(rig.clock)
    marks.ridingOn(rig.context.db)
    marks.add('job_1')
    marks.flush()
    const held = rig.money().held
    expect([refundUndelivered(rig.context), refundUndelivered(rig.context)]).toEqual([1, 0])
    expect(incidents(rig)).toBe(BigInt(paid))
    expect(rig.transfers().filter((line) => line.includes(':refund '))).toEqual([`job_2:refund ${paid}`])
    expect(rig.money().held).toBe(held)
    expect(check(rig)).toMatchObject({ ok: true, problems: [] })
    rig.context.db.close()
  })

  it('the check finds a refund that the incident account does not have, and one that is not what was paid', () => {
    const rig = settleRig()
    settled(rig, 'job_1')
    const { buyerId } = rig
    rig.context.db.tx((db) => {
      db.prepare('DELETE FROM undelivered').run()
      db.prepare(`INSERT INTO refunds (job_id, buyer_id, amount_nano, at) VALUES ('job_1', ?, 7, 0)`).run(buyerId)
    })
    expect(check(rig).problems).toEqual([
      'job job_1: its refund is not what its buyer paid',
      'incidents cost 0, the refunds make 7',
    ])
    rig.context.db.close()
  })
})

describe('many at once', () => {
  it('are paid back batch by batch; what cost nothing is only forgotten', () => {
    const rig = settleRig()
    rig.freeHolds(501)
    const { db } = rig.context
    db.tx((write) => {
      for (let seq = 1; seq <= 501; seq += 1) insertUndelivered(write, `job_${seq}`, 0)
    })
    expect(refundUndelivered(rig.context)).toBe(0)
    expect([waiting(db), incidents(rig)]).toEqual([[], 0n])
    expect(db.read.prepare('SELECT count(*) AS n FROM refunds').get()).toEqual({ n: 0 })
    db.close()
  })
})

describe('a settled job', () => {
  it.each([
    ['whose buyer waits behind HTTP', { call: { keyMac: null, bodyMac: 'b' } }, {}, ['job_1']],
    ['whose buyer left', { call: { keyMac: null, bodyMac: 'b' } }, { cancelled: true }, []],
    ['of the practice buyer', {}, {}, []],
  ])('%s', (_name, order, change, left) => {
    const rig = settleRig()
    const job = rig.job('job_1', change)
    Object.assign(job.order, order)
    reserveFor(rig.context, job)
    const { claim, claimSig } = rig.claim(job)
    settleJob(rig.context, job, claim, claimSig)
    expect(waiting(rig.context.db)).toEqual(left)
    rig.context.db.close()
  })

  it('of a call with a key names the last job of it', () => {
    const rig = settleRig()
    const { db } = rig.context
    for (const [jobId, keyMac, bodyMac] of [
      ['job_1', 'k', 'b'],
      ['job_2', 'k', 'b'],
      ['job_3', null, 'b'],
    ] as const) {
      const job = rig.job(jobId)
      job.order.call = { keyMac, bodyMac }
      reserveFor(rig.context, job)
    }
    expect(keyedCall(db.read, 'k')).toEqual({ bodyMac: 'b', jobId: 'job_2' })
    expect(db.read.prepare('SELECT count(*) AS n FROM keyed_calls').get()).toEqual({ n: 1 })
    db.tx((write) => pruneKeyedCalls(write, rig.clock.now()))
    expect(keyedCall(db.read, 'k')).not.toBeNull()
    db.tx((write) => pruneKeyedCalls(write, rig.clock.now() + 1))
    expect(keyedCall(db.read, 'k')).toBeNull()
    db.close()
  })
})

describe('the delivered mark', () => {
  it('rides on the next transaction, and comes by itself after a second', async () => {
    const clock = new FakeClock()
    const { exchange, client: buyer } = await listed({ clock })
    const db = opened(exchange)
    const ask = () => buyer.chat.completions.create({ model: NANO, messages: say('Hi') })
    await ask()
    const [first] = waiting(db)
    expect(first).toMatch(/^job_/)
    await ask()
    // Reserving the second call wrote the first one's mark.
    expect(waiting(db)).toHaveLength(1)
    expect(waiting(db)).not.toContain(first)
    await until('the mark to be on its way', () => clock.waiting > 0)
    await clock.advance(1_000)
    await until('the mark', () => waiting(db).length === 0)
    db.close()
  })

  it('of an answer nobody got is not made: after the end of the exchange its buyer reads of the refund', async () => {
    const clock = new FakeClock()
    const { exchange, supplier, key, client: buyer } = await listed({ clock })
    const leaving = new AbortController()
    let asleep = 0
    let answer = (): void => undefined
    supplier.onJob = (job) => {
      supplier.send({ t: 'job.accept', jobId: job.jobId })
      answer = () => void supplier.answer(job, ['paid for'])
      asleep = clock.waiting
      leaving.abort()
    }
    const lost = buyer.chat.completions.create(
      { model: NANO, messages: say('Hi') },
      { headers: { 'Idempotency-Key': 'k' }, signal: leaving.signal },
    )
    await expect(lost).rejects.toThrow('aborted')
    // A call with a key goes on for a while: the exchange has seen that its client went.
    await until('the grace to run', () => clock.waiting > asleep)
    answer()
    const { receipt } = await supplier.next('job.settled')
    expect(receipt.grossNano).toBeGreaterThan(0)
    await exchange.stop()
    const again = await startTestExchange({ dir: exchange.dir })
    const ask = async (path: string): Promise<{ status: number; body: object }> => {
      const response = await fetch(`${again.url}/v1/${path}`, { headers: { authorization: `Bearer ${key}` } })
      return { status: response.status, body: (await response.json()) as object }
    }
    const { jobId } = receipt.claim
    expect(await ask('balance')).toMatchObject({
      status: 200,
      body: {
        unit: 'PCR',
        scale: 9,
        credit: 1_000_000_000_000,
        reserved: 0,
        refunds: [{ job: jobId, amount: receipt.grossNano, reason: 'answer_lost' }],
      },
    })
    expect(await ask(`chat/completions/${jobId}`)).toMatchObject({
      status: 410,
      body: { error: { code: 'answer_paid_back' } },
    })
    expect(balances(exchange, supplier.key.publicKey)).toMatchObject({ held: receipt.sellerNano })
    expect(books(exchange).check()).toMatchObject({ ok: true, problems: [], receipts: 1 })
  })

  it('is made for one who left: he has what he pays for', async () => {
    const { exchange, supplier, client: buyer } = await listed()
    const leaving = new AbortController()
    let job: Parameters<typeof supplier.onJob>[0] | null = null
    supplier.onJob = (given) => {
      job = given
      supplier.send({ t: 'job.accept', jobId: given.jobId })
    }
    const call = buyer.chat.completions.create({ model: NANO, messages: say('Hi') }, { signal: leaving.signal })
    await until('the job', () => job !== null)
    leaving.abort()
    await expect(call).rejects.toThrow('aborted')
    await supplier.next('job.cancel')
    supplier.claim(job!, '', 'cancelled')
    await supplier.next('job.settled')
    const db = opened(exchange)
    expect(waiting(db)).toEqual([])
    db.close()
  })
})
