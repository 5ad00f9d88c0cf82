import { describe, it, expect, onTestFinished } from 'vitest'

import { brandId, type DeploymentId } from '#contract/ids.ts'
import { onePrice, nanoPerMtok } from '#contract/money.ts'
import { because } from '#contract/reasons.ts'
import type { SupplierFrame } from '#contract/supplier.ts'
import { createListings, type Listings } from '#core/listings/index.ts'
import type { FakeEngineOptions } from '#test/support/fake-engine.ts'
import { inEnglish } from '#test/support/in-english.ts'

import { FAKE_SPEC, NANO_INSTRUMENT } from '../../support/fake-exchange.ts'
import { settle } from '../../support/fake-clock.ts'
import { DEPLOYMENT, MODEL, Seller } from '../../support/seller.ts'
import { tempDir } from '../../support/temp-dir.ts'

function setup(folder = tempDir(), qualified = true, engine: FakeEngineOptions = {}, protocol: 1 | 2 = 1) {
  let current: Listings | null = null
  const seller = new Seller(folder, { engine, protocol, routeOf: (instrument) => current?.routeOf(instrument) ?? null })
  const make = (): Listings => {
    const listings = createListings(seller.context, {
      deployments: seller.deployments,
      jobs: () => seller.jobs,
      specOf: (instrument) => (instrument === NANO_INSTRUMENT ? FAKE_SPEC : null),
      qualifications: () =>
        qualified
          ? [
              {
                instrument: NANO_INSTRUMENT,
                deploymentId: DEPLOYMENT,
                sha256: MODEL,
                examId: 'exam_1',
                specVersion: 1,
                validUntil: 9e12,
                slots: null,
              },
            ]
          : [],
    })
    current = listings
    listings.start()
    onTestFinished(() => listings.stop())
    return listings
  }
  onTestFinished(() => seller.close())
  const listings = make()
  seller.exchange.online()
  seller.exchange.deliverAll()
  const offers = (): Extract<SupplierFrame, { t: 'offer' }>[] =>
    seller.exchange.sent.filter((frame) => frame.t === 'offer')
  const withdrawals = (): number => seller.exchange.sent.filter((frame) => frame.t === 'withdraw').length
  const accept = async (): Promise<void> => {
    await settle()
    seller.exchange.push({ t: 'offer.accepted', instrument: NANO_INSTRUMENT })
    seller.exchange.deliverAll()
  }
  const refuse = async (): Promise<void> => {
    await settle()
    seller.exchange.push({
      t: 'offer.refused',
      instrument: NANO_INSTRUMENT,
      error: { code: 'NOT_QUALIFIED', message: 'sit the exam first', data: {} },
    })
    seller.exchange.deliverAll()
  }
  const list = async (ask = 5): Promise<void> => {
    const listed = listings.list(NANO_INSTRUMENT, DEPLOYMENT, onePrice(nanoPerMtok(ask)))
    await accept()
    await listed
  }
  return { seller, listings, make, offers, withdrawals, accept, refuse, list, state: () => listings.all()[0]?.state }
}

