/**
 * The exchange host as the desktop core keeps it: the real adapter against the real exchange over ports, through
 * restarts and to the end.
 */
import { join } from 'node:path'

import { describe, expect, it, onTestFinished } from 'vitest'

import { messagePortMainChannel } from '#contract/channel/message-port-main.ts'
import { fail } from '#contract/errors.ts'
import type { VenueState } from '#core/venues/venue.port.ts'
import { keepExchange } from '#desktop/kept-exchange.ts'
import { ShellLink } from '#desktop/shell-link.ts'
import { SocketOverChannel } from '#desktop/socket-over-channel.ts'
import { supplierLine } from '#desktop/supplier-line.ts'
import { createStokerVenue } from '#venues/stoker/index.ts'
import { systemClock } from '#lib/system-clock.ts'
import { loadOrCreateSigningKey } from '#lib/ed25519.ts'
import { exitOf, statedEnd } from '#lib/exit-codes.ts'
import { createLog } from '#lib/log.ts'
import { startExchange, type Exchange } from '#exchange-server/exchange.ts'

import { FakeClock, settle } from '../support/fake-clock.ts'
import { FakeMessagePortMain } from '../support/fake-message-port-main.ts'
import { FakeParentPort } from '../support/fake-parent-port.ts'
import { NO_LEASES } from '#test/support/no-leases.ts'
import { tempDir } from '../support/temp-dir.ts'

const log = createLog('test')
log.level = 'silent'
/** Real but impatient: back-offs take a moment. What watches keeps its time. */
const clock = {
  ...systemClock,
  sleep: (ms: number, options?: { signal?: AbortSignal; unref?: boolean }) =>
    systemClock.sleep(options?.unref === true ? ms : Math.min(ms, 20), options),
}

/**
 * A shell whose exchange host lives in this process: it starts when asked and ends like the real one when its port
 * closes.
 */
function keptStack() {
  const folder = tempDir()
  const parent = new FakeParentPort()
  const link = new ShellLink(parent, {
    onStart: () => undefined,
    onRenderer: () => undefined,
    onCloseToTray: () => undefined,
    onQuit: () => undefined,
  })
  const running = new Map<number, { exchange: Exchange; port: FakeMessagePortMain }>()
  const end = async (id: number, code: number): Promise<void> => {
    const host = running.get(id)
    running.delete(id)
    if (host === undefined) return
    await host.exchange.stop()
    host.port.close()
    parent.tell({ t: 'exited', id, code, words: '' })
  }
  const start = async (id: number): Promise<void> => {
    const [core, port] = FakeMessagePortMain.pair()
    parent.tell({ t: 'forked', id, pid: 1_000 + id }, [core])
    const channel = messagePortMainChannel(port)
    const exchange = await startExchange({ dir: join(folder, 'exchange'), listen: false, seed: 'x', log })
    running.set(id, { exchange, port })
    supplierLine(channel, (connection) => exchange.acceptSupplier(new SocketOverChannel(connection)))
    channel.send({ t: 'ready' })
    channel.onClose(() => void end(id, 0))
  }
  const post = parent.postMessage.bind(parent)
  parent.postMessage = (message) => {
    post(message)
    const request = message as { t: string; id: number }
    if (request.t === 'fork') void start(request.id)
    if (request.t === 'kill') void end(request.id, 143)
  }
  const kept = keepExchange({ fork: () => link.fork('exchange'), clock, log, onProgress: () => undefined })
  const adapter = createStokerVenue({
    url: () => kept.address(),
    key: loadOrCreateSigningKey(join(folder, 'seller.key')),
    name: 'test',
    clock: systemClock,
    log,
    WebSocket: kept.WebSocket,
    random: () => 0,
  })
  const states: string[] = []
  adapter.onState((state) => states.push(state.kind))
  const online = (): Promise<VenueState & { kind: 'online' }> =>
    new Promise((resolve) => {
      const off = adapter.onState((state) => {
        if (state.kind !== 'online') return
        off()
        resolve(state)
      })
    })
  onTestFinished(async () => {
    await adapter.stop()
    await kept.stop()
    for (const id of running.keys()) await end(id, 0)
  })
  return { kept, adapter, states, online, running, end, parent }
}

