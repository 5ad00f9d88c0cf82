import { inEnglish } from '#test/support/in-english.ts'
import { describe, it, expect, onTestFinished } from 'vitest'

import type { Instrument, JobId } from '#contract/ids.ts'
import { inferenceRequest } from '#contract/inference.ts'
import { nano, nanoPerMtok } from '#contract/money.ts'
import { DAY_MS } from '#contract/time.ts'
import type { VenueEvent } from '#core/venues/venue-events.ts'
import type { VenuePort, VenueState } from '#core/venues/venue.port.ts'
import { createStokerVenue } from '#venues/stoker/index.ts'
import { systemClock } from '#lib/system-clock.ts'
import { generateSigningKey } from '#lib/ed25519.ts'
import { createLog } from '#lib/log.ts'
import { NO_LEASES } from '#test/support/no-leases.ts'
import { until } from '#test/support/until.ts'

import { FakeExchangeServer } from './fake-exchange-server.ts'

const stateOf = (port: VenuePort, kind: VenueState['kind']): Promise<VenueState> => {
  const now = port.state()
  if (now.kind === kind) return Promise.resolve(now)
  return new Promise((resolve) => {
    const off = port.onState((state) => {
      if (state.kind !== kind) return
      off()
      resolve(state)
    })
  })
}

async function setup(prepare: (server: FakeExchangeServer) => void = () => undefined) {
  const server = new FakeExchangeServer()
  prepare(server)
  const address = await server.ready()
  const target = { url: address as string | null }
  const port = createStokerVenue({
    url: () => target.url,
    key: generateSigningKey(),
    name: 'rig',
    clock: systemClock,
    log: createLog('test'),
    random: () => 0,
  })
  const events: VenueEvent[] = []
  port.onEvent((event) => events.push(event))
  onTestFinished(async () => {
    await port.stop()
    await server.close()
  })
  return { server, port, events, target }
}

const JOB = {
  t: 'job',
  jobId: 'job_1' as JobId,
  instrument: 'practice/text-nano' as Instrument,
  specVersion: 1,
  reserveNano: nano(1_000),
  priceNanoPerMtok: nanoPerMtok(1_000_000_000),
  salt: 's'.repeat(43),
  request: inferenceRequest.parse({ messages: [{ role: 'user', content: 'Hi' }], maxTokens: 16 }),
} as const
const say = (port: VenuePort, n: number): void => port.text('job_1' as JobId, String(n))
const texts = (server: FakeExchangeServer) =>
  server.frames.flatMap((frame) => (frame.t === 'job.delta' ? [frame.text] : []))
const notices = (events: VenueEvent[]) => events.flatMap((event) => (event.kind === 'notice' ? [event.text] : []))

