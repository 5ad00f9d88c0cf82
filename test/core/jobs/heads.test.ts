/**
 * Divergent histories: the exchange says at connect where its chains end, and nothing is offered, asked or given up while
 * that is not what we hold.
 */
import { describe, expect, it } from 'vitest'

import { because } from '#contract/reasons.ts'
import { DAY_MS, MINUTE_MS } from '#contract/time.ts'
import { compareHeads, unjoined, type OwnChains } from '#core/jobs/chain-heads.ts'
import { createLedger } from '#core/ledger/index.ts'
import type { Seller } from '#test/support/seller.ts'

import { onlineSeller } from './online-seller.ts'

const NONE = '0'.repeat(64)
/** Records are named by a letter; number 0 is none. */
const chain = (records: string) => ({
  seq: records.length,
  hashAt: (seq: number): string | null => (seq === 0 ? NONE : (records[seq - 1] ?? null)),
})
const own = (receipts: string, releases = ''): OwnChains => ({ receipts: chain(receipts), releases: chain(releases) })
const head = (records: string) => ({ seq: records.length, hash: records.at(-1) ?? NONE })
const heads = (receipts: string, releases = '') => ({ receipts: head(receipts), releases: head(releases) })

describe('heads of two chains', () => {
  it.each([
    ['abc', 'abc', 'same'],
    ['', '', 'same'],
    ['ab', 'abc', 'behind'],
    ['', 'a', 'behind'],
    // Whether it joins is seen by the sync.
    ['ab', 'xyz', 'behind'],
    ['abc', 'ab', 'history.exchangeOlder'],
    ['abc', '', 'history.exchangeEmpty'],
    ['abc', 'abx', 'history.forked'],
    ['abc', 'ax', 'history.forked'],
  ])('ours %j, the exchange’s %j: %s', (ours, theirs, expected) => {
    const verdict = compareHeads(own(ours), heads(theirs))
    expect(verdict.kind === 'diverged' ? verdict.reason.code : verdict.kind).toBe(expected)
    const releases = compareHeads(own('a', ours), heads('a', theirs))
    const olderOrEmpty = expected === 'history.exchangeOlder' || expected === 'history.exchangeEmpty'
    expect(releases.kind === 'diverged' ? releases.reason.code : releases.kind).toBe(
      olderOrEmpty ? 'history.releasesOlder' : expected,
    )
  })

  it('after a sync what was said at connect is part of ours, or the two do not join', () => {
    expect(unjoined(own('abcd'), heads('abc'))).toBeNull()
    expect(unjoined(own('ab'), heads('abc'))).toMatchObject({ code: 'history.unjoined' })
    expect(unjoined(own('abx'), heads('abc'))).toMatchObject({ code: 'history.unjoined' })
    expect(unjoined(own('a', 'r'), heads('a', 's'))).toMatchObject({ code: 'history.unjoined' })
  })
})

async function sold(count: number): Promise<Seller> {
  const made = onlineSeller({ protocol: 2 })
  for (let n = 0; n < count; n += 1) {
    made.exchange.job()
    await made.drain()
  }
  expect(made.jobs.hold()).toBeNull()
  return made
}
const again = (made: Seller): void => {
  made.exchange.offline()
  made.exchange.online()
}
const checked = async (made: Seller) => {
  const checking = createLedger(made.context, made.jobs).check()
  await made.drain()
  return checking
}

