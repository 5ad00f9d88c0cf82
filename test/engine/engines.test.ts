/** All engines of the rig: real processes on the nano model, and a played host where only the bookkeeping matters. */
import { afterEach, describe, expect, it } from 'vitest'

import type { StokerError } from '#contract/errors.ts'
import type { EngineSettings, ModelInspection } from '#core/engine/engine.port.ts'
import type { EnginesPort } from '#core/engine/engines.port.ts'
import type { ForkedHost } from '#engine/client/engine-client.ts'
import { createEngines } from '#engine/engines.ts'
import { forkEngineChild } from '#engine/client/fork-child.ts'
import { systemClock } from '#lib/system-clock.ts'
import { createLog } from '#lib/log.ts'
import { FakeClock } from '#test/support/fake-clock.ts'

import { FakeHost } from './client/fake-host.ts'
import { ask, FOUR_SLOTS, NANO, ONE_SLOT, run, SHA } from './engine-support.ts'
import { until } from '../support/until.ts'

const log = createLog('test').child({}, { level: 'silent' })
const FILE = { path: NANO, sha256: SHA }
const LOCAL = { kind: 'local' } as const
const made: EnginesPort[] = []
afterEach(() => Promise.all(made.splice(0).map((engines) => engines.stop())))

/** Hosts that are ready at once; `onInspect` answers a file. */
function fakeEngines(
  onInspect: (host: FakeHost, id: number, path: string) => void = (host, id) =>
    host.say({ t: 'result', id, value: {} as ModelInspection }),
) {
  const clock = new FakeClock()
  const hosts: FakeHost[] = []
  const fork = (): ForkedHost => {
    const host = new FakeHost()
    const usual = host.onRequest
    host.onRequest = (request) => (request.t === 'inspect' ? onInspect(host, request.id, request.path) : usual(request))
    hosts.push(host)
    queueMicrotask(() => host.ready())
    return host
  }
  const engines = createEngines({ fork, clock, log })
  made.push(engines)
  return { engines, clock, hosts }
}

describe('reading headers', () => {
  it('has a process of its own, which ends when it is idle and starts again when needed', async () => {
    const { engines, clock, hosts } = fakeEngines()
    const engine = engines.of('d1', LOCAL)
    await engine.load(FILE, ONE_SLOT)
    await engines.inspect(NANO)
    await clock.advance(20_000)
    await engines.inspect(NANO)
    await clock.advance(29_000)
    expect(hosts.map(({ alive }) => alive)).toEqual([true, true])
    await clock.advance(1_000)
    expect(hosts.map(({ alive }) => alive)).toEqual([true, false])
    await engines.inspect(NANO)
    expect(hosts.map(({ got }) => got.filter(({ t }) => t === 'inspect').length)).toEqual([0, 2, 1])
  })

  it('reads one file after another, and no more than its bound waits', async () => {
    const asked: number[] = []
    const { engines, hosts } = fakeEngines((_host, id) => void asked.push(id))
    const reads = Array.from({ length: 33 }, () => engines.inspect(NANO))
    await expect(reads[32]).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    for (let read = 0; read < 32; read += 1) {
      await until(`reading ${read}`, () => asked.length > read)
      expect(asked).toHaveLength(read + 1)
      hosts[0]?.say({ t: 'result', id: asked[read]!, value: {} as ModelInspection })
    }
    await Promise.all(reads.slice(0, 32))
  })

  /** What becomes of reading a file; the host crashes so many times in it. */
  function crashing(crashes: Record<string, number>) {
    const { engines, clock, hosts } = fakeEngines((host, id, path) => {
      const left = crashes[path] ?? 0
      crashes[path] = left - 1
      if (left > 0) host.exit('SIGABRT')
      else host.say({ t: 'result', id, value: {} as ModelInspection })
    })
    const read = async (path: string, settings: Partial<EngineSettings> = {}): Promise<unknown> => {
      const result = engines.inspect(path, settings).then(
        () => 'read',
        ({ code, reason }: StokerError) => [code, reason],
      )
      await clock.advance(10_000)
      return result
    }
    return { read, hosts }
  }

  it('names a file in which the host crashes twice in a row; once may have another cause', async () => {
    const { read, hosts } = crashing({ '/once.gguf': 1, '/twice.gguf': 2 })
    expect(await read('/once.gguf')).toBe('read')
    expect(await read('/twice.gguf')).toEqual([
      'MODEL_UNSUPPORTED',
      { code: 'gguf.aborts', params: { path: '/twice.gguf' } },
    ])
    expect(hosts.flatMap(({ got }) => got).filter(({ t }) => t === 'inspect')).toHaveLength(4)
  })

  it('blames the settings of a file that is read without them, and the file where it is not', async () => {
    const { read } = crashing({ '/large.gguf': 2, '/bad.gguf': 3 })
    const settings = { contextTokens: 1_000_000, gpuLayers: 1_000 }
    expect(await read('/large.gguf', settings)).toMatchObject(['ENGINE_LOAD_FAILED', { code: 'engine.settingsAbort' }])
    expect(await read('/bad.gguf', settings)).toMatchObject(['MODEL_UNSUPPORTED', { code: 'gguf.aborts' }])
  })

  it('reads the next good file after several bad ones', async () => {
    const { read } = crashing({ '/a.gguf': 2, '/b.gguf': 2, '/c.gguf': 2 })
    for (const path of ['/a.gguf', '/b.gguf', '/c.gguf'])
      expect(await read(path)).toMatchObject(['MODEL_UNSUPPORTED', { params: { path } }])
    expect(await read('/good.gguf')).toBe('read')
  })

  it('ends a host that hangs in a file, and reads the next one in another', async () => {
    const { engines, clock, hosts } = fakeEngines((host, id, path) => {
      if (path !== '/hangs.gguf') host.say({ t: 'result', id, value: {} as ModelInspection })
    })
    const hanging = engines.inspect('/hangs.gguf').then(String, ({ code }: StokerError) => code)
    await clock.advance(61_000)
    expect(await hanging).toBe('TIMEOUT')
    await engines.inspect('/good.gguf')
    expect(hosts.map(({ alive }) => alive)).toEqual([false, true])
  })
})

