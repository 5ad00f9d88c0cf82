/**
 * What becomes of accepted work when its listing goes, and how an offer follows what the machine delivers: real
 * listings and jobs, fake engines and clock.
 */
import { said } from '#contract/reasons.ts'
import { describe, it, expect, onTestFinished } from 'vitest'

import { onePrice, nanoPerMtok } from '#contract/money.ts'
import { brandId, type DeploymentId } from '#contract/ids.ts'
import type { Listing } from '#contract/market.ts'
import type { SupplierFrame } from '#contract/supplier.ts'
import { createListings, type Listings } from '#core/listings/index.ts'
import type { FakeEngineOptions } from '#test/support/fake-engine.ts'
import { inEnglish } from '#test/support/in-english.ts'

import { FAKE_SPEC, NANO_INSTRUMENT } from '../../support/fake-exchange.ts'
import { settle } from '../../support/fake-clock.ts'
import { DEPLOYMENT, MODEL, Seller } from '../../support/seller.ts'
import { tempDir } from '../../support/temp-dir.ts'

const OTHER = brandId<DeploymentId>('dep_2')
const MINUTES_10 = 600_000

function setup(engine: FakeEngineOptions = { manual: true }) {
  let listings: Listings | null = null
  const seller = new Seller(tempDir(), {
    engine,
    second: { instrument: 'practice/other', deploymentId: OTHER },
    routeOf: (instrument) => listings?.routeOf(instrument) ?? null,
  })
  const make = (): Listings =>
    createListings(seller.context, {
      deployments: seller.deployments,
      jobs: () => seller.jobs,
      specOf: (instrument) => (instrument === NANO_INSTRUMENT ? FAKE_SPEC : null),
      // Both were examined: a pass is one deployment's.
      qualifications: () =>
        [DEPLOYMENT, OTHER].map((deploymentId) => ({
          instrument: NANO_INSTRUMENT,
          deploymentId,
          sha256: MODEL,
          examId: `exam_${deploymentId}`,
          specVersion: 1,
          validUntil: 9e12,
        })),
    })
  const made = make()
  listings = made
  made.start()
  onTestFinished(() => {
    made.stop()
    seller.close()
  })
  seller.exchange.online()
  seller.exchange.deliverAll()
  const frames = <T extends SupplierFrame['t']>(t: T) =>
    seller.exchange.sent.filter((frame): frame is Extract<SupplierFrame, { t: T }> => frame.t === t)
  const list = async (deploymentId = DEPLOYMENT): Promise<void> => {
    const listed = made.list(NANO_INSTRUMENT, deploymentId, onePrice(nanoPerMtok(1_000_000)))
    await settle()
    seller.exchange.push({ t: 'offer.accepted', instrument: NANO_INSTRUMENT })
    seller.exchange.deliverAll()
    await listed
  }
  const job = (): string => {
    const jobId = seller.exchange.job()
    seller.exchange.deliverAll()
    return jobId
  }
  const shown = (): Listing | undefined => made.all()[0]
  const state = (jobId: string) => seller.rows(`SELECT state FROM jobs WHERE job_id = '${jobId}'`)[0]?.['state']
  return { seller, listings: made, make, list, job, frames, shown, state }
}

