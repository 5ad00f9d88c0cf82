/** A host that warms its model up: the engine is not loaded, jobs wait, several processes add up. */
import { describe, expect, it, onTestFinished } from 'vitest'

import type { EngineState } from '#core/engine/engine.port.ts'
import { createEngines } from '#engine/engines.ts'
import { createLog } from '#lib/log.ts'
import { FakeClock, settle } from '#test/support/fake-clock.ts'

import { ask, FOUR_SLOTS, SHA, submit } from '../engine-support.ts'
import { FakeHost } from './fake-host.ts'

const FILE = { path: '/models/a.gguf', sha256: SHA }
const LOCAL = { kind: 'local' } as const

/** Hosts that answer a load only when the test lets them. */
function heldHosts() {
  const hosts: FakeHost[] = []
  const engines = createEngines({
    clock: new FakeClock(),
    log: createLog('test').child({}, { level: 'silent' }),
    fork: () => {
      const host = new FakeHost()
      const usual = host.onRequest
      host.onRequest = (request) => {
        if (request.t !== 'load') usual(request)
      }
      hosts.push(host)
      queueMicrotask(() => host.ready())
      return Object.assign(host, { finish: () => host.got.filter(({ t }) => t === 'load').forEach(usual) })
    },
  })
  onTestFinished(() => engines.stop())
  return { engines, hosts: hosts as (FakeHost & { finish(): void })[] }
}

describe('an engine whose model warms up', () => {
  it('is not loaded, says how far it is, and sends the jobs that waited when it is', async () => {
    const { engines, hosts } = heldHosts()
    const engine = engines.of('d', LOCAL)
    const seen: EngineState[] = []
    engine.onState((state) => seen.push(state))
    const load = engine.load(FILE, FOUR_SLOTS)
    await settle()
    hosts[0]?.say({ t: 'warming', done: 2, of: 9 })
    expect(engine.state()).toEqual({ kind: 'starting', attempt: 1, warmUp: { done: 2, of: 9 } })
    submit(engine, ask('hello'))
    await settle()
    expect(hosts[0]?.got.map(({ t }) => t)).not.toContain('submit')
    hosts[0]?.finish()
    await load
    expect(engine.state().kind).toBe('loaded')
    expect(hosts[0]?.got.map(({ t }) => t)).toContain('submit')
    // What was said late changes nothing any more.
    hosts[0]?.say({ t: 'warming', done: 3, of: 9 })
    expect(engine.state().kind).toBe('loaded')
    expect(seen.at(-1)?.kind).toBe('loaded')
  })

  it('of several processes is loaded when the last one is warm; their steps are added up', async () => {
    const { engines, hosts } = heldHosts()
    const engine = engines.of('d', LOCAL)
    const load = engine.load(FILE, { ...FOUR_SLOTS, processes: 2 })
    await settle()
    expect(hosts).toHaveLength(2)
    hosts[0]?.say({ t: 'warming', done: 5, of: 9 })
    hosts[1]?.say({ t: 'warming', done: 1, of: 9 })
    expect(engine.state()).toMatchObject({ kind: 'starting', warmUp: { done: 6, of: 18 } })
    hosts[0]?.finish()
    await settle()
    expect(engine.state()).toMatchObject({ kind: 'starting', warmUp: { done: 1, of: 9 } })
    hosts[1]?.finish()
    await load
    expect(engine.state().kind).toBe('loaded')
  })
})