describe('hosts of no deployment', () => {
  it('end at once when told to, with what waits for them; deployments go on, and the next reading starts another', async () => {
    const { engines, hosts } = fakeEngines(() => undefined)
    const engine = engines.of('d1', LOCAL)
    await engine.load(FILE, ONE_SLOT)
    const codes = [engines.inspect(NANO), engines.inspect(NANO)].map((read) =>
      read.then(String, ({ code }: { code: string }) => code),
    )
    await until('a host that reads', () => hosts.length === 2)
    await engines.endHelpers()
    expect(await Promise.all(codes)).toEqual(['CANCELLED', 'CANCELLED'])
    expect(hosts.map(({ alive }) => alive)).toEqual([true, false])
    void engines.inspect(NANO).catch(() => undefined)
    await until('another host that reads', () => hosts.length === 3)
  })

  it('that measure end too', async () => {
    const { engines, hosts, clock } = fakeEngines(() => undefined)
    const measuring = engines
      .calibrate(FILE, ONE_SLOT, { signal: new AbortController().signal, onProgress: () => undefined })
      .catch(({ code }: { code: string }) => code)
    await until('a host that measures', async () => {
      await clock.advance(250)
      return hosts.length > 0
    })
    await engines.endHelpers()
    expect(await measuring).toBe('CANCELLED')
    expect(hosts.map(({ alive }) => alive)).toEqual([false])
  })
})

describe('deployments', () => {
  it('is the same engine each time, until it is released', async () => {
    const { engines, hosts } = fakeEngines()
    const engine = engines.of('d1', LOCAL)
    expect(engines.of('d1', LOCAL)).toBe(engine)
    expect(engines.of('d2', LOCAL)).not.toBe(engine)
    await engine.load(FILE, ONE_SLOT)
    await engines.release('d1')
    expect(hosts[0]?.alive).toBe(false)
    expect(engines.of('d1', LOCAL)).not.toBe(engine)
  })

  it('ends everything in parallel: three hosts that do not go take a second together', async () => {
    const { engines, clock, hosts } = fakeEngines()
    await Promise.all(['a', 'b'].map((id) => engines.of(id, LOCAL).load(FILE, ONE_SLOT)))
    await engines.inspect(NANO)
    for (const host of hosts) host.onRequest = () => undefined
    const stopped = engines.stop()
    await clock.advance(1_000)
    await stopped
    expect(hosts.map(({ kills }) => kills)).toEqual([['SIGKILL'], ['SIGKILL'], ['SIGKILL']])
    await expect(engines.inspect(NANO)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  })

  it('refuses a pool without servers, and an address that is none', () => {
    const { engines } = fakeEngines()
    const remote = { kind: 'remote', model: 'm', contextTokens: 64 } as const
    expect(() => engines.of('r', { ...remote, endpoints: [] })).toThrow(/1 to 16 servers/)
    expect(() => engines.of('r', { ...remote, endpoints: [{ url: 'ftp://x', key: null, slots: 1 }] })).toThrow(
      /no address/,
    )
  })
})

describe('two real processes', () => {
  it('share the jobs; when one is killed the other answers what it had not begun to', async () => {
    const forks: ForkedHost[] = []
    const engines = createEngines({
      clock: systemClock,
      log,
      fork: () => {
        const host = forkEngineChild()
        forks.push(host)
        return host
      },
    })
    made.push(engines)
    const engine = engines.of('d1', LOCAL)
    const model = await engine.load(FILE, { ...FOUR_SLOTS, processes: 2, threads: 2 })
    expect(model.slots).toBe(4)
    const alone = await run(engine, ask('hello', { ignoreEos: true }))
    const together = await Promise.all(Array.from({ length: 6 }, () => run(engine, ask('hello', { ignoreEos: true }))))
    // Whichever process, however many threads: greedy text is the same.
    expect(new Set(together.map(({ text }) => text))).toEqual(new Set([alone.text]))

    // The first process takes its jobs and says nothing; they are answered by the other when it dies.
    process.kill(forks[0]?.pid ?? 0, 'SIGSTOP')
    const jobs = Array.from({ length: 4 }, () => run(engine, ask('hello', { ignoreEos: true })))
    await jobs[1]
    forks[0]?.kill('SIGKILL')
    expect((await Promise.all(jobs)).map(({ text }) => text)).toEqual(Array(4).fill(alone.text))
    expect(engine.state()).toMatchObject({ kind: 'loaded', model: { slots: 2 } })
  })
})
