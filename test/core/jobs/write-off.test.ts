/** Money that can never come: given up by its owner, visibly, and taken back when it comes after all. */
import { call } from '@orpc/server'
import { describe, expect, it } from 'vitest'

import type { JobId } from '#contract/ids.ts'
import { createEarnings } from '#core/earnings/index.ts'
import { createLedger } from '#core/ledger/index.ts'
import { ALL_SCOPES } from '#core/os.ts'
import type { Seller } from '#test/support/seller.ts'
import { VENUE } from '#test/support/venue.ts'

import { onlineSeller } from './online-seller.ts'

const OFF = 'expense:written-off'

/** Three receipts, the first one released, and one claim that nobody answered; then the exchange is gone. */
async function left(): Promise<Seller> {
  const made = onlineSeller({ protocol: 2 })
  for (let n = 0; n < 3; n += 1) {
    made.exchange.job()
    await made.drain()
  }
  made.exchange.release()
  await made.drain()
  made.exchange.job()
  made.exchange.deliver()
  for (let turn = 0; turn < 40 && made.exchange.receipts.length === 3; turn += 1) await made.clock.advance(10)
  made.exchange.offline()
  return made
}
const held = (made: Seller) => made.balance('asset:held')
const moneyOf = async (made: Seller, jobId: JobId): Promise<string> =>
  (await call(made.api.get, { venueId: VENUE, jobId }, { context: { scopes: ALL_SCOPES } })).money
const check = async (made: Seller) => {
  const checking = createLedger(made.context, made.jobs).check()
  await made.drain()
  return checking
}
const NO_POWER = {} as Parameters<typeof createEarnings>[1]
/** Rows of the list of held money. */
const shown = (made: Seller): number => createEarnings(made.context, NO_POWER).held().length

describe('writing off', () => {
  it('moves what that exchange holds to an expense, ends the claims that were named, and the books agree', async () => {
    const made = await left()
    const [, second, third] = made.exchange.receipts
    const lost = second!.sellerNano + third!.sellerNano
    expect(held(made)).toEqual({ net: lost, pending: made.exchange.receipts[3]!.grossNano })
    expect(shown(made)).toBe(2)
    const before = made.balance('asset:available').net
    const done = made.jobs.venueKeys.writeOff(made.exchange.key.publicKey, true)
    expect(done).toEqual({ jobs: 2, amountNano: lost, claims: 1 })
    expect([held(made), made.balance(OFF).net]).toEqual([{ net: 0, pending: 0 }, lost])
    expect(made.balance('asset:available').net).toBe(before)
    expect([
      await moneyOf(made, second!.claim.jobId),
      await moneyOf(made, made.exchange.receipts[0]!.claim.jobId),
    ]).toEqual(['written-off', 'available'])
    expect(shown(made)).toBe(0)
    expect(made.rows('SELECT sum(written_off_nano) AS off FROM rollup_quarter')).toEqual([{ off: lost }])
    expect(await check(made)).toMatchObject({
      ok: false,
      problems: [],
      notCompared: [expect.stringContaining('exchange')],
      comparedWithExchange: false,
    })
    expect(made.jobs.venueKeys.writeOff(made.exchange.key.publicKey, true)).toEqual({
      jobs: 0,
      amountNano: 0,
      claims: 0,
    })
  })

  it('leaves claims alone unless they are named, and other exchanges always', async () => {
    const made = await left()
    expect(made.jobs.venueKeys.writeOff('X'.repeat(43) as never, false)).toEqual({ jobs: 0, amountNano: 0, claims: 0 })
    made.jobs.venueKeys.writeOff(made.exchange.key.publicKey, false)
    expect(held(made)).toEqual({ net: 0, pending: made.exchange.receipts[3]!.grossNano })
  })

  it('takes back what the exchange releases after all, and books a claim it settles after all', async () => {
    const made = await left()
    made.jobs.venueKeys.writeOff(made.exchange.key.publicKey, true)
    made.exchange.online()
    await made.drain()
    for (let n = 0; n < 3; n += 1) made.exchange.release()
    await made.drain()
    const all = made.exchange.receipts.reduce((sum, { sellerNano }) => sum + sellerNano, 0)
    expect(made.balance('asset:available').net).toBe(all)
    expect([held(made), made.balance(OFF).net]).toEqual([{ net: 0, pending: 0 }, 0])
    expect(await moneyOf(made, made.exchange.receipts[1]!.claim.jobId)).toBe('available')
    expect(await check(made)).toMatchObject({ ok: true, problems: [], receipts: 4 })
  })

  it('is refused for an exchange that is there with our history, and taken for one that is there with another', async () => {
    const made = await left()
    made.exchange.online()
    await made.drain()
    const key = made.exchange.key.publicKey
    expect(() => made.jobs.venueKeys.writeOff(key, false)).toThrow(expect.objectContaining({ code: 'CONFLICT' }))
    made.exchange.receipts.length = 1
    made.exchange.releases.length = 0
    made.exchange.offline()
    made.exchange.online()
    expect(made.jobs.venueKeys.writeOff(key, false)).toMatchObject({ jobs: 3 })
  })
})
