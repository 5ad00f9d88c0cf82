/**
 * The driver and the real exchange, in all mixes of versions: it speaks version 2 where that is known, falls back on this
 * machine alone, and proves and is proven.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

import { describe, expect, it, onTestFinished } from 'vitest'
import { WebSocketServer } from 'ws'

import { brandId, type PublicKey } from '#contract/ids.ts'
import type { Reason } from '#contract/reasons.ts'
import type { VenueEvent } from '#core/venues/venue-events.ts'
import type { VenueMemory, VenuePort, VenueState } from '#core/venues/venue.port.ts'
import { generateSigningKey } from '#lib/ed25519.ts'
import { createLog } from '#lib/log.ts'
import { systemClock } from '#lib/system-clock.ts'
import { addressFor, addressProblem } from '#venues/stoker/address.ts'
import { createStokerVenue, type StokerVenueOptions } from '#venues/stoker/index.ts'
import { NO_LEASES } from '#test/support/no-leases.ts'
import { startTestExchange } from '../exchange-server/exchange-support.ts'

import { FakeExchangeServer } from './fake-exchange-server.ts'

/** Of one rig, over its restarts. */
class FakeMemory implements VenueMemory {
  starts: number
  instance: string
  pinned: PublicKey | null = null
  constructor(starts: number, instance: string) {
    this.starts = starts
    this.instance = instance.repeat(22)
  }
  pinnedKey = (): PublicKey | null => this.pinned
  pin = (key: PublicKey): void => void (this.pinned ??= key)
  epoch = (): number => this.starts
  standsAt = (epoch: number): void => void (this.starts = Math.max(this.starts, epoch))
}

const seller = generateSigningKey()
function rig(url: string, memory: VenueMemory, options: Partial<StokerVenueOptions> = {}): VenuePort {
  const log = createLog('test')
  log.level = 'silent'
  const port = createStokerVenue({
    url,
    key: seller,
    name: 'rig',
    clock: systemClock,
    log,
    random: () => 0,
    memory,
    ...options,
  })
  onTestFinished(() => port.stop())
  port.start(NO_LEASES)
  return port
}
function reached(port: VenuePort, test: (state: VenueState) => boolean): Promise<VenueState> {
  if (test(port.state())) return Promise.resolve(port.state())
  return new Promise((resolve) => {
    const off = port.onState((state) => {
      if (!test(state)) return
      off()
      resolve(state)
    })
  })
}
const online = (port: VenuePort) => reached(port, ({ kind }) => kind === 'online')
const offlineFor = async (port: VenuePort): Promise<Reason> =>
  ((await reached(port, ({ kind }) => kind === 'offline')) as Extract<VenueState, { kind: 'offline' }>).reason
const supplierUrl = (url: string, version = 2): string => `${url.replace('http', 'ws')}/supplier/v${version}`