describe('the adapter of our own exchange over a real WebSocket', () => {
  it('proves its key and reports a fresh session', async () => {
    const { server, port } = await setup()
    port.start(NO_LEASES)
    const state = await stateOf(port, 'online')
    expect(state).toMatchObject({ fresh: true, terms: { feeBps: 500, holdMs: 30_000, exchange: server.key.publicKey } })
    expect(server.hellos).toMatchObject([{ signed: true, resume: false }])
    expect(port.lastSeenAt()).not.toBeNull()
  })

  it('hears when a clock is set by little, where that makes it right', async () => {
    const { server, port } = await setup((made) => {
      made.heartbeatMs = 100
      made.clock = () => Date.now() - 150_000
    })
    port.start(NO_LEASES)
    await stateOf(port, 'online')
    server.clock = () => Date.now() - 60_000
    await until('the clock to be right', () => {
      const state = port.state()
      return state.kind === 'online' && state.clockApartMs! < 120_000
    })
    expect(port.state()).toMatchObject({ kind: 'online', fresh: false })
  })

  it('loses and doubles no frame in either direction when the socket drops mid-stream', async () => {
    const { server, port, events } = await setup()
    port.start(NO_LEASES)
    await stateOf(port, 'online')
    const expected: string[] = []
    for (let n = 0; n < 60; n += 1) {
      say(port, n)
      server.send({ t: 'notice', level: 'info', text: String(n) })
      expected.push(String(n))
      if (n % 20 === 10) {
        // Some frames are in flight on both sides when the socket dies, and some are queued while it is down.
        server.drop()
        const hellos = server.hellos.length
        for (let late = 0; late < 5; late += 1) {
          say(port, 1_000 + n + late)
          expected.push(String(1_000 + n + late))
        }
        await server.until(() => server.hellos.length > hellos)
        await stateOf(port, 'online')
      }
    }
    await server.until(() => texts(server).length >= expected.length)
    await new Promise<void>((resolve) => {
      if (notices(events).length >= 60) return resolve()
      port.onEvent(() => notices(events).length >= 60 && resolve())
    })
    expect(texts(server)).toEqual(expected)
    expect(notices(events)).toEqual(Array.from({ length: 60 }, (_, n) => String(n)))
    expect(port.state()).toMatchObject({ kind: 'online', fresh: false })
  })

  it('reports a fresh session when the exchange cannot resume, and drops what was queued', async () => {
    const { server, port } = await setup()
    port.start(NO_LEASES)
    await stateOf(port, 'online')
    server.resumable = false
    server.drop()
    await stateOf(port, 'offline')
    say(port, 7)
    expect(await stateOf(port, 'online')).toMatchObject({ fresh: true })
    say(port, 8)
    await server.until(() => server.frames.length === 1)
    expect(texts(server)).toEqual(['8'])
  })

  it('gives a silent exchange up after missed heartbeats', async () => {
    const { server, port } = await setup((fake) => {
      fake.heartbeatMs = 100
      fake.answerPings = false
    })
    port.start(NO_LEASES)
    await stateOf(port, 'online')
    expect(inEnglish(await stateOf(port, 'offline'))).toMatchObject({ reason: 'the exchange stopped answering' })
    expect(server.frames.filter(({ t }) => t === 'ping').length).toBeGreaterThanOrEqual(3)
  })

  it('survives malformed frames and comes back', async () => {
    const { server, port } = await setup()
    port.start(NO_LEASES)
    await stateOf(port, 'online')
    server.sendRaw('{"seq":')
    expect(inEnglish(await stateOf(port, 'offline'))).toMatchObject({ reason: 'the exchange sent something malformed' })
    expect(await stateOf(port, 'online')).toMatchObject({ kind: 'online' })
  })

  it('follows the exchange to a new address without waiting out the back-off', async () => {
    const { server, port, target } = await setup()
    const address = target.url
    target.url = 'ws://127.0.0.1:1/supplier/v1'
    port.start(NO_LEASES)
    await stateOf(port, 'offline')
    target.url = address
    await stateOf(port, 'online')
    expect(server.hellos).toHaveLength(1)
  })

  it('offers nothing where money would be held for more than a year', async () => {
    const { server, port } = await setup((fake) => (fake.holdMs = 367 * DAY_MS))
    port.start(NO_LEASES)
    expect(await stateOf(port, 'offline')).toMatchObject({ reason: { code: 'line.holdTooLong' } })
    expect(server.hellos).toHaveLength(1)
  })

  it('lets a flood of notices through as a handful, and cuts a deadline to a day', async () => {
    const { server, port, events } = await setup()
    port.start(NO_LEASES)
    await stateOf(port, 'online')
    for (let n = 0; n < 1_000; n += 1) server.send({ t: 'notice', level: 'act-now', text: String(n) })
    server.send({ ...JOB, deadlineMs: 7 * DAY_MS })
    await until('the job behind the notices', () => events.some(({ kind }) => kind === 'job'))
    expect(events.find((event) => event.kind === 'job')?.job.deadlineMs).toBe(DAY_MS)
    // Eight at once; one more a minute, should this take one.
    expect(notices(events).length).toBeGreaterThan(0)
    expect(notices(events).length).toBeLessThan(16)
  })

  it('says offline instead of queueing without a session', async () => {
    const { port } = await setup()
    expect(() => say(port, 1)).toThrow(expect.objectContaining({ code: 'EXCHANGE_OFFLINE' }))
  })
})