describe('listings', () => {
  it('offers with the grade’s bounds and is listed once the exchange accepts', async () => {
    const { list, offers, state } = setup()
    await list()
    expect(offers()).toMatchObject([
      { askNanoPerMtok: 5, slots: 2, contextTokens: 128, maxOutputTokens: 64, identity: { sha256: MODEL } },
    ])
    expect(state()).toBe('listed')
  })

  it('shows what the exchange says about an offer beside the listing: an ask nobody pays must not wait in silence', async () => {
    const { list, listings, seller } = setup()
    await list()
    seller.exchange.push({
      t: 'notice',
      level: 'act-soon',
      text: 'the practice buyer pays at most 20',
      instrument: NANO_INSTRUMENT,
    })
    seller.exchange.deliverAll()
    expect(inEnglish(listings.all())).toMatchObject([{ state: 'listed', reason: 'the practice buyer pays at most 20' }])
  })

  it('offers nothing to an exchange with another history, says why and what is at stake, and goes on when it is mended', async () => {
    const { list, listings, seller, offers, state } = setup(tempDir(), true, {}, 2)
    await list()
    expect(state()).toBe('listed')
    seller.exchange.says = (heads) => ({ ...heads, receipts: { seq: 0, hash: 'e'.repeat(64) } })
    seller.exchange.offline()
    seller.exchange.online()
    seller.exchange.deliverAll()
    expect(listings.all()).toMatchObject([{ state: 'waiting', reason: { code: 'history.diverged' } }])
    expect(offers()).toHaveLength(1)
    seller.exchange.says = null
    seller.exchange.offline()
    seller.exchange.online()
    seller.exchange.deliverAll()
    expect(offers()).toHaveLength(2)
  })

  it('offers only once what was missed has been read', async () => {
    const { list, listings, seller, offers } = setup(tempDir(), true, {}, 2)
    await list(1_000_000)
    seller.exchange.job()
    await seller.drain()
    seller.exchange.offline()
    // Settled there, and the release never reached us.
    seller.exchange.release()
    seller.exchange.online()
    expect(listings.all()).toMatchObject([{ state: 'waiting', reason: because('history.catchingUp') }])
    expect(offers()).toHaveLength(1)
    await seller.drain()
    expect(offers()).toHaveLength(2)
  })

  it('lets ten notices an hour through to the desktop, and none twice, however many an exchange sends', async () => {
    const { list, seller } = setup()
    const told: string[] = []
    Object.assign(seller.context.host, { notify: (_title: string, body: string) => told.push(body) })
    await list()
    for (let n = 0; n < 2_000; n += 1) seller.exchange.push({ t: 'notice', level: 'act-now', text: `act ${n >> 1}` })
    while (seller.exchange.deliver());
    expect(told).toEqual(Array.from({ length: 10 }, (_, n) => `act ${n}`))
    await seller.clock.advance(3_600_000)
    seller.exchange.push({ t: 'notice', level: 'act-now', text: 'act 0' })
    seller.exchange.deliverAll()
    expect(told).toHaveLength(11)
  })

  it('keeps the old ask good for a moment after a new one, and no longer', async () => {
    const { list, listings, seller } = setup()
    await list(5)
    await list(7)
    expect(listings.routeOf(NANO_INSTRUMENT)?.prices).toEqual([7, 5].map((ask) => onePrice(nanoPerMtok(ask))))
    await seller.clock.advance(11_000)
    expect(listings.routeOf(NANO_INSTRUMENT)?.prices).toEqual([onePrice(nanoPerMtok(7))])
  })

  it('asks of three prices are refused where the venue has one, before anything is stored', async () => {
    const { listings, offers } = setup()
    const apart = { ...onePrice(nanoPerMtok(5)), cachedInput: nanoPerMtok(1) }
    await expect(listings.list(NANO_INSTRUMENT, DEPLOYMENT, apart)).rejects.toMatchObject({ code: 'PRICE_UNEQUAL' })
    expect([listings.all(), offers()]).toEqual([[], []])
  })

  it('a refusal leaves the listing as it was: none, or the old ask offered again', async () => {
    const { list, listings, refuse, offers } = setup()
    const first = listings.list(NANO_INSTRUMENT, DEPLOYMENT, onePrice(nanoPerMtok(5)))
    await Promise.all([expect(first).rejects.toMatchObject({ code: 'NOT_QUALIFIED' }), refuse()])
    expect(listings.all()).toEqual([])
    await list(5)
    const second = listings.list(NANO_INSTRUMENT, DEPLOYMENT, onePrice(nanoPerMtok(9)))
    await Promise.all([expect(second).rejects.toMatchObject({ code: 'NOT_QUALIFIED' }), refuse()])
    expect(listings.all()).toMatchObject([{ ask: onePrice(nanoPerMtok(5)) }])
    expect(offers().at(-1)).toMatchObject({ askNanoPerMtok: 5 })
  })

  it('keeps what was listed when and at which ask, with the reason where it was not the owner’s wish', async () => {
    const { list, listings, seller, accept, refuse } = setup()
    await list(5)
    await list(7)
    const refused = listings.list(NANO_INSTRUMENT, DEPLOYMENT, onePrice(nanoPerMtok(9)))
    await Promise.all([expect(refused).rejects.toMatchObject({ code: 'NOT_QUALIFIED' }), refuse()])
    listings.pause(NANO_INSTRUMENT)
    const resumed = listings.resume(NANO_INSTRUMENT)
    await accept()
    await resumed
    listings.pauseAll(because('listing.handedBack'))
    listings.withdraw(NANO_INSTRUMENT)
    expect(
      seller
        .rows('SELECT change, ask_nano_per_mtok AS ask, reason FROM listing_history ORDER BY id')
        .map(({ change, ask, reason }) => [change, ask, reason]),
    ).toEqual([
      ['listed', 5, ''],
      ['re-priced', 7, ''],
      ['re-priced', 9, ''],
      ['re-priced', 7, 'sit the exam first'],
      ['paused', 7, ''],
      ['resumed', 7, ''],
      ['paused', 7, '{"code":"listing.handedBack","params":{}}'],
      ['withdrawn', 7, ''],
    ])
    expect(seller.rows('SELECT DISTINCT instrument, deployment_id, slots FROM listing_history')).toEqual([
      { instrument: NANO_INSTRUMENT, deployment_id: DEPLOYMENT, slots: 2 },
    ])
    for (const sql of ['UPDATE listing_history SET at = 0', 'DELETE FROM listing_history'])
      expect(() => seller.context.realmDb.tx((db) => db.prepare(sql).run())).toThrow(/append only/)
  })

  it('refuses without a pass and without the exchange', async () => {
    const { listings } = setup(tempDir(), false)
    await expect(listings.list(NANO_INSTRUMENT, DEPLOYMENT, onePrice(nanoPerMtok(5)))).rejects.toMatchObject({
      code: 'NOT_QUALIFIED',
    })
    const other = setup()
    other.seller.exchange.offline()
    await expect(other.listings.list(NANO_INSTRUMENT, DEPLOYMENT, onePrice(nanoPerMtok(5)))).rejects.toMatchObject({
      code: 'EXCHANGE_OFFLINE',
    })
  })

  it('refuses another deployment of the examined model: what its settings do was not examined', async () => {
    const { listings, offers } = setup()
    const other = brandId<DeploymentId>('dep_other')
    await expect(listings.list(NANO_INSTRUMENT, other, onePrice(nanoPerMtok(5)))).rejects.toMatchObject({
      code: 'NOT_QUALIFIED',
      reason: { code: 'listing.otherDeployment' },
    })
    expect(offers()).toEqual([])
  })

  it('pause withdraws and refuses jobs, resume offers again', async () => {
    const { list, listings, state, withdrawals, accept } = setup()
    await list()
    listings.pause(NANO_INSTRUMENT)
    expect(inEnglish([state(), withdrawals(), listings.routeOf(NANO_INSTRUMENT)?.closed])).toEqual([
      'paused',
      1,
      'this listing was paused and takes no new jobs',
    ])
    const resumed = listings.resume(NANO_INSTRUMENT)
    await accept()
    expect(await resumed).toMatchObject({ state: 'listed' })
  })

  it('withdraws while the engine is away and offers again when it is back', async () => {
    const { list, seller, state, offers, withdrawals, accept } = setup()
    await list()
    await seller.engine.unload()
    expect([state(), withdrawals()]).toEqual(['waiting', 1])
    await seller.deployments.ensureLoaded(DEPLOYMENT)
    await accept()
    expect([state(), offers().length]).toEqual(['listed', 2])
  })

  it('offers again after a fresh session, not after a resume', async () => {
    const { list, seller, state, offers, accept } = setup()
    await list()
    seller.exchange.offline()
    expect(state()).toBe('waiting')
    seller.exchange.online(false)
    expect([state(), offers().length]).toEqual(['listed', 1])
    seller.exchange.offline()
    seller.exchange.online(true)
    await accept()
    expect([state(), offers().length]).toEqual(['listed', 2])
  })

  it('is found again after a restart, and gone after a withdrawal', async () => {
    const { list, listings, seller, make } = setup()
    await list(6)
    listings.stop()
    await seller.restart()
    const again = make()
    seller.exchange.online()
    expect(again.all()).toMatchObject([{ ask: onePrice(nanoPerMtok(6)), state: 'waiting' }])
    expect(again.withdraw(NANO_INSTRUMENT)).toBe(true)
    expect([again.all(), again.withdraw(NANO_INSTRUMENT)]).toEqual([[], false])
  })

  it('counts listed time and the connected part of it', async () => {
    const { list, listings, seller } = setup()
    await list()
    await seller.clock.advance(60_000)
    seller.exchange.offline()
    await seller.clock.advance(60_000)
    expect(listings.connectedShare(0)).toBeCloseTo(0.5, 1)
    // A machine that slept neither listed nor failed to be connected.
    seller.clock.jump(3_600_000)
    await seller.clock.advance(10_000)
    expect(seller.rows('SELECT sum(listed_ms) AS ms FROM listing_quarter')[0]!['ms']).toBeLessThan(140_000)
  })
})
