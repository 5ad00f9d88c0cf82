/** What a sync must not believe: states of jobs it did not ask about, and releases that go ahead of their receipts. */
import { describe, expect, it, onTestFinished } from 'vitest'

import { StokerError } from '#contract/errors.ts'
import type { ExchangeFrame } from '#contract/supplier.ts'

import { Seller } from '../../support/seller.ts'
import { tempDir } from '../../support/temp-dir.ts'
import { onlineSeller } from './online-seller.ts'

type SyncResult = Extract<ExchangeFrame, { t: 'sync.result' }>

const sell = async (made: Seller, count: number): Promise<void> => {
  for (let n = 0; n < count; n += 1) {
    made.exchange.job()
    await made.drain()
  }
}
/** Begins a pass and lets the test change its answer before it comes. */
async function answered(made: Seller, change: (result: SyncResult) => void): Promise<string[]> {
  const compared = made.jobs.compare()
  await made.clock.advance(0)
  for (const frame of made.exchange.queue) if (frame.t === 'sync.result') change(frame)
  await made.drain()
  return (await compared).problems
}

describe('a sync', () => {
  it('ends also when a record cannot be booked, says so, and books it once it can', async () => {
    const made = onlineSeller()
    const { post } = made.books
    Object.assign(made.books, {
      post: () => {
        throw new StokerError('MONEY_RANGE', 'the books are full')
      },
    })
    await sell(made, 1)
    expect(made.jobs.problems().join('\n')).toContain('receipt 1: it could not be booked (MONEY_RANGE)')
    expect((await answered(made, () => undefined)).join('\n')).toContain('it could not be booked (MONEY_RANGE)')
    expect(made.rows('SELECT state FROM jobs')).toEqual([{ state: 'claimed' }])
    Object.assign(made.books, { post })
    expect(await answered(made, () => undefined)).toEqual([])
    expect(made.rows('SELECT state FROM jobs')).toEqual([{ state: 'settled' }])
    expect(made.jobs.problems()).toEqual([])
  })

  it.each(['void', 'unknown', 'pending'] as const)(
    'does not believe %s of a job it did not ask about',
    async (state) => {
      const made = onlineSeller({ engine: { manual: true } })
      const jobId = made.exchange.job()
      made.exchange.deliverAll()
      await answered(made, (result) => {
        result.jobs = [{ jobId, state }]
        expect(made.rows('SELECT state FROM jobs')).toEqual([{ state: 'running' }])
      })
      expect(made.rows('SELECT state FROM jobs')).toEqual([{ state: 'running' }])
    },
  )

  it('names the side that holds more, of receipts and of releases', async () => {
    const made = onlineSeller()
    await sell(made, 2)
    made.exchange.release()
    await made.drain()
    made.exchange.releases.pop()
    made.exchange.receipts.pop()
    expect(await answered(made, () => undefined)).toEqual([
      'we hold 2 receipts, the exchange shows 1',
      'we hold 1 releases, the exchange shows 0',
    ])
  })

  it('of the whole history reports each record that is not the one we hold', async () => {
    const made = onlineSeller()
    await sell(made, 2)
    const damaged = await answered(made, ({ receipts: [first] }) => Object.assign(first!, { sellerNano: 1 }))
    expect(damaged).toEqual(['receipt 1: receipt 1 differs from the one stored'])
  })

  it('takes a release that stands on an earlier page than its receipt once the receipt has come', async () => {
    const made = onlineSeller()
    await sell(made, 4)
    for (let n = 0; n < 4; n += 1) made.exchange.release()
    // Everything is told anew to an empty database: pages of one receipt and three releases.
    const copy = Object.assign(new Seller(tempDir()), { key: made.key })
    onTestFinished(() => copy.close())
    Object.assign(copy.exchange, { key: made.exchange.key })
    copy.exchange.receipts.push(...made.exchange.receipts)
    copy.exchange.releases.push(...made.exchange.releases)
    await copy.restart()
    copy.exchange.online()
    for (let page = 0; copy.exchange.queue.length > 0 && page < 20; page += 1) {
      const [frame] = copy.exchange.queue
      if (frame?.t === 'sync.result' && frame.receipts.length > 1)
        Object.assign(frame, { receipts: frame.receipts.slice(0, 1), more: true })
      copy.exchange.deliver()
      await copy.clock.advance(0)
    }
    expect(copy.rows('SELECT seq FROM releases ORDER BY seq').map(({ seq }) => seq)).toEqual([1, 2, 3, 4])
    expect(copy.jobs.problems()).toEqual([])
    // Each page asks from what is booked: a release that was told too early is no release yet.
    expect(
      copy.exchange.sent.flatMap((frame) =>
        frame.t === 'sync' ? [[frame.afterReceiptSeq, frame.afterReleaseSeq]] : [],
      ),
    ).toEqual([
      [0, 0],
      [1, 1],
      [2, 2],
      [3, 3],
    ])
  })
})
