import { EventEmitter, once } from 'node:events'

import { describe, expect, it, vi } from 'vitest'

import { CHANNEL_BACKLOG_MAX, ChannelClosedError, type Channel } from '#contract/channel/channel.ts'
import { childProcessChannel } from '#contract/channel/child-process.ts'
import { messagePortMainChannel } from '#contract/channel/message-port-main.ts'
import { SOCKET_CLOSE, webSocketChannel } from '#contract/channel/web-socket.ts'
import { FakeMessagePortMain } from '#test/support/fake-message-port-main.ts'

import { childChannel, forkSample, pairs, socketPair } from './transports.ts'

const next = (channel: Channel): Promise<unknown> =>
  new Promise((resolve) => {
    const stop = channel.onMessage((message) => {
      stop()
      resolve(message)
    })
  })
const closed = (channel: Channel): Promise<string> => new Promise((resolve) => void channel.onClose(resolve))
/** Resolves when `count` messages have come. */
const take = (channel: Channel, count: number): Promise<unknown[]> =>
  new Promise((resolve) => {
    const all: unknown[] = []
    channel.onMessage((message) => {
      all.push(message)
      if (all.length === count) resolve(all)
    })
  })

describe.each(Object.entries(pairs))('a channel over %s', (_name, pair) => {
  it('carries values both ways in order', async () => {
    const [near, far] = await pair()
    const values = Array.from({ length: 300 }, (_, n) => ({ n, text: 'é🌍', nested: [null, true, { deep: 1.5 }] }))
    const got = take(far, values.length)
    values.forEach((value) => near.send(value))
    expect(await got).toEqual(values)
    const back = next(near)
    far.send('and back')
    expect(await back).toBe('and back')
    near.close()
  })

  it('keeps what comes before the first listener, in order with what comes later', async () => {
    const [near, far] = await pair()
    // The answer proves that the three before it have arrived at a channel nobody listens to.
    far.send(1)
    far.send(2)
    far.send(3)
    const proof = next(far)
    near.send('go')
    await proof
    const got = take(near, 4)
    far.send(4)
    expect(await got).toEqual([1, 2, 3, 4])
    near.close()
  })

  it('closes when the backlog is full instead of growing', async () => {
    const [near, far] = await pair()
    const gone = closed(near)
    const farGone = closed(far)
    for (let n = 0; n <= CHANNEL_BACKLOG_MAX; n += 1) far.send(n)
    expect(await gone).toContain('waited for a listener')
    await farGone
    expect(near.isOpen).toBe(false)
  })

  it('closes once for both sides; later sends throw and later listeners hear at once', async () => {
    const [near, far] = await pair()
    const heard = vi.fn<(value: unknown) => void>()
    near.onClose(heard)
    const removed = vi.fn<(value: unknown) => void>()
    near.onClose(removed)()
    const farGone = closed(far)
    expect([near.isOpen, far.isOpen]).toEqual([true, true])
    near.close('enough')
    near.close('again')
    await farGone
    expect(heard.mock.calls).toEqual([['enough']])
    expect(removed).not.toHaveBeenCalled()
    const late = vi.fn<(value: unknown) => void>()
    near.onClose(late)
    expect(late.mock.calls).toEqual([['enough']])
    for (const end of [near, far]) {
      expect(() => end.send('x')).toThrow(ChannelClosedError)
      expect([end.isOpen, end.bufferedBytes]).toEqual([false, 0])
    }
  })

  it('lets what was sent before a close arrive before the close is heard', async () => {
    const [near, far] = await pair()
    const seen: unknown[] = []
    far.onMessage((message) => seen.push(message))
    const gone = closed(far)
    for (let n = 0; n < 20; n += 1) near.send({ n, text: 'x'.repeat(10_000) })
    near.close()
    await gone
    expect(seen).toHaveLength(20)
  })
})

