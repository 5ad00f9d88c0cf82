/** Catches: one stranger takes the bytes, the turns, the handshakes or the sockets that are there for all. */
import { Hono } from 'hono'
import { connect, type Socket } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'

import { listen } from '#exchange-server/exchange-http.ts'
import { ADDRESS_BOUNDS, LIMITS } from '#exchange-server/exchange-limits.ts'
import { endableSocket } from '#exchange-server/supply/end-socket.ts'
import { isParsable } from '#exchange-server/supply/frame-shape.ts'
import { handlingCost, readingCost } from '#exchange-server/supply/frame-cost.ts'
import { SyncQueue, type SyncingPeer } from '#exchange-server/supply/sync-queue.ts'
import { UnacknowledgedBytes } from '#exchange-server/supply/unacknowledged.ts'
import { AddressBuckets, AddressCounts, addressKey, PendingSlots } from '#lib/by-address.ts'
import { FakeClock } from '#test/support/fake-clock.ts'
import { FakeSupplier } from '#test/support/fake-supplier.ts'
import { until } from '#test/support/until.ts'

import { exchangeWith, silent, startTestExchange } from './exchange-support.ts'

const SYNC = { t: 'sync', afterReceiptSeq: 0, afterReleaseSeq: 0, openJobs: [] as never[] } as const

describe('bytes of all sessions', () => {
  it('beyond the bound the session that holds the most is given up, not the one that was sent something', () => {
    const bytes = new UnacknowledgedBytes(100)
    const given: string[] = []
    const session = (name: string) => ({
      heldBytes: 0,
      giveUp: () => void given.push(name),
    })
    const hold = (one: ReturnType<typeof session>, more: number): void => {
      one.heldBytes += more
      bytes.changed(one, more)
    }
    const [greedy, honest] = [session('greedy'), session('honest')]
    hold(honest, 20)
    hold(greedy, 80)
    expect(given).toEqual([])
    hold(honest, 1)
    expect([given, bytes.total]).toEqual([['greedy'], 21])
    hold(honest, -21)
    expect(bytes.total).toBe(0)
  })

  it('on real sockets: one that listens to nothing loses its session, the other stays', async () => {
    const { suppliers } = await exchangeWith(2, { unacknowledgedBytes: 30_000 })
    const [greedy, honest] = suppliers as [FakeSupplier, FakeSupplier]
    // Far from the 4,096 frames and the 4 MiB of one session.
    for (let seq = 1; seq <= 1_000; seq += 1) greedy.raw(JSON.stringify({ seq, ack: 0, frame: { t: 'ping', n: seq } }))
    expect((await greedy.closed).code).toBe(1001)
    honest.send({ t: 'ping', n: 7 })
    expect(await honest.next('pong')).toMatchObject({ n: 7 })
    await expect(greedy.open({ resume: true })).resolves.toBeUndefined()
    expect(greedy.welcome).toMatchObject({ resumed: false })
  })
})

describe('what a frame costs', () => {
  it('grows with its bytes and with what it makes the exchange do', () => {
    expect([readingCost(100), readingCost(524_288)]).toEqual([1, 1_025])
    expect(handlingCost('job.delta')).toBe(0)
    for (const kind of ['sync', 'offer', 'exam.start', 'job.done']) expect(handlingCost(kind)).toBeGreaterThan(1)
    for (const odd of [undefined, 7, '__proto__', 'constructor', 'toString']) expect(handlingCost(odd)).toBe(0)
  })

  it('a socket that sends more large frames than its allowance is closed', async () => {
    // On a clock that stands still the allowance is the burst.
    const { suppliers } = await exchangeWith(1, { clock: new FakeClock() })
    const [big] = suppliers as [FakeSupplier]
    const frames = Math.ceil(LIMITS.frameBurst / readingCost(500_000)) + 1
    for (let count = 0; count < frames; count += 1) big.raw(`{"seq":0,"ack":0,"x":"${'x'.repeat(499_900)}"}`)
    expect((await big.closed).code).toBe(1008)
  })

  it('a socket that starts exams in a row is closed long before the count of frames', async () => {
    const { suppliers } = await exchangeWith(1, { clock: new FakeClock() })
    const [one] = suppliers as [FakeSupplier]
    for (let count = 0; count < 60; count += 1) one.send({ t: 'exam.start' })
    expect((await one.closed).code).toBe(1008)
  })
})

describe('the shape of a frame', () => {
  it('is looked at before it is parsed: nests and lists that make megabytes of objects are not', () => {
    const parsable = (text: string): boolean => isParsable(Buffer.from(text))
    expect(parsable(`${'['.repeat(200_000)}${']'.repeat(200_000)}`)).toBe(false)
    expect(parsable(`[${'1,'.repeat(200_000)}1]`)).toBe(false)
    // In a string they are text, a quote that is escaped included.
    expect(parsable(JSON.stringify({ text: '["\\\\",{:'.repeat(20_000) }))).toBe(true)
    const ids = Array.from({ length: 500 }, (_, at) => `job_${String(at).padStart(28, '0')}`)
    expect(parsable(JSON.stringify({ ...SYNC, openJobs: ids }))).toBe(true)
  })
})