describe('a seller of protocol 2', () => {
  it('sells, and holds receipts of version 2 under claims of version 2', async () => {
    const made = await sold(2)
    expect(made.exchange.receipts.map(({ v, claim, seq }) => [v, claim.v, seq])).toEqual([
      [2, 2, 1],
      [2, 2, 2],
    ])
    made.exchange.release()
    await made.drain()
    again(made)
    await made.drain()
    expect(made.jobs.hold()).toBeNull()
    expect(await checked(made)).toMatchObject({ ok: true, receipts: 2, comparedWithExchange: true })
  })

  it('goes on with a chain that began under version 1', async () => {
    const made = onlineSeller()
    made.exchange.job()
    await made.drain()
    made.exchange.protocol = 2
    await made.restart()
    made.exchange.online()
    await made.drain()
    made.exchange.job()
    await made.drain()
    expect(made.exchange.receipts.map(({ v }) => v)).toEqual([1, 2])
    expect(await checked(made)).toMatchObject({ ok: true, receipts: 2 })
  })

  it('with an exchange put back from an older copy: holds at once, asks nothing, keeps its claims, and says what to do', async () => {
    const made = await sold(3)
    made.exchange.job()
    made.exchange.deliver()
    for (let turn = 0; turn < 40 && made.exchange.receipts.length === 3; turn += 1) await made.clock.advance(10)
    // The answer to the fourth claim is lost, and with it the last two records of the exchange.
    made.exchange.queue = []
    const lost = made.exchange.receipts.splice(2)
    for (const { claim } of lost) made.exchange.jobs.delete(claim.jobId)
    const sent = made.exchange.sent.length
    const told: string[] = []
    Object.assign(made.context.host, { notify: (title: string, body: string) => told.push(`${title}: ${body}`) })
    again(made)
    await made.drain()
    expect(made.jobs.hold()).toMatchObject({
      code: 'history.diverged',
      params: { reason: because('history.exchangeOlder', { ours: 3, theirs: 2 }), unit: 'PCR' },
    })
    expect(made.exchange.sent).toHaveLength(sent)
    expect(made.rows(`SELECT count(*) AS n FROM jobs WHERE state = 'claimed'`)).toEqual([{ n: 1 }])
    expect(told).toHaveLength(1)
    const { ok, problems } = await checked(made)
    expect(ok).toBe(false)
    expect(problems.join('\n')).toMatch(/ends? at receipt 2 and ours at 3.*Ways on/)
    // The newer copy is put back: all goes on, and the claim is paid.
    made.exchange.receipts.push(...lost)
    for (const receipt of lost)
      made.exchange.jobs.set(receipt.claim.jobId, {
        state: 'settled',
        price: receipt.grossNano as never,
        receipt,
        exam: false,
        input: 1,
      })
    again(made)
    await made.drain()
    expect(made.jobs.hold()).toBeNull()
    expect(await checked(made)).toMatchObject({ ok: true, receipts: 4 })
  })

  it('with an exchange that lost its books and kept its key: holds', async () => {
    const made = await sold(2)
    made.exchange.receipts.length = 0
    again(made)
    await made.drain()
    expect(made.jobs.hold()).toMatchObject({ params: { reason: { code: 'history.exchangeEmpty' } } })
  })

  it('that is behind holds until the sync has shown that all of it joins', async () => {
    const made = await sold(1)
    made.exchange.offline()
    const [receipt] = made.exchange.receipts
    // A release that never reached us.
    made.exchange.releases.push({
      seq: 1,
      jobId: receipt!.claim.jobId,
      amountNano: receipt!.sellerNano,
      at: made.exchange.now,
    })
    let changes = 0
    made.jobs.onHold(() => (changes += 1))
    made.exchange.online()
    expect(made.jobs.hold()).toEqual(because('history.catchingUp'))
    await made.drain()
    expect(made.jobs.hold()).toBeNull()
    expect(changes).toBe(1)
    expect(made.balance('asset:available').net).toBe(receipt!.sellerNano)
  })

  it('whose folder went on from an older copy elsewhere: what does not join holds', async () => {
    const made = await sold(2)
    made.exchange.says = (real) => ({ ...real, receipts: { seq: 3, hash: 'f'.repeat(64) } })
    again(made)
    await made.drain()
    expect(made.jobs.hold()).toMatchObject({ params: { reason: { code: 'history.unjoined' } } })
  })

  it('whose clock is a day and more away from the exchange’s holds, and goes on when it is set', async () => {
    const made = await sold(1)
    made.exchange.clockApartMs = -25 * 3_600_000
    again(made)
    await made.drain()
    expect(made.jobs.hold()).toEqual(because('history.clocksApart', { hours: 25 }))
    made.exchange.clockApartMs = 0
    again(made)
    await made.drain()
    expect(made.jobs.hold()).toBeNull()
  })

  it.each([
    ['behind', -1, 'history.clockBehind'],
    ['ahead', 1, 'history.clockAhead'],
  ])(
    'whose clock is 20 minutes %s, and that could not read what was settled meanwhile, says so; set, it is read and goes on',
    async (_which, sign, code) => {
      const made = await sold(1)
      made.exchange.offline()
      const [receipt] = made.exchange.receipts
      const { jobId } = receipt!.claim
      // Dated further ahead of ours than is booked, whoever is wrong; not any more in 20 minutes.
      const at = made.clock.now() + DAY_MS + 10 * MINUTE_MS
      made.exchange.releases.push({ seq: 1, jobId, amountNano: receipt!.sellerNano, at })
      made.exchange.clockApartMs = sign * 20 * MINUTE_MS
      made.exchange.online()
      await made.drain()
      expect(made.jobs.hold()).toEqual(because(code as 'history.clockAhead', { minutes: 20 }))
      let changes = 0
      made.jobs.onHold(() => (changes += 1))
      // The same session goes on: nothing but the clock changed.
      made.clock.jump(20 * MINUTE_MS)
      made.exchange.clockApartMs = 0
      made.exchange.online(false)
      await made.drain()
      expect(made.jobs.hold()).toBeNull()
      expect(changes).toBeGreaterThan(0)
      expect(made.balance('asset:available').net).toBe(receipt!.sellerNano)
    },
  )

  it('whose clock is apart and whose history does not join: the clock first, and once it is set what is wrong', async () => {
    const made = await sold(2)
    made.exchange.says = (real) => ({ ...real, receipts: { seq: 3, hash: 'f'.repeat(64) } })
    made.exchange.clockApartMs = 3 * MINUTE_MS
    again(made)
    await made.drain()
    expect(made.jobs.hold()).toEqual(because('history.clockAhead', { minutes: 3 }))
    made.exchange.clockApartMs = 0
    made.exchange.online(false)
    await made.drain()
    expect(made.jobs.hold()).toMatchObject({ params: { reason: { code: 'history.unjoined' } } })
  })
})