describe('the WebSocket channel', () => {
  it.each([
    ['malformed JSON', '{"a":', SOCKET_CLOSE.malformed],
    ['a binary message', Buffer.from('{}'), SOCKET_CLOSE.binary],
    ['a message that is too long', JSON.stringify('x'.repeat(1_001)), SOCKET_CLOSE.tooLarge],
  ])('closes on %s with a reason both sides hear, and delivers nothing', async (_name, bad, code) => {
    const { client, server } = await socketPair()
    const channel = webSocketChannel(server, { maxLength: 1_000 })
    const heard = vi.fn<(value: unknown) => void>()
    channel.onMessage(heard)
    const reason = closed(channel)
    client.send(bad)
    client.send('"after"')
    const [closeCode, closeReason] = (await once(client, 'close')) as [number, Buffer]
    expect([closeCode, closeReason.toString()]).toEqual([code, await reason])
    expect(heard).not.toHaveBeenCalled()
  })

  it('refuses to send what the other side would refuse, and stays open', async () => {
    const { client, server } = await socketPair()
    const [near, far] = [webSocketChannel(client, { maxLength: 1_000 }), webSocketChannel(server)]
    expect(() => near.send('x'.repeat(1_000))).toThrow(RangeError)
    const got = next(far)
    near.send('x'.repeat(998))
    expect(await got).toHaveLength(998)
  })

  it('sends what was given while it still connected, once it is open', async () => {
    const { client, server } = await socketPair()
    const { WebSocket } = await import('ws')
    const early = new WebSocket(client.url)
    const near = webSocketChannel(early)
    near.send('first')
    near.send('second')
    await once(early, 'open')
    near.send('third')
    near.close('a reason with ü')
    const [code, reason] = (await once(early, 'close')) as [number, Buffer]
    expect([code, reason.toString()]).toEqual([1_000, 'a reason with ?'])
    server.close()
  })

  it('says why when it cannot connect, and counts itself closed while the closing handshake runs', async () => {
    const { WebSocket } = await import('ws')
    const reason = await closed(webSocketChannel(new WebSocket('ws://127.0.0.1:9')))
    expect(reason).toMatch(/ECONNREFUSED/)
    const { client } = await socketPair()
    const channel = webSocketChannel(client)
    client.close()
    expect(() => channel.send('late')).toThrow(ChannelClosedError)
    expect(channel.isOpen).toBe(false)
  })

  it('tells how much waits in the socket, for back-pressure', async () => {
    const { client, server } = await socketPair()
    server.pause()
    const channel = webSocketChannel(client)
    for (let n = 0; n < 20; n += 1) channel.send('x'.repeat(1_000_000))
    expect(channel.bufferedBytes).toBeGreaterThan(1_000_000)
    server.terminate()
  })
})

describe('the child-process channel', () => {
  it('carries values both ways in order, and hears the child close', async () => {
    const channel = childChannel(forkSample('echo'))
    const got = take(channel, 100)
    for (let n = 0; n < 100; n += 1) channel.send({ n, text: '🌍' })
    expect(await got).toEqual(Array.from({ length: 100 }, (_, n) => ({ n, text: '🌍' })))
    const gone = closed(channel)
    channel.send('close')
    await gone
    expect(() => channel.send(1)).toThrow(ChannelClosedError)
  })

  it('lets what a child sent arrive although it disconnects at once (a last word cut off)', async () => {
    const channel = childChannel(forkSample('burst'))
    const seen: unknown[] = []
    channel.onMessage((message) => seen.push(message))
    await closed(channel)
    expect(seen).toHaveLength(50)
  })

  it('hears a killed child, and a child hears its parent close', async () => {
    const child = forkSample('echo')
    const killed = closed(childChannel(child))
    child.kill('SIGKILL')
    expect(await killed).toMatch(/gone/)
    const other = forkSample('echo')
    const channel = childChannel(other)
    channel.send('hello')
    await next(channel)
    channel.close()
    // Its channel was all that kept it alive: the child ends by itself.
    expect(await once(other, 'exit')).toEqual([0, null])
  })

  it('refuses a process nobody forked', () => {
    expect(() => childProcessChannel({ connected: false, on: () => undefined })).toThrow(ChannelClosedError)
  })
})

describe("the double of Electron's port", () => {
  it('queues until start, clones, and closes both ends', async () => {
    const [one, two] = FakeMessagePortMain.pair()
    const sent = { list: [1] }
    one.postMessage(sent)
    sent.list.push(2)
    const heard = vi.fn<(value: unknown) => void>()
    two.on('message', heard)
    await new Promise((resolve) => {
      setImmediate(() => setImmediate(resolve))
    })
    expect(heard).not.toHaveBeenCalled()
    const first = once(two, 'message')
    two.start()
    expect(await first).toEqual([{ data: { list: [1] }, ports: [] }])
    const far = messagePortMainChannel(two)
    const gone = closed(far)
    one.close()
    one.postMessage('silent')
    await gone
  })
})

describe('listeners', () => {
  it('hear a last word that came together with the close, and before it', () => {
    const port = Object.assign(new EventEmitter(), {
      postMessage: () => undefined,
      start: () => undefined,
      close: () => undefined,
    })
    const channel = messagePortMainChannel(port)
    const heard: unknown[] = []
    channel.onMessage((message) => heard.push(message))
    channel.onClose((reason) => heard.push(reason))
    port.emit('message', { data: 'last' })
    port.emit('close')
    expect(heard).toEqual(['last', 'the other side closed the port'])
  })

  it('cannot disturb each other: one that throws is reported, the rest still hear', async () => {
    const [one, two] = FakeMessagePortMain.pair()
    const [near, far] = [messagePortMainChannel(one), messagePortMainChannel(two)]
    const reported = new Promise((resolve) => {
      const others = process.listeners('uncaughtException')
      process.removeAllListeners('uncaughtException')
      process.once('uncaughtException', (error) => {
        others.forEach((other) => process.on('uncaughtException', other))
        resolve(error.message)
      })
    })
    far.onMessage(() => {
      throw new Error('listener')
    })
    const got = next(far)
    near.send('x')
    expect(await got).toBe('x')
    expect(await reported).toBe('listener')
  })
})
