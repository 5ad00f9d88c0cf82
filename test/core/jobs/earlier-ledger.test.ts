/** Jobs of a ledger that version 0.1 wrote, under its transfer ids, go on after the upgrade. */
import { describe, expect, it, onTestFinished } from 'vitest'

import { createBooks } from '#books/books.ts'
import { createLedger } from '#core/ledger/index.ts'
import { earlierBooks, SELLER_WORDS } from '#test/support/earlier-books.ts'
import { Seller } from '#test/support/seller.ts'
import { tempDir } from '#test/support/temp-dir.ts'

function sellerOfBefore(): Seller {
  const made = new Seller(tempDir())
  onTestFinished(() => made.close())
  Object.assign(made.books, earlierBooks(SELLER_WORDS))
  made.exchange.online()
  made.exchange.deliverAll()
  return made
}

/** The same database under today's code. */
async function upgrade(made: Seller): Promise<void> {
  Object.assign(made.books, createBooks())
  await made.restart()
}
const claimed = async (made: Seller): Promise<string> => {
  const jobId = made.exchange.job()
  made.exchange.deliver()
  for (let turn = 0; turn < 40 && made.exchange.receipts.length === 0; turn += 1) await made.clock.advance(10)
  expect(made.rows('SELECT state FROM jobs')).toEqual([{ state: 'claimed' }])
  return jobId
}
const ids = (made: Seller): unknown[] => made.rows('SELECT id FROM transfers ORDER BY seq').map(({ id }) => id)
const problems = async (made: Seller): Promise<string[]> => {
  const checking = createLedger(made.context, made.jobs).check()
  await made.drain()
  return (await checking).problems
}

describe('a ledger of before the upgrade', () => {
  it('settles a claim that was pending, exactly once, and releases it', async () => {
    const made = sellerOfBefore()
    await claimed(made)
    expect(ids(made)).toEqual(['claim:job_1'])
    await upgrade(made)
    made.exchange.online()
    await made.drain()
    const { sellerNano } = made.exchange.receipts[0]!
    expect(ids(made)).toEqual(['claim:job_1', 'job_1:post'])
    expect(made.balance('asset:held')).toEqual({ net: sellerNano, pending: 0 })
    expect(made.exchange.release()).toBe(true)
    await made.drain()
    expect(made.balance('asset:available').net).toBe(sellerNano)
    expect(await problems(made)).toEqual([])
  })

  it('voids a claim that was pending', async () => {
    const made = sellerOfBefore()
    const jobId = await claimed(made)
    await upgrade(made)
    made.exchange.jobs.get(jobId)!.state = 'void'
    made.exchange.receipts.length = 0
    made.exchange.online()
    await made.drain()
    expect(made.rows('SELECT state FROM jobs')).toEqual([{ state: 'void' }])
    expect(ids(made)).toEqual(['claim:job_1', 'job_1:void'])
    expect(made.balance('asset:held')).toEqual({ net: 0, pending: 0 })
    expect(await problems(made)).toEqual([])
  })

  it('releases what was settled, and finds its books in order', async () => {
    const made = sellerOfBefore()
    for (let n = 0; n < 2; n += 1) {
      made.exchange.job({ content: 'a longer question, so that a fee is left over of it' })
      await made.drain()
    }
    made.exchange.release()
    await made.drain()
    const before = ids(made)
    expect(before).toEqual(expect.arrayContaining(['claim:job_1', 'settle:job_1', 'release:job_1', 'settle:job_2']))
    await upgrade(made)
    made.exchange.online()
    await made.drain()
    made.exchange.release()
    await made.drain()
    expect(ids(made)).toEqual([...before, 'job_2:release'])
    expect(made.balance('asset:held').net).toBe(0)
    expect(await problems(made)).toEqual([])
  })

  it('still notices an amount that its ledger and its jobs disagree about', async () => {
    const made = sellerOfBefore()
    made.exchange.job()
    await made.drain()
    await upgrade(made)
    made.context.realmDb.tx((db) => db.prepare(`UPDATE jobs SET gross_nano = gross_nano + 1`).run())
    expect(await problems(made)).toContain('job job_1 is settled at other amounts than the accounts moved')
  })
})
