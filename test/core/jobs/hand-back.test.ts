/**
 * The owner takes the machine back: what happens to each kind of work, what it cost, and that nothing goes on by
 * itself. Fake engines and clock; the processes themselves are test/load's.
 */
import { describe, it, expect, onTestFinished } from 'vitest'

import { onePrice, nanoPerMtok } from '#contract/money.ts'
import { inputTokens } from '#contract/bytes4.ts'
import type { SupplierFrame } from '#contract/supplier.ts'
import type { FakeEngineOptions } from '#test/support/fake-engine.ts'
import { inEnglish } from '#test/support/in-english.ts'
import { createHandBack } from '#core/jobs/hand-back.ts'

import { Seller } from '../../support/seller.ts'
import { tempDir } from '../../support/temp-dir.ts'
import { VENUE } from '#test/support/venue.ts'

function setup(engine: FakeEngineOptions = { manual: true }) {
  const seller = new Seller(tempDir(), {
    engine,
    price: 1_000_000_000,
    exams: {
      route: () => ({
        deploymentId: 'dep_1',
        sha256: 'a'.repeat(64),
        specVersion: 1,
        prices: [onePrice(nanoPerMtok(0))],
        bounds: null,
        closed: null,
      }),
    },
  })
  onTestFinished(() => seller.close())
  seller.exchange.online()
  seller.exchange.deliverAll()
  const said: string[] = []
  const world = { exam: false, wanted: false, drained: true, diskFull: false }
  const { handBack } = createHandBack(seller.context, {
    venues: [
      {
        context: seller.context,
        jobs: seller.jobs,
        listings: {
          pauseAll: (why) => (said.push(`paused: ${inEnglish(why)}`), ['practice/text-nano']),
          wanted: () => world.wanted,
          drained: () => world.drained,
        },
        exams: { examining: () => (world.exam ? 'dep_1' : null), giveUp: () => void said.push('exams cancelled') },
      },
    ],
    deployments: {
      ...seller.deployments,
      async endAll() {
        const ids = [...seller.engines.made.keys()]
        said.push(`ended with ${seller.jobs.live().length} jobs`)
        for (const id of ids) await seller.engines.release(id)
        return ids
      },
    },
    remember() {
      if (world.diskFull) throw new Error('disk full')
      said.push('remembered')
    },
  })
  const job = (options: Parameters<Seller['exchange']['job']>[0] = {}): string => {
    const jobId = seller.exchange.job({ price: 1_000_000_000, reserveNano: 1_000_000_000, ...options })
    seller.exchange.deliverAll()
    return jobId
  }
  const errors = () =>
    seller.exchange.sent
      .filter((frame): frame is Extract<SupplierFrame, { t: 'job.error' }> => frame.t === 'job.error')
      .map(({ jobId, error }) => [jobId, error.code])
  const states = () =>
    Object.fromEntries(seller.rows('SELECT job_id, state FROM jobs').map((row) => [row['job_id'], row['state']]))
  return { seller, handBack, said, world, job, errors, states }
}
const input = inputTokens([{ role: 'user', content: 'hello there' }])