describe('the exchange host of the desktop app', () => {
  it('is greeted, qualified to trade with, and connected to again after a restart', async () => {
    const { kept, adapter, states, online, running, end } = keptStack()
    const first = online()
    adapter.start(NO_LEASES)
    const { terms, fresh } = await first
    expect([terms.realm, terms.specs.length > 0, fresh, kept.address()]).toEqual([
      'practice',
      true,
      true,
      'port://exchange/1',
    ])
    const again = online()
    await end([...running.keys()][0]!, 9)
    const { fresh: freshAgain, terms: termsAgain } = await again
    expect([freshAgain, termsAgain.exchange === terms.exchange, kept.address()]).toEqual([
      true,
      true,
      'port://exchange/2',
    ])
    expect(states.filter((kind) => kind === 'online')).toHaveLength(2)
  })

  it('resumes its session over the same port when only the connection is lost', async () => {
    const { kept, adapter, online, running } = keptStack()
    const first = online()
    adapter.start(NO_LEASES)
    await first
    const again = online()
    // The exchange never sees a drop: a new greeting takes the old connection's place.
    new kept.WebSocket('port://exchange/1').terminate()
    expect([(await again).fresh, kept.address(), running.size]).toEqual([false, 'port://exchange/1', 1])
    const history = new Promise((resolve) => adapter.onEvent((event) => event.kind === 'history' && resolve(event)))
    adapter.reconcile({ afterReceiptSeq: 0, afterReleaseSeq: 0, openJobs: [] })
    expect(await history).toMatchObject({ receipts: [], more: false })
  })

  it('closes the exchange’s books at the end, kills nothing that ends by itself, and starts nothing afterwards', async () => {
    const { kept, adapter, online, running, parent } = keptStack()
    const first = online()
    adapter.start(NO_LEASES)
    await first
    await adapter.stop()
    await kept.stop()
    expect([running.size, parent.types, kept.address()]).toEqual([0, ['fork'], null])
  })

  /** One whose exchange hosts the test plays. */
  function played() {
    const parent = new FakeParentPort()
    const link = new ShellLink(parent, {
      onStart: () => undefined,
      onRenderer: () => undefined,
      onCloseToTray: () => undefined,
      onQuit: () => undefined,
    })
    const fake = new FakeClock()
    const lines: string[] = []
    const kept = keepExchange({
      fork: () => link.fork('exchange'),
      clock: fake,
      log,
      onProgress: (line) => lines.push(line),
      random: () => 1,
    })
    const forked = (id: number): FakeMessagePortMain => {
      const [core, port] = FakeMessagePortMain.pair()
      parent.tell({ t: 'forked', id, pid: 1_000 + id }, [core])
      port.start()
      return port
    }
    const exited = (id: number, code: number, words = ''): void => parent.tell({ t: 'exited', id, code, words })
    return { parent, fake, kept, lines, forked, exited }
  }

  it('kills an exchange that does not end, and returns', async () => {
    const { parent, fake, kept } = played()
    await settle()
    const stopped = kept.stop()
    await settle()
    expect(parent.types).toEqual(['fork'])
    await fake.advance(3_000)
    expect(parent.said.at(-1)).toEqual({ t: 'kill', id: 1, hard: false })
    await fake.advance(1_000)
    expect(parent.said.at(-1)).toEqual({ t: 'kill', id: 1, hard: true })
    await fake.advance(4_000)
    await stopped
    expect(parent.types).toEqual(['fork', 'kill', 'kill'])
  })

  it('has the same policy as headless: late, silent and busy mean the same', async () => {
    const { parent, fake, kept, lines, forked, exited } = played()
    await settle()
    const port = forked(1)
    port.postMessage({ t: 'busy', task: 'migrating', text: '3 %' })
    await fake.advance(3_600_000)
    expect([lines, parent.types, kept.address()]).toEqual([['3 %'], ['fork'], null])
    expect(kept.whyAway()).toEqual({ code: 'exchangeHost.busy', params: { text: '3 %' } })
    port.postMessage({ t: 'busy', task: null, text: '' })
    await settle()
    await fake.advance(60_000)
    expect(parent.said.at(-1)).toEqual({ t: 'kill', id: 1, hard: true })
    exited(1, 137)
    await fake.advance(250)
    forked(2).postMessage({ t: 'ready' })
    await settle()
    expect([kept.address(), kept.whyAway()]).toEqual(['port://exchange/2', null])
    await fake.advance(120_000)
    expect(parent.said.at(-1)).toEqual({ t: 'kill', id: 2, hard: true })
    exited(2, 137)
    await kept.stop()
  })

  it('starts a failing exchange again with growing pauses', async () => {
    const { parent, fake, kept, forked, exited } = played()
    await settle()
    forked(1).postMessage({ t: 'ready' })
    await settle()
    const starts = (): number => parent.types.filter((type) => type === 'fork').length
    const seen: number[] = []
    for (const [life, pause] of [250, 500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000].entries()) {
      exited(life + 1, 1)
      await settle()
      expect(kept.address()).toBeNull()
      await fake.advance(pause - 1)
      seen.push(starts())
      await fake.advance(1)
      seen.push(starts())
    }
    expect(seen).toEqual([1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9])
    exited(9, 1)
    await kept.stop()
    expect(starts()).toBe(9)
  })

  it('starts one no more that stated a reason which no start mends', async () => {
    const { parent, fake, kept, forked, exited } = played()
    await settle()
    const error = fail('db.newer', { path: 'exchange.db', version: 9_999, newest: 70 })
    forked(1).postMessage(statedEnd(error))
    await settle()
    exited(1, exitOf(error), 'its last line')
    await fake.advance(3_600_000)
    expect([parent.types, kept.address(), kept.whyAway()]).toEqual([
      ['fork'],
      null,
      { code: 'exchangeHost.failed', params: { why: error.reason } },
    ])
  })

  it('tells the venue why there is no address', async () => {
    const { kept, fake, exited } = played()
    await settle()
    exited(1, 1, 'the lock is held')
    await settle()
    const adapter = createStokerVenue({
      url: () => kept.address(),
      whyNoUrl: () => kept.whyAway(),
      key: loadOrCreateSigningKey(join(tempDir(), 'seller.key')),
      name: 'test',
      clock: fake,
      log,
      WebSocket: kept.WebSocket,
    })
    adapter.start(NO_LEASES)
    await settle()
    expect(adapter.state()).toMatchObject({
      kind: 'offline',
      reason: {
        code: 'exchangeHost.again',
        params: { why: { code: 'text', params: { text: 'the lock is held' } } },
      },
    })
    await adapter.stop()
    await kept.stop()
  })

  it('ends an attempt at once while there is no exchange', async () => {
    const { kept, exited } = played()
    await settle()
    exited(1, 1)
    await settle()
    const socket = new kept.WebSocket('port://exchange/1')
    const closed = await new Promise((resolve) =>
      socket.on('close', (_code, reason) => resolve(reason.toString('utf8'))),
    )
    expect(closed).toBe('the exchange host is not running')
  })
})
