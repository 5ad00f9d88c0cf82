import { describe, it, expect, onTestFinished } from 'vitest'

import { live as liveSchema } from '#contract/app.ts'
import { liveStream } from '#core/app/live.ts'

import { Seller } from '../../support/seller.ts'
import { settle } from '../../support/fake-clock.ts'
import { tempDir } from '../../support/temp-dir.ts'

function setup() {
  const seller = new Seller(tempDir(), { engine: { manual: true } })
  onTestFinished(() => seller.close())
  seller.exchange.online()
  seller.exchange.deliverAll()
  const stop = new AbortController()
  const stream = liveStream(seller.context, {
    venues: [{ context: seller.context, jobs: seller.jobs, listings: { all: () => [] } }],
    watts: () => null,
    engines: () =>
      seller.deployments.allLoaded().map(({ modelName, model }) => ({ modelName, state: { kind: 'loaded', model } })),
  })(stop.signal)
  return { seller, stop, stream }
}

describe('live values', () => {
  it('come at once, fit the contract, and again within a second while a job runs', async () => {
    const { seller, stream } = setup()
    const jobId = seller.exchange.job({ content: 'secret words' })
    seller.exchange.deliver()
    const { value } = await stream.next()
    expect(liveSchema.parse(value)).toMatchObject({
      engine: { kind: 'loaded', model: 'fake' },
      venues: [{ venueId: 'practice', kind: 'online', listing: 'none' }],
      running: [{ jobId, inputTokens: 3, exam: false }],
    })
    expect(JSON.stringify(value)).not.toContain('secret')
    const next = stream.next()
    await seller.clock.advance(1_000)
    expect((await next).done).toBe(false)
  })

  it('come early when something changed, every 5 s when nothing does, and end with the signal', async () => {
    const { seller, stop, stream } = setup()
    await stream.next()
    let came = 0
    const count = (): void => void (came += 1)
    const first = stream.next().then(count)
    await seller.clock.advance(4_900)
    expect(came).toBe(0)
    seller.context.events.changed('engine')
    await settle()
    await first
    expect(came).toBe(1)
    const second = stream.next()
    await seller.clock.advance(200)
    stop.abort()
    expect((await second).done).toBe(true)
    await seller.clock.advance(0)
  })
})