describe('the machine now', () => {
  it('sends back what has not begun, fails what streams, says what that would have earned, and ends the engines last', async () => {
    const { seller, handBack, said, job, errors, states } = setup()
    const [begun, waiting] = [job(), job()]
    // One word is out: `FAKE`, one reference token.
    seller.engine.release(begun)
    const result = await handBack('now')
    const tokens = input + 1
    expect(result).toEqual({
      tookMs: 0,
      unloaded: 1,
      handedOff: 1,
      failed: 1,
      lostTokens: tokens,
      notEarned: [{ venueId: VENUE, currency: 'PCR', sellerNano: tokens * 1_000 * 0.95 }],
      paused: ['practice/text-nano'],
    })
    // ENGINE_NOT_LOADED before the first delta: the exchange asks another supplier and holds it against none.
    expect(errors()).toEqual([
      [begun, 'UNAVAILABLE'],
      [waiting, 'ENGINE_NOT_LOADED'],
    ])
    expect(states()).toEqual({ [begun]: 'failed', [waiting]: 'failed' })
    expect(said).toEqual(['paused: you took the machine back', 'exams cancelled', 'remembered', 'ended with 0 jobs'])
    await seller.drain()
    expect(seller.balance('asset:held')).toEqual({ net: 0, pending: 0 })
  })

  it('ends the engines also where it cannot be stored that the machine was given back: the jobs are gone by then', async () => {
    const { handBack, said, world, job } = setup()
    job()
    world.diskFull = true
    expect(await handBack('now')).toMatchObject({ unloaded: 1, handedOff: 1 })
    expect(said.at(-1)).toBe('ended with 0 jobs')
  })

  it('claims what a buyer had left: that is paid, not lost', async () => {
    const { seller, handBack, job, states } = setup()
    const jobId = job()
    seller.engine.release(jobId)
    seller.exchange.push({ t: 'job.cancel', jobId: jobId as never, reason: 'buyer' })
    seller.exchange.deliver()
    expect(await handBack('now')).toMatchObject({ handedOff: 0, failed: 0, notEarned: [] })
    await seller.drain()
    expect(states()).toEqual({ [jobId]: 'settled' })
  })

  it('counts nothing lost of a job that had missed its deadline already', async () => {
    const { seller, handBack, job } = setup()
    const jobId = job()
    seller.engine.release(jobId)
    seller.exchange.push({ t: 'job.cancel', jobId: jobId as never, reason: 'deadline' })
    seller.exchange.deliver()
    expect(await handBack('now')).toMatchObject({ handedOff: 0, failed: 0, notEarned: [], lostTokens: 0 })
  })

  it('hands off a job that waits behind exam calls in every slot, and ends those without a word of theirs in the books', async () => {
    const { seller, handBack, job, errors, states } = setup()
    for (let n = 0; n < 2; n += 1)
      job({ examId: 'exam_1', itemId: `load-slots/1/${n}`, price: 0, content: 'zebraquestion' })
    const jobId = job()
    expect(await handBack('now')).toMatchObject({ handedOff: 1, failed: 0, notEarned: [], unloaded: 1 })
    expect(errors().find(([id]) => id === jobId)).toEqual([jobId, 'ENGINE_NOT_LOADED'])
    expect([seller.jobs.live(), states()]).toEqual([[], { [jobId]: 'failed' }])
    expect(JSON.stringify(seller.rows('SELECT * FROM jobs'))).not.toContain('zebraquestion')
  })

  it('counts no exam call, and works while the exchange is away', async () => {
    const { seller, handBack, job, errors } = setup()
    job({ examId: 'exam_1', itemId: 'arith/1/0', price: 0 })
    const jobId = job()
    seller.exchange.offline()
    expect(await handBack('now')).toMatchObject({ handedOff: 1, failed: 0, unloaded: 1 })
    expect(errors()).toEqual([])
    expect(seller.rows('SELECT job_id, state FROM jobs')).toEqual([{ job_id: jobId, state: 'failed' }])
  })
})

describe('the machine when the work is done', () => {
  it('waits for jobs, drains, the exam and the owner’s own requests, then unloads', async () => {
    const own = { running: 1 }
    const { seller, handBack, said, world, job, states } = setup({
      manual: true,
      stats: () => ({ queued: own.running }),
    })
    const jobId = job()
    Object.assign(world, { exam: true, drained: false })
    const done = handBack('finish')
    const ended = (): boolean => said.some((line) => line.startsWith('ended'))
    await seller.clock.advance(1_000)
    seller.engine.release(jobId)
    await seller.drain()
    await seller.clock.advance(1_000)
    expect([states(), ended()]).toEqual([{ [jobId]: 'settled' }, false])
    world.exam = false
    await seller.clock.advance(1_000)
    world.drained = true
    await seller.clock.advance(1_000)
    expect(ended()).toBe(false)
    own.running = 0
    await seller.clock.advance(1_000)
    expect(await done).toMatchObject({ unloaded: 1, handedOff: 0, failed: 0, notEarned: [] })
  })

  it('waits ten minutes at most', async () => {
    const { seller, handBack, job, states } = setup()
    const jobId = job()
    const done = handBack('finish')
    await seller.clock.advance(599_000)
    expect(states()).toEqual({ [jobId]: 'running' })
    await seller.clock.advance(1_500)
    expect(await done).toMatchObject({ handedOff: 1, unloaded: 1 })
  })

  it('is called off by a resumed listing, and overtaken by “now”', async () => {
    const { seller, handBack, world, job, states } = setup()
    const jobId = job()
    const first = handBack('finish')
    world.wanted = true
    await seller.clock.advance(500)
    expect(await first).toMatchObject({ unloaded: 0 })
    expect(states()).toEqual({ [jobId]: 'running' })
    world.wanted = false
    const second = handBack('finish')
    await seller.clock.advance(500)
    const now = await handBack('now')
    await seller.clock.advance(500)
    expect([now, await second]).toMatchObject([
      { handedOff: 1, unloaded: 1 },
      { handedOff: 0, unloaded: 0 },
    ])
  })
})
