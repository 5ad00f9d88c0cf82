import Database from 'better-sqlite3'
import { describe, it, expect, onTestFinished } from 'vitest'

import { createLedger } from '#core/ledger/index.ts'

import { Seller } from '../../support/seller.ts'
import { tempDir } from '../../support/temp-dir.ts'

async function sold(): Promise<Seller> {
  const seller = new Seller(tempDir())
  onTestFinished(() => seller.close())
  seller.exchange.online()
  for (let n = 0; n < 3; n += 1) {
    seller.exchange.job()
    await seller.drain()
  }
  seller.exchange.release()
  await seller.drain()
  return seller
}
/** The fake exchange settles in the first quarter hour of the fake clock. */
const DRIFT =
  'the charts of practice/text-nano in the quarter hour from 2026-11-21T12:00 UTC do not add up to its receipts'
const offlineCheck = (seller: Seller) => {
  seller.exchange.offline()
  return createLedger(seller.context, seller.jobs).check()
}

describe('the ledger check', () => {
  it('passes books that are in order, and says that it did not compare them without the exchange', async () => {
    const seller = await sold()
    const checking = createLedger(seller.context, seller.jobs).check()
    await seller.drain()
    expect(await checking).toMatchObject({ ok: true, problems: [], receipts: 3, comparedWithExchange: true })
    expect(await offlineCheck(seller)).toMatchObject({
      ok: false,
      problems: [],
      notCompared: [expect.stringContaining('could not be compared')],
      receipts: 3,
      comparedWithExchange: false,
    })
  })

  it.each([
    [
      'a job’s amount was changed',
      `UPDATE jobs SET seller_nano = seller_nano + 1 WHERE receipt_seq = 2`,
      'receipt 2: its job says otherwise',
    ],
    [
      'a receipt was removed',
      `DROP TRIGGER receipts_no_delete; DELETE FROM receipts WHERE seq = 2`,
      'receipt 3: it does not follow number 1 in the chain',
    ],
    [
      'a receipt was rewritten',
      `DROP TRIGGER receipts_no_update; UPDATE receipts SET json = replace(json, '"feeBps":500', '"feeBps":400') WHERE seq = 1`,
      'receipt 1: it does not have the hash it was stored under',
    ],
    [
      'the last receipt was removed',
      `DROP TRIGGER receipts_no_delete; DELETE FROM receipts WHERE seq = 3`,
      'job job_3 is settled and has no receipt',
    ],
    [
      'two jobs’ amounts were changed so that the sum stays',
      `UPDATE jobs SET gross_nano = gross_nano + 1, seller_nano = seller_nano + 1 WHERE receipt_seq = 2; UPDATE jobs SET gross_nano = gross_nano - 1, seller_nano = seller_nano - 1 WHERE receipt_seq = 3`,
      'job job_2 is settled at other amounts than the accounts moved',
    ],
    [
      'a release was forgotten on its job',
      `UPDATE jobs SET released_at = NULL WHERE receipt_seq = 1`,
      'job job_1 is released otherwise than its release or the accounts say',
    ],
    [
      'a chart shows more than was earned',
      `UPDATE rollup_quarter SET gross_nano = gross_nano + 1, seller_nano = seller_nano + 1`,
      DRIFT,
    ],
    ['a chart shows tokens nobody bought', `UPDATE rollup_quarter SET output_tokens = output_tokens + 1`, DRIFT],
    ['a chart books a job on another deployment', `UPDATE rollup_quarter SET deployment_id = 'dep_other'`, DRIFT],
    ['a chart lost a quarter hour', `DELETE FROM rollup_quarter`, DRIFT],
    [
      'a chart shows a quarter hour that never was',
      `INSERT INTO rollup_quarter (quarter_ms, instrument, sha256, deployment_id, jobs) VALUES (0, 'practice/other', '', '', 1)`,
      DRIFT.replace('text-nano', 'other').replace('2026-11-21T12', '1970-01-01T00'),
    ],
  ])('finds that %s', async (_name, sql, problem) => {
    const seller = await sold()
    const raw = new Database(seller.path)
    raw.exec(sql)
    raw.close()
    expect((await offlineCheck(seller)).problems).toContain(problem)
  })

  it('is backed by tables that refuse to change history', async () => {
    const seller = await sold()
    const raw = new Database(seller.path)
    for (const sql of [
      'UPDATE releases SET at = 0',
      'DELETE FROM releases',
      'UPDATE receipts SET json = json',
      'DELETE FROM receipts',
    ])
      expect(() => raw.exec(sql)).toThrow(/append only/)
    raw.close()
  })
})