describe('a socket that is thrown out', () => {
  const socketOf = (bufferedAmount: number) => {
    const did: string[] = []
    const socket = {
      bufferedAmount,
      send: () => undefined,
      close: (code: number) => void did.push(`close ${code}`),
      terminate: () => void did.push('terminate'),
      on: () => undefined,
    }
    return { socket, did }
  }

  it('is gone in a second, at once where a close frame would not be read', async () => {
    const clock = new FakeClock()
    const [polite, deaf] = [socketOf(0), socketOf(100_000)]
    const line = endableSocket(clock, polite.socket)
    expect(line.ended).toBe(false)
    line.end(1008, 'too many frames')
    line.end(1001, 'again')
    endableSocket(clock, deaf.socket).end(1008, 'too many frames')
    expect([line.ended, polite.did, deaf.did]).toEqual([true, ['close 1008'], ['terminate']])
    await clock.advance(1_000)
    expect(polite.did).toEqual(['close 1008', 'terminate'])
  })
})

describe('syncs', () => {
  interface Peer extends SyncingPeer {
    name: string
    link: { sent: number; acknowledged: number }
  }
  const peerOf = (name: string): Peer => ({ name, gone: false, link: { sent: 0, acknowledged: 0 } })
  const queueOf = (clock: FakeClock, tookMs: number) => {
    const answered: string[] = []
    const queue = new SyncQueue<Peer>(clock, (peer) => {
      clock.jump(tookMs)
      peer.link.sent += 1
      answered.push(peer.name)
    })
    return { queue, answered }
  }

  it('one is in flight: the next is answered once the result is acknowledged, one more is refused', () => {
    const { queue, answered } = queueOf(new FakeClock(), 0)
    const peer = peerOf('a')
    expect(queue.ask(peer, SYNC)).toBe(true)
    expect(queue.ask(peer, SYNC)).toBe(true)
    expect([answered.length, queue.ask(peer, SYNC)]).toEqual([1, false])
    queue.acknowledged(peer)
    expect(answered).toHaveLength(1)
    peer.link.acknowledged = 1
    queue.acknowledged(peer)
    expect(answered).toHaveLength(2)
  })

  it('sessions take turns, and each answer is followed by a rest as long as it took', async () => {
    const clock = new FakeClock()
    const { queue, answered } = queueOf(clock, 20)
    const [a, b, c] = ['a', 'b', 'c'].map(peerOf) as [Peer, Peer, Peer]
    for (const peer of [a, b, c]) queue.ask(peer, SYNC)
    // a asks again at once: it waits behind the others, whatever it acknowledges.
    a.link.acknowledged = 1
    queue.ask(a, SYNC)
    expect(answered).toEqual(['a'])
    await clock.advance(19)
    expect(answered).toEqual(['a'])
    await clock.advance(1)
    expect(answered).toEqual(['a', 'b'])
    await clock.advance(100)
    expect(answered).toEqual(['a', 'b', 'c', 'a'])
  })

  it('a session that left is not answered', async () => {
    const clock = new FakeClock()
    const { queue, answered } = queueOf(clock, 20)
    const [a, b] = [peerOf('a'), peerOf('b')]
    queue.ask(a, SYNC)
    queue.ask(b, SYNC)
    queue.left(b)
    await clock.advance(100)
    expect(answered).toEqual(['a'])
  })

  it('on a real socket: the second result comes after the first is acknowledged, a third sync is refused', async () => {
    const { suppliers } = await exchangeWith(1)
    const [one] = suppliers as [FakeSupplier]
    const raw = (seq: number, ack: number): void => one.raw(JSON.stringify({ seq, ack, frame: SYNC }))
    for (let seq = 1; seq <= 3; seq += 1) raw(seq, 0)
    await one.next('sync.result')
    expect((await one.next('error')).error.message).toContain('one sync waits already')
    expect(one.frames.filter(({ t }) => t === 'sync.result')).toHaveLength(0)
    // Its own acknowledgements are as they should be from here on.
    one.raw(JSON.stringify({ seq: 0, ack: one.received }))
    await one.next('sync.result')
  })
})