describe('the driver', () => {
  it('speaks version 2 with our exchange, pins its key, and keeps the epoch that stands', async () => {
    const exchange = await startTestExchange()
    const memory = new FakeMemory(3, 'a')
    // An address of before version 2 is spoken to by version 2 as well.
    const state = await online(rig(supplierUrl(exchange.url, 1), memory))
    expect(state).toMatchObject({
      heads: { receipts: { seq: 0 } },
      terms: { exchange: exchange.exchangeKey, unit: 'PCR' },
    })
    expect(memory.pinned).toBe(exchange.exchangeKey)
  })

  it('falls back to version 1 where version 2 is not known, on this machine', async () => {
    const server = new FakeExchangeServer()
    onTestFinished(() => server.close())
    const state = await online(rig(await server.ready(), new FakeMemory(1, 'a')))
    expect(state).not.toHaveProperty('heads.receipts')
    expect(server.hellos).toMatchObject([{ signed: true }])
  })

  it('refuses another key than the pinned one, until the owner trusts it', async () => {
    const exchange = await startTestExchange()
    const memory = new FakeMemory(1, 'a')
    memory.pinned = brandId<PublicKey>('K'.repeat(43))
    const port = rig(supplierUrl(exchange.url), memory)
    expect(await offlineFor(port)).toMatchObject({
      code: 'line.otherKey',
      params: { known: 'K'.repeat(43), shown: exchange.exchangeKey },
    })
    memory.pinned = brandId<PublicKey>(exchange.exchangeKey)
    port.retry?.()
    await online(port)
  })

  it('refuses a welcome that the exchange of the challenge did not sign', async () => {
    const key = generateSigningKey()
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
    onTestFinished(() => void server.close())
    server.on('connection', (socket) => {
      socket.send(
        JSON.stringify({ t: 'challenge', protocol: 2, nonce: 'n'.repeat(43), exchange: key.publicKey, time: 1 }),
      )
      socket.on('message', () => {
        const head = { seq: 0, hash: '0'.repeat(64) }
        const spec = { ...SPEC }
        socket.send(
          JSON.stringify({
            t: 'welcome',
            protocol: 2,
            session: 's',
            resumed: false,
            received: 0,
            heartbeatMs: 1_000,
            resumeWithinMs: 5_000,
            windowBytes: 16_777_216,
            realm: 'practice',
            unit: { code: 'PCR', scale: 9 },
            feeBps: 1,
            holdMs: 1,
            specs: [spec],
            time: 1,
            epoch: 1,
            heads: { receipts: head, releases: head },
            features: [],
            sig: key.sign('something else'),
          }),
        )
      })
    })
    await new Promise((resolve) => server.once('listening', resolve))
    const port = rig(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/supplier/v2`, new FakeMemory(1, 'a'))
    expect(await offlineFor(port)).toMatchObject({ code: 'line.notSigned' })
  })

  it('does not connect while its own clock says a time that nothing may be signed at', async () => {
    const exchange = await startTestExchange()
    const clock = { ...systemClock, now: () => -5, mono: () => systemClock.mono() }
    const port = rig(supplierUrl(exchange.url), new FakeMemory(1, 'a'), {
      clock: { ...clock, sleep: systemClock.sleep },
    })
    expect(await offlineFor(port)).toMatchObject({ code: 'clock.outOfRange', params: { at: -5 } })
  })
})

describe('two rigs with one key', () => {
  it('are told, not fought: one take-over in all, and the owner’s word ends it', async () => {
    const exchange = await startTestExchange()
    const [older, newer] = [new FakeMemory(4, 'a'), new FakeMemory(5, 'b')]
    const first = rig(supplierUrl(exchange.url), older)
    await online(first)
    const states: string[] = []
    const notices: VenueEvent[] = []
    const second = rig(supplierUrl(exchange.url), newer)
    second.onEvent((event) => void (event.kind === 'notice' && notices.push(event)))
    second.onState(({ kind }) => states.push(kind))
    await online(second)
    expect(await offlineFor(first)).toBeDefined()
    const refused = await reached(first, (state) => state.kind === 'offline' && state.cause === 'credential')
    expect(refused).toMatchObject({ reason: { code: 'exchange.keyOlder', params: { epoch: 4, standing: 5 } } })
    // 3 s are thirty times the first back-off: a driver that fought would have come again.
    await systemClock.sleep(3_000)
    expect([first.state(), second.state().kind]).toEqual([refused, 'online'])
    expect(states.filter((kind) => kind === 'offline')).toEqual([])
    expect(notices).toHaveLength(1)
    first.takeOver?.()
    await online(first)
    expect(older.starts).toBe(6)
    expect(await reached(second, (state) => state.kind === 'offline' && state.cause === 'credential')).toMatchObject({
      reason: { code: 'exchange.keyOlder' },
    })
  })

  it('a copied folder, started as often, is refused as a copy', async () => {
    const exchange = await startTestExchange()
    await online(rig(supplierUrl(exchange.url), new FakeMemory(4, 'a')))
    expect(await offlineFor(rig(supplierUrl(exchange.url), new FakeMemory(4, 'b')))).toMatchObject({
      code: 'exchange.keyCopied',
    })
  })
})

describe('addresses', () => {
  it('another machine is spoken to by wss:// alone', () => {
    for (const local of ['ws://127.0.0.1:1/supplier/v2', 'ws://[::1]:1/x', 'ws://localhost/x', 'port://exchange/1'])
      expect(addressProblem(local)).toBeNull()
    expect(addressProblem('wss://exchange.example/supplier/v2')).toBeNull()
    for (const plain of ['ws://exchange.example/supplier/v2', 'ws://192.168.1.4/x', 'ws://127.0.0.1.example/x'])
      expect(addressProblem(plain)).toMatchObject({ code: 'line.insecure' })
  })

  it('the driver refuses a plain one without a connection', async () => {
    const port = rig('ws://exchange.example/supplier/v2', new FakeMemory(1, 'a'), {
      WebSocket: class {
        constructor() {
          throw new Error('a connection was tried')
        }
      } as never,
    })
    expect(await offlineFor(port)).toMatchObject({ code: 'line.insecure', params: { host: 'exchange.example' } })
  })

  it('each version has its path; one of somebody’s own stays', () => {
    expect(addressFor('wss://x/supplier/v1', 2)).toBe('wss://x/supplier/v2')
    expect(addressFor('wss://x/supplier/v2', 1)).toBe('wss://x/supplier/v1')
    expect(addressFor('wss://x/other', 2)).toBe('wss://x/other')
  })

  it('an exchange elsewhere that knows version 1 alone is refused in words, never spoken to in it', async () => {
    const seen: string[] = []
    const server = createServer()
    server.on('upgrade', (request, socket) => {
      seen.push(request.url ?? '')
      socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n')
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void server.close())
    const { WebSocket: Real } = await import('ws')
    const { port: at } = server.address() as AddressInfo
    // Stands for a far machine: the name is not this one's, the bytes go here.
    const Redirected = class extends Real {
      constructor(address: string, options: object) {
        super(address.replace('wss://far.example', `ws://127.0.0.1:${at}`), options)
      }
    }
    const port = rig('wss://far.example/supplier/v2', new FakeMemory(1, 'a'), { WebSocket: Redirected as never })
    expect(await offlineFor(port)).toMatchObject({ code: 'line.protocolOlder' })
    expect(seen).toEqual(['/supplier/v2'])
  })
})

const SPEC = {
  instrument: 'practice/text-nano',
  version: 1,
  title: 'Text nano',
  provisional: true,
  caveat: 'a fake',
  level: 1,
  tokenizer: 'bytes4',
  limits: {
    intelligence: { floor: 0.7, target: 0.8 },
    families: {},
    ttftCeilingMs: 5_000,
    throughputFloorTokPerS: 10,
    contextTokens: 128,
    outputTokens: 64,
    errorRateCeiling: 0.05,
  },
}
