import { describe, expect, it } from 'vitest'

import { fail } from '#contract/errors.ts'
import { createLocalMember } from '#engine/client/engine-client.ts'
import { createLog } from '#lib/log.ts'
import { FakeClock, settle } from '#test/support/fake-clock.ts'

import { FakeHost } from './fake-host.ts'
import { ask, ONE_SLOT, SHA, submit } from '../engine-support.ts'

const MODEL = { path: '/model.gguf', sha256: SHA }

function start({ automatic = true } = {}) {
  const clock = new FakeClock()
  const hosts: FakeHost[] = []
  const behaviour = { crashOnLoad: false }
  const engine = createLocalMember({
    clock,
    log: createLog('test').child({}, { level: 'silent' }),
    random: () => 1,
    fork: () => {
      expect(hosts.every((host) => !host.alive)).toBe(true)
      const host = new FakeHost()
      hosts.push(host)
      if (behaviour.crashOnLoad) host.onRequest = () => host.exit('SIGSEGV')
      if (automatic) queueMicrotask(() => host.ready())
      return host
    },
  })
  const states: string[] = []
  engine.onState((state) => states.push(state.kind))
  return { clock, hosts, engine, states, behaviour }
}

describe('supervision of the engine host', () => {
  it('starts nothing before it is needed', () => {
    const { hosts, engine } = start()
    expect(hosts.length).toBe(0)
    expect(engine.state()).toEqual({ kind: 'stopped' })
    expect(engine.stats().pid).toBeNull()
  })

  it('ends the jobs of a crash, backs off, loads again, and serves what waited', async () => {
    const { clock, hosts, engine, states } = start()
    await engine.load(MODEL, ONE_SLOT)
    const lost = submit(engine, ask('x'))
    hosts[0]?.exit('SIGKILL')
    expect((await lost.outcome).error?.code).toBe('ENGINE_CRASHED')
    const waits = submit(engine, ask('y'))
    await settle()
    expect(engine.state()).toMatchObject({ kind: 'backoff', attempt: 1 })
    expect(hosts.length).toBe(1)
    await clock.advance(250)
    expect(states).toEqual(['starting', 'ready', 'loaded', 'backoff', 'starting', 'loaded'])
    expect(hosts[1]?.got.map((request) => request.t)).toEqual(['load', 'submit'])
    hosts[1]?.say({
      t: 'done',
      job: waits.id,
      finish: 'stop',
      usage: { promptTokens: 1, cachedTokens: 0, generatedTokens: 1 },
      ttftMs: 1,
      durationMs: 2,
    })
    expect((await waits.outcome).finish).toBe('stop')
  })

  it('asks before every load whether the file still is the one of its hash, and loads no other after a crash', async () => {
    const { clock, hosts, engine, states } = start()
    const asked: string[] = []
    let same = true
    const check = async (): Promise<void> => {
      asked.push(states.at(-1) ?? 'stopped')
      if (!same) throw fail('model.fileReplaced', { path: MODEL.path })
    }
    await engine.load({ ...MODEL, check }, ONE_SLOT)
    hosts[0]?.exit('SIGKILL')
    await clock.advance(250)
    expect(hosts.map(({ got }) => got.map(({ t }) => t))).toEqual([['load'], ['load']])
    same = false
    hosts[1]?.exit('SIGKILL')
    const waits = submit(engine, ask('y'))
    await clock.advance(5_000)
    expect((await waits.outcome).error?.code).toBe('ENGINE_NOT_LOADED')
    expect(hosts[2]?.got).toEqual([])
    expect([engine.state(), asked.length]).toEqual([{ kind: 'ready' }, 3])
    await expect(engine.load({ ...MODEL, check }, ONE_SLOT)).rejects.toMatchObject({ code: 'MODEL_CHANGED' })
    expect(hosts[2]?.got).toEqual([])
  })

  it('breaks after three crashes without a finished job, and starts again only by retry', async () => {
    const { clock, hosts, engine } = start()
    await engine.load(MODEL, ONE_SLOT)
    for (let crash = 0; crash < 3; crash += 1) {
      hosts.at(-1)?.exit()
      await clock.advance(5_000)
    }
    expect(engine.state().kind).toBe('broken')
    await clock.advance(600_000)
    expect(hosts.length).toBe(3)
    expect((await submit(engine, ask('x')).outcome).error?.code).toBe('ENGINE_BROKEN')
    await expect(engine.load(MODEL, ONE_SLOT)).rejects.toMatchObject({ code: 'ENGINE_BROKEN' })
    await engine.retry()
    expect(engine.state()).toMatchObject({ kind: 'loaded' })
    expect(hosts.length).toBe(4)
  })

  it('forgets crashes when a job finishes in between', async () => {
    const { clock, hosts, engine } = start()
    await engine.load(MODEL, ONE_SLOT)
    for (let crash = 0; crash < 5; crash += 1) {
      const job = submit(engine, ask('x'))
      hosts.at(-1)?.say({
        t: 'done',
        job: job.id,
        finish: 'length',
        usage: { promptTokens: 1, cachedTokens: 0, generatedTokens: 1 },
        ttftMs: 1,
        durationMs: 2,
      })
      hosts.at(-1)?.exit()
      await clock.advance(250)
      expect(engine.state().kind).toBe('loaded')
    }
  })

  it('kills a host that is not ready in time, and counts it as a crash', async () => {
    const { clock, hosts, engine } = start({ automatic: false })
    const loading = engine.load(MODEL, ONE_SLOT)
    loading.catch(() => undefined)
    await clock.advance(59_999)
    expect(hosts[0]?.alive).toBe(true)
    await clock.advance(1)
    expect(hosts[0]?.kills).toEqual(['SIGKILL'])
    await expect(loading).rejects.toMatchObject({ code: 'ENGINE_CRASHED' })
  })

  it('keeps trying a model whose load crashes the host, three times and no more', async () => {
    const { clock, hosts, engine, behaviour } = start()
    await engine.load(MODEL, ONE_SLOT)
    behaviour.crashOnLoad = true
    hosts[0]?.exit()
    await clock.advance(60_000)
    expect(engine.state().kind).toBe('broken')
    expect(hosts.length).toBe(3)
  })

  it('asks, waits 600 ms, then kills; a new host waits for the old one to be gone', async () => {
    const { clock, hosts, engine } = start()
    await engine.load(MODEL, ONE_SLOT)
    const job = submit(engine, ask('x'))
    const first = hosts[0]
    if (first === undefined) throw new Error('no host')
    first.onRequest = () => undefined
    const stopped = engine.stop()
    expect((await job.outcome).error?.code).toBe('ENGINE_NOT_LOADED')
    await clock.advance(599)
    expect(first.kills).toEqual([])
    await clock.advance(1)
    expect(first.kills).toEqual(['SIGKILL'])
    await stopped
    expect(engine.state()).toEqual({ kind: 'stopped' })
    await engine.load(MODEL, ONE_SLOT)
    expect(hosts.length).toBe(2)
  })

  it('ends a held job that is cancelled, and holds at most 64 and the slots', async () => {
    const { engine, hosts } = start()
    await engine.load(MODEL, ONE_SLOT)
    hosts[0]?.exit()
    const held = Array.from({ length: 66 }, () => submit(engine, ask('x')))
    expect((await held[65]?.outcome)?.error?.code).toBe('ENGINE_BUSY')
    engine.cancel(held[0]?.id ?? '')
    expect((await held[0]?.outcome)?.finish).toBe('cancelled')
    await engine.stop()
    expect((await held[1]?.outcome)?.error?.code).toBe('ENGINE_NOT_LOADED')
  })

  it('sends priority and what is left of the deadline, also after a restart in between', async () => {
    const { clock, hosts, engine } = start()
    await engine.load(MODEL, ONE_SLOT)
    submit(engine, ask('x'), { priority: 'own', deadlineMs: 1_000 })
    submit(engine, ask('x'))
    hosts[0]?.exit()
    submit(engine, ask('held'), { priority: 'exam', deadlineMs: 5_000 })
    submit(engine, ask('held'), { deadlineMs: 100 })
    await clock.advance(250)
    const how = (host: FakeHost | undefined): unknown[] =>
      (host?.got ?? []).flatMap((message) =>
        message.t === 'submit' ? [{ priority: message.priority, deadlineMs: message.deadlineMs }] : [],
      )
    expect(how(hosts[0])).toEqual([
      { priority: 'own', deadlineMs: 1_000 },
      { priority: 'job', deadlineMs: null },
    ])
    expect(how(hosts[1])).toEqual([
      { priority: 'exam', deadlineMs: 4_750 },
      { priority: 'job', deadlineMs: 0 },
    ])
  })

  it('gives the thread limit to a restarted host again, and to a new load no more', async () => {
    const { clock, hosts, engine } = start()
    engine.setThreadLimit(3)
    await engine.load(MODEL, ONE_SLOT)
    engine.setThreadLimit(2)
    hosts[0]?.exit()
    await clock.advance(250)
    await engine.load(MODEL, { ...ONE_SLOT, slots: 2 })
    const limits = hosts.map((host) => host.got.flatMap((message) => (message.t === 'threads' ? [message.limit] : [])))
    expect(limits).toEqual([[2], [2]])
  })

  it('loads again when any setting differs, and not when none does', async () => {
    const { hosts, engine } = start()
    await engine.load(MODEL, ONE_SLOT)
    await engine.load(MODEL, { ...ONE_SLOT })
    await engine.load(MODEL, { ...ONE_SLOT, kvType: 'q8_0' })
    await engine.load(MODEL, { ...ONE_SLOT, kvType: 'q8_0', batchTokens: 64 })
    expect(hosts[0]?.got.filter((message) => message.t === 'load').length).toBe(3)
  })

  it('embeds in the host, refuses without a model, and fails what a crash interrupts', async () => {
    const { hosts, engine } = start()
    await expect(engine.embed(['x'])).rejects.toMatchObject({ code: 'ENGINE_NOT_LOADED' })
    await engine.load(MODEL, ONE_SLOT)
    const embedding = engine.embed(['x', 'y'])
    await settle()
    const asked = hosts[0]?.got.at(-1)
    expect(asked).toMatchObject({ t: 'embed', texts: ['x', 'y'] })
    hosts[0]?.say({
      t: 'result',
      id: asked?.t === 'embed' ? asked.id : -1,
      value: { vectors: [[1], [1]], promptTokens: 2 },
    })
    expect(await embedding).toEqual({ vectors: [[1], [1]], promptTokens: 2 })
    const leaving = new AbortController()
    const left = engine.embed(['x', 'y'], leaving.signal)
    await settle()
    const call = hosts[0]?.got.at(-1)
    leaving.abort()
    await expect(left).rejects.toMatchObject({ code: 'CANCELLED' })
    expect(hosts[0]?.got.at(-1)).toEqual({ t: 'cancel-embed', call: call?.t === 'embed' ? call.id : -1 })
    const lost = engine.embed(['x'])
    await settle()
    hosts[0]?.exit()
    await expect(lost).rejects.toMatchObject({ code: 'ENGINE_CRASHED' })
    await expect(engine.embed(Array.from({ length: 257 }, () => 'x'))).rejects.toMatchObject({ code: 'BAD_REQUEST' })
    await engine.stop()
  })

  it('passes on log-probabilities and tool calls, and refuses ids that the host would drop', async () => {
    const { hosts, engine } = start()
    await engine.load(MODEL, ONE_SLOT)
    const job = submit(engine, ask('x'))
    const logprobs = [{ token: 'a', bytes: [97], logprob: -1, top: [] }]
    const toolCalls = [{ id: 'call_1', name: 'look', arguments: '{}' }]
    hosts[0]?.say({ t: 'deltas', items: [{ job: job.id, text: 'a', logprobs }] })
    hosts[0]?.say({
      t: 'done',
      job: job.id,
      finish: 'stop',
      usage: { promptTokens: 1, cachedTokens: 0, generatedTokens: 1 },
      ttftMs: 1,
      durationMs: 2,
      toolCalls,
    })
    expect(await job.outcome).toMatchObject({ text: 'a', logprobs, toolCalls, finish: 'stop' })
    const code = await new Promise((resolve) =>
      engine.submit('x'.repeat(129), ask('x'), {
        onDelta: () => undefined,
        onDone: resolve,
        onError: (error) => resolve(error.code),
      }),
    )
    expect(code).toBe('BAD_REQUEST')
  })

  it('kills a host that has jobs and says nothing for a minute, and starts the next (a host that hangs in native code for good)', async () => {
    const { clock, hosts, engine } = start()
    await engine.load(MODEL, ONE_SLOT)
    await clock.advance(600_000)
    const job = submit(engine, ask('x'))
    await clock.advance(59_000)
    hosts[0]?.say({ t: 'deltas', items: [{ job: job.id, text: 'a' }] })
    await clock.advance(50_000)
    expect(hosts[0]?.kills).toEqual([])
    await clock.advance(11_000)
    expect(hosts[0]?.kills).toEqual(['SIGKILL'])
    expect((await job.outcome).error?.code).toBe('ENGINE_CRASHED')
    expect(hosts.length).toBe(2)
    expect(engine.state().kind).toBe('loaded')
  })

  it('kills one that answers pings and does nothing for its job (steps that hang beside a free event loop)', async () => {
    const { clock, hosts, engine } = start()
    await engine.load(MODEL, ONE_SLOT)
    const job = submit(engine, ask('x'))
    for (let second = 0; second < 60; second += 1) {
      await clock.advance(1_000)
      const ping = hosts[0]?.got.findLast(({ t }) => t === 'ping')
      if (ping?.t === 'ping') hosts[0]?.say({ t: 'pong', n: ping.n })
    }
    expect([hosts[0]?.kills, (await job.outcome).error?.code]).toEqual([['SIGKILL'], 'ENGINE_CRASHED'])
  })

  it('lets a host without jobs be silent, also after its last one', async () => {
    const { clock, hosts, engine } = start()
    await engine.load(MODEL, ONE_SLOT)
    const job = submit(engine, ask('x'))
    hosts[0]?.say({
      t: 'done',
      job: job.id,
      finish: 'length',
      usage: { promptTokens: 1, cachedTokens: 0, generatedTokens: 1 },
      ttftMs: 1,
      durationMs: 2,
    })
    await clock.advance(600_000)
    expect(hosts[0]?.kills).toEqual([])
    expect(clock.waiting, 'its pulse, and nothing else').toBe(1)
  })

  it('leaves nothing waiting behind when stopped', async () => {
    const { clock, engine } = start()
    await engine.load(MODEL, ONE_SLOT)
    await engine.stop()
    await settle()
    expect(clock.waiting).toBe(0)
  })
})