describe('addresses', () => {
  it('IPv6 by the network, IPv4 in IPv6 as IPv4', () => {
    expect(addressKey('2001:db8:1:2:3:4:5:6')).toBe(addressKey('2001:db8:1:2::9'))
    expect(addressKey('2001:db8:1:2::9')).not.toBe(addressKey('2001:db8:1:3::9'))
    expect([addressKey('::ffff:10.0.0.1'), addressKey('10.0.0.1'), addressKey('::1')]).toEqual([
      '10.0.0.1',
      '10.0.0.1',
      '0:0:0:0',
    ])
  })

  it('have a share of the sockets, given back once', () => {
    const counts = new AddressCounts(2)
    const leave = counts.enter('a')!
    counts.enter('a')
    expect([counts.enter('a'), counts.enter('b') === null]).toEqual([null, false])
    leave()
    leave()
    expect([counts.enter('a') === null, counts.enter('a')]).toEqual([false, null])
  })

  it('handshakes: the oldest of the own address goes, else of the address that has the most', () => {
    const dropped: string[] = []
    const pending = new PendingSlots(3, 5)
    const begin = (name: string, address: string) => pending.begin(address, () => void dropped.push(name))
    begin('a1', 'a')
    begin('b1', 'b')
    begin('a2', 'a')
    begin('a3', 'a')
    begin('a4', 'a')
    expect(dropped).toEqual(['a1'])
    begin('b2', 'b')
    begin('c1', 'c')
    expect(dropped).toEqual(['a1', 'a2'])
    begin('c2', 'c')()
    begin('c3', 'c')
    // a and b had two each: the oldest of both. c2 was over and makes no room.
    expect(dropped).toEqual(['a1', 'a2', 'b1'])
  })

  it('have an allowance of hellos', () => {
    const rates = new AddressBuckets(2, 1)
    expect([0, 0, 0].map((at) => rates.take('a', at))).toEqual([true, true, false])
    expect([rates.take('b', 0), rates.take('a', 1_000), rates.take('a', 1_000)]).toEqual([true, true, false])
  })

  it('hundreds of silent sockets lock out nobody, not even from their own address', async () => {
    const exchange = await startTestExchange()
    const silentOnes = Array.from(
      { length: 60 },
      () => new WebSocket(`${exchange.url.replace('http', 'ws')}/supplier/v1`),
    )
    onTestFinished(() => silentOnes.forEach((socket) => socket.terminate()))
    await Promise.all(silentOnes.map((socket) => new Promise((resolve) => socket.once('message', resolve))))
    await until('all but the share to be dropped', () => {
      const open = silentOnes.filter((socket) => socket.readyState === WebSocket.OPEN).length
      return open <= ADDRESS_BOUNDS.handshakes
    })
    const supplier = await FakeSupplier.connect(exchange.url)
    expect(supplier.welcome).toMatchObject({ t: 'welcome' })
    supplier.socket.terminate()
  })

  it('one address gets its share of suppliers’ sockets and no more; behind a proxy there is no share', async () => {
    for (const [addressLimits, refused] of [
      [true, true],
      [false, false],
    ] as const) {
      const exchange = await startTestExchange({ addressLimits })
      for (let count = 0; count < ADDRESS_BOUNDS.sockets; count += 1) {
        const supplier = await FakeSupplier.connect(exchange.url)
        onTestFinished(() => supplier.socket.terminate())
      }
      const more = FakeSupplier.connect(exchange.url).then(
        (supplier) => (supplier.socket.terminate(), false),
        () => true,
      )
      expect(await more).toBe(refused)
    }
  })
})

/** A listener with nothing but `/health` and `buyers` behind it. */
async function bareListener(buyers: Hono, requestMs?: number): Promise<number> {
  const listener = await listen({
    host: '127.0.0.1',
    port: 0,
    allowHosts: [],
    log: silent,
    buyers,
    admin: new Hono(),
    perAddress: true,
    orAnyPort: false,
    portOption: '--port',
    onSupplier: () => undefined,
    ...(requestMs === undefined ? {} : { requestMs }),
  })
  onTestFinished(() => listener.close())
  return Number(new URL(listener.url).port)
}

describe('connections', () => {
  /** Its socket, and whether it was answered before it was closed. */
  async function ask(port: number): Promise<{ socket: Socket; answered: boolean }> {
    const socket = connect(port, '127.0.0.1')
    onTestFinished(() => void socket.destroy())
    socket.on('error', () => undefined)
    socket.write('GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n')
    const answered = new Promise<boolean>((resolve) => {
      socket.once('data', () => resolve(true))
      socket.once('close', () => resolve(false))
    })
    return { socket, answered: await answered }
  }

  it('of one address have a share, buyers’ and suppliers’ together; one that ends makes room', async () => {
    const port = await bareListener(new Hono())
    const held = await Promise.all(Array.from({ length: LIMITS.connectionsPerAddress }, () => ask(port)))
    expect(held.filter(({ answered }) => answered)).toHaveLength(LIMITS.connectionsPerAddress)
    expect((await ask(port)).answered).toBe(false)
    held[0]!.socket.destroy()
    await until('room for one more', async () => (await ask(port)).answered)
  })
})

describe('slow requests', () => {
  it('are cut off in time, body and all', async () => {
    const buyers = new Hono()
    buyers.post('/slow', async (c) => c.text(await c.req.text()))
    const socket = connect(await bareListener(buyers, 50), '127.0.0.1')
    socket.write('POST /slow HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 10\r\n\r\nx')
    let answer = ''
    socket.on('data', (data) => (answer += data.toString()))
    await new Promise((resolve) => socket.once('close', resolve))
    expect(answer).toMatch(/^HTTP\/1\.1 408 /)
    expect(LIMITS.requestMs).toBeLessThanOrEqual(30_000)
  })
})
