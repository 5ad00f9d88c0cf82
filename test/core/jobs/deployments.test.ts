/** Jobs of several deployments: each on its own engine, with its place in the order, and nobody else's crash. */
import { describe, it, expect, onTestFinished } from 'vitest'

import { onePrice, nanoPerMtok } from '#contract/money.ts'
import { brandId, type Instrument } from '#contract/ids.ts'
import type { EngineStats } from '#core/engine/engine.port.ts'

import { NANO_INSTRUMENT } from '../../support/fake-exchange.ts'
import { DEPLOYMENT, Seller, type SellerOptions } from '../../support/seller.ts'
import { tempDir } from '../../support/temp-dir.ts'

const OTHER = brandId<Instrument>('practice/other')

function seller(options: SellerOptions = {}): Seller {
  const made = new Seller(tempDir(), {
    engine: { manual: true },
    second: { instrument: OTHER, deploymentId: 'dep_2' },
    ...options,
  })
  onTestFinished(() => made.close())
  made.exchange.online()
  made.exchange.deliverAll()
  return made
}
const states = (made: Seller) =>
  Object.fromEntries(made.rows('SELECT job_id, state FROM jobs').map((row) => [row['job_id'], row['state']]))

describe('two deployments', () => {
  it('serve each their own jobs, with slots of their own, and a crash of one touches no job of the other', async () => {
    const made = seller()
    const other = made.engines.made.get('dep_2')!
    const mine = [made.exchange.job(), made.exchange.job()]
    const theirs = [made.exchange.job({ instrument: OTHER }), made.exchange.job({ instrument: OTHER })]
    made.exchange.deliverAll()
    expect([made.engine, other].map((engine) => engine.submitted.map(({ jobId }) => jobId))).toEqual([mine, theirs])
    expect([
      made.jobs.runningOn(DEPLOYMENT),
      made.jobs.runningOf(OTHER, 'dep_2'),
      made.jobs.runningOf(NANO_INSTRUMENT, 'dep_2'),
    ]).toEqual([2, 2, 0])
    made.engine.crash()
    for (const jobId of theirs) other.release(jobId)
    await made.drain()
    expect(states(made)).toEqual({
      [mine[0]!]: 'failed',
      [mine[1]!]: 'failed',
      [theirs[0]!]: 'settled',
      [theirs[1]!]: 'settled',
    })
  })

  it('are cancelled at the engine that works on the job, though another one stands behind the deployment meanwhile', async () => {
    const made = seller()
    const jobId = made.exchange.job()
    made.exchange.deliverAll()
    const before = made.engine
    // A test's shortcut: the deployment is loaded anew while the old engine still ends its work.
    ;(made.engines.made as Map<string, unknown>).delete(DEPLOYMENT)
    await made.deployments.ensureLoaded(DEPLOYMENT)
    made.exchange.push({ t: 'job.cancel', jobId, reason: 'buyer' })
    await made.drain()
    expect([before.stats().running, states(made)[jobId]]).toEqual([0, 'settled'])
  })
})

describe('the engine is told', () => {
  it('what a call is and when it must be whole, and the deployment that work came and ended', async () => {
    const made = seller({
      exams: {
        route: () => ({
          deploymentId: 'dep_2',
          sha256: 'a'.repeat(64),
          specVersion: 1,
          prices: [onePrice(nanoPerMtok(0))],
          bounds: null,
          closed: null,
        }),
      },
    })
    const jobId = made.exchange.job({ deadlineMs: 7_000 })
    made.exchange.job({ examId: 'exam_1', itemId: 'arith/1/0', price: 0 })
    made.exchange.deliverAll()
    expect(made.engine.submitted.map(({ options }) => options)).toEqual([{ priority: 'job', deadlineMs: 7_000 }])
    expect(made.engines.made.get('dep_2')!.submitted.map(({ options }) => options)).toEqual([
      { priority: 'exam', deadlineMs: 60_000 },
    ])
    expect(made.used.get(DEPLOYMENT)).toBe(1)
    made.engine.release(jobId)
    await made.drain()
    expect(made.used.get(DEPLOYMENT)).toBe(2)
  })
})

describe('a measured rate', () => {
  it('refuses a job it cannot meet, and after a minute without work takes one to measure again', async () => {
    const speed: EngineStats['speed'] = { promptTokensPerSecond: null, perStream: [1] }
    const made = seller({ engine: { stats: () => ({ speed }) } })
    const refused = () => made.exchange.sent.filter((frame) => frame.t === 'job.reject').map(({ error }) => error.code)
    made.exchange.job({ maxTokens: 16, deadlineMs: 10_000 })
    made.exchange.deliverAll()
    expect(refused()).toEqual(['DEADLINE'])
    await made.clock.advance(61_000)
    made.exchange.job({ maxTokens: 16, deadlineMs: 10_000 })
    await made.drain()
    expect([refused(), made.exchange.receipts.length]).toEqual([['DEADLINE'], 1])
  })
})
