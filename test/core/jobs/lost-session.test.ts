import { describe, it, expect, onTestFinished } from 'vitest'

import type { JobId } from '#contract/ids.ts'
import { Seller } from '#test/support/seller.ts'
import { tempDir } from '#test/support/temp-dir.ts'

import { jobRow, onlineSeller } from './online-seller.ts'

describe('after a lost session', () => {
  it('resends an unanswered claim and is paid once', async () => {
    const made = onlineSeller()
    const jobId = made.exchange.job()
    made.exchange.deliver()
    await made.clock.advance(0)
    for (let turn = 0; turn < 40 && made.exchange.receipts.length === 0; turn += 1) await made.clock.advance(10)
    // The exchange settled, but its answer was lost with the session.
    await made.restart()
    made.exchange.online()
    await made.drain()
    expect(jobRow(made, jobId)).toMatchObject({ state: 'settled' })
    expect(made.exchange.receipts).toHaveLength(1)
    expect(made.rows('SELECT count(*) AS n FROM outbox WHERE done_at IS NULL')).toEqual([{ n: 0 }])
  })

  it('sends a claim that was committed but never sent', async () => {
    const made = onlineSeller()
    made.exchange.keepsPending = true
    const jobId = made.exchange.job()
    made.killAt(1, 'after')
    await made.drain()
    expect([made.dead, made.exchange.receipts.length]).toEqual([true, 0])
    await made.restart()
    made.exchange.online()
    await made.drain()
    expect(jobRow(made, jobId)).toMatchObject({ state: 'settled' })
  })

  it('stops jobs the exchange gave up, and voids them', async () => {
    const made = onlineSeller({ engine: { manual: true } })
    const jobId = made.exchange.job()
    made.exchange.deliverAll()
    expect(made.jobs.live()).toMatchObject([{ jobId, exam: false }])
    made.exchange.offline()
    made.exchange.online()
    expect(made.jobs.live()).toEqual([])
    await made.drain()
    expect(jobRow(made, jobId)).toMatchObject({ state: 'void' })
  })

  it('keeps serving through a resumed session', async () => {
    const made = onlineSeller({ engine: { manual: true } })
    const jobId = made.exchange.job()
    made.exchange.deliverAll()
    made.exchange.offline()
    made.exchange.online(false)
    made.engine.release(jobId)
    await made.drain()
    expect(jobRow(made, jobId)).toMatchObject({ state: 'settled' })
  })

  it('pages through a long history and takes receipts of jobs it has no row of (a restored copy)', async () => {
    const made = onlineSeller()
    for (let n = 0; n < 8; n += 1) {
      made.exchange.job({ content: `job number ${n}` })
      await made.drain()
      made.exchange.release()
    }
    await made.drain()
    const fresh = new Seller(tempDir())
    onTestFinished(() => fresh.close())
    const copy = Object.assign(fresh, { key: made.key })
    Object.assign(copy.exchange, { key: made.exchange.key })
    copy.exchange.receipts.push(...made.exchange.receipts)
    copy.exchange.releases.push(...made.exchange.releases)
    await copy.restart()
    copy.exchange.online()
    await copy.drain()
    expect(copy.balance('asset:available')).toEqual(made.balance('asset:available'))
    expect(copy.rows(`SELECT count(*) AS n FROM jobs WHERE state = 'settled'`)).toEqual([{ n: 8 }])
    expect(copy.books.check(copy.context.realmDb.read)).toMatchObject({ ok: true })
  })

  it.each(['settled', 'void'] as const)(
    'a claim past its expiry by our clock is asked about, and is what the exchange says: %s',
    async (state) => {
      const made = onlineSeller()
      const jobId: JobId = made.exchange.job()
      made.exchange.deliver()
      for (let turn = 0; turn < 40 && made.exchange.receipts.length === 0; turn += 1) await made.clock.advance(10)
      made.exchange.queue = []
      if (state === 'void') {
        made.exchange.receipts.length = 0
        made.exchange.jobs.get(jobId)!.state = 'void'
      }
      made.clock.jump(8 * 86_400_000)
      await made.clock.advance(60_000)
      expect(jobRow(made, jobId)).toMatchObject({ state: 'claimed' })
      await made.drain()
      expect(jobRow(made, jobId)).toMatchObject({ state })
      expect(made.balance('asset:held').pending).toBe(0)
      expect(made.balance('asset:held').net > 0).toBe(state === 'settled')
    },
  )

  it('a claim does not end by our clock while the exchange is away, however long', async () => {
    const made = onlineSeller()
    const jobId: JobId = made.exchange.job()
    made.exchange.deliver()
    for (let turn = 0; turn < 40 && made.exchange.receipts.length === 0; turn += 1) await made.clock.advance(10)
    made.exchange.offline()
    made.clock.jump(800 * 86_400_000)
    await made.clock.advance(120_000)
    expect(jobRow(made, jobId)).toMatchObject({ state: 'claimed' })
  })

  it('compares the whole history with the exchange and names a difference', async () => {
    const made = onlineSeller()
    for (let n = 0; n < 7; n += 1) {
      made.exchange.job()
      await made.drain()
    }
    const equal = made.jobs.compare()
    await made.drain()
    expect(await equal).toMatchObject({ receipts: 7, problems: [] })
    made.exchange.receipts.pop()
    const differs = made.jobs.compare()
    await made.drain()
    expect((await differs).problems).toEqual(['we hold 7 receipts, the exchange shows 6'])
  })
})