describe('a listing that is taken down', () => {
  it.each(['pause', 'withdraw'] as const)(
    'by %s: accepted jobs are finished and settle, new ones are refused, and it says so until then',
    async (how) => {
      const { seller, listings, list, job, frames, shown, state } = setup()
      await list()
      const jobId = job()
      listings[how](NANO_INSTRUMENT)
      expect(frames('withdraw')).toHaveLength(1)
      expect(shown()).toMatchObject({ state: 'paused', draining: { jobs: 1, until: seller.clock.now() + MINUTES_10 } })
      expect(listings.drained()).toBe(false)
      job()
      expect(frames('job.reject')).toMatchObject([{ error: { code: 'CONFLICT' } }])
      seller.engine.release(jobId)
      await seller.drain()
      expect(state(jobId)).toBe('settled')
      expect(seller.exchange.receipts).toHaveLength(1)
      expect(listings.drained()).toBe(true)
      expect(how === 'pause' ? shown()?.draining : shown()).toEqual(how === 'pause' ? null : undefined)
    },
  )

  it('gives accepted jobs ten minutes and no more: what still runs then fails by us, and its buyer pays nothing', async () => {
    const { seller, listings, list, job, frames, shown, state } = setup()
    await list()
    const jobId = job()
    listings.withdraw(NANO_INSTRUMENT)
    await seller.clock.advance(MINUTES_10 - 1)
    expect([state(jobId), shown()?.draining?.jobs]).toEqual(['running', 1])
    await seller.clock.advance(1)
    expect(state(jobId)).toBe('failed')
    expect(frames('job.error')).toMatchObject([{ jobId, error: { code: 'UNAVAILABLE' } }])
    expect(seller.engine.stats().running).toBe(0)
    expect([listings.drained(), listings.all()]).toEqual([true, []])
    expect(seller.balance('asset:held')).toEqual({ net: 0, pending: 0 })
  })

  it('that is resumed in time works on: the ten minutes are off', async () => {
    const { seller, listings, list, job, shown, state } = setup()
    await list()
    const jobId = job()
    listings.pause(NANO_INSTRUMENT)
    await seller.clock.advance(60_000)
    const resumed = listings.resume(NANO_INSTRUMENT)
    await settle()
    seller.exchange.push({ t: 'offer.accepted', instrument: NANO_INSTRUMENT })
    seller.exchange.deliverAll()
    await resumed
    expect(shown()).toMatchObject({ state: 'listed', draining: null })
    await seller.clock.advance(MINUTES_10)
    expect(state(jobId)).toBe('running')
  })

  it('for another deployment: the old one finishes what it has while new jobs go to the new one', async () => {
    const { seller, list, job, shown, state } = setup()
    await list()
    const old = job()
    await list(OTHER)
    expect(shown()).toMatchObject({ state: 'listed', deploymentId: OTHER, draining: { jobs: 1 } })
    const fresh = job()
    expect(seller.engines.made.get(OTHER)!.submitted.map(({ jobId }) => jobId)).toEqual([fresh])
    seller.engine.release(old)
    await seller.drain()
    expect([state(old), shown()?.draining]).toEqual(['settled', null])
  })

  it('for the owner who takes the machine back keeps its reason over a restart', async () => {
    const { listings, make, list, job, frames } = setup()
    await list()
    expect(listings.pauseAll(said('you took the machine back'))).toEqual([NANO_INSTRUMENT])
    expect(listings.pauseAll(said('again'))).toEqual([])
    for (const one of [listings, make()])
      expect(inEnglish(one.all())).toMatchObject([{ state: 'paused', reason: 'you took the machine back' }])
    job()
    expect(frames('job.reject')).toMatchObject([{ error: { message: 'the owner took the machine back' } }])
  })
})

describe('the slots of an offer', () => {
  it('follow the measured rate, and the exchange and the screen hear of it', async () => {
    let perStream: number[] = []
    const { seller, list, job, frames, shown } = setup({
      manual: true,
      answer: () => 'four words of text',
      stats: () => ({ speed: { promptTokensPerSecond: null, perStream } }),
    })
    await list()
    expect([frames('offer').at(-1)!.slots, shown()]).toMatchObject([2, { slots: 2, slotsMax: 2, slotsWhy: null }])
    // One finished job compares the engine's tokens (words here) with the reference's.
    seller.engine.release(job())
    await seller.drain()
    perStream = [40, 5]
    await seller.clock.advance(60_000)
    expect(frames('offer').at(-1)!.slots).toBe(1)
    expect(inEnglish(shown())).toMatchObject({
      state: 'listed',
      slots: 1,
      slotsMax: 2,
      slotsWhy: expect.stringMatching(
        /^1 of 2: with 2 at once each stream gets [\d.]+ tokens\/s and the grade asks 10$/,
      ),
    })
    perStream = [40, 30]
    await seller.clock.advance(60_000)
    expect(frames('offer').map(({ slots }) => slots)).toEqual([2, 1, 2])
    expect(shown()).toMatchObject({ slots: 2, slotsWhy: null })
  })
})
