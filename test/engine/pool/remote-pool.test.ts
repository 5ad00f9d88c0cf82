/**
 * Several scripted servers as one engine: spreading, failover, coming and going; and what is known before anything
 * runs.
 */
import type { ServerResponse } from 'node:http'

import { describe, expect, it } from 'vitest'

import { FakeClock } from '#test/support/fake-clock.ts'
import { last, ok, open, textChunk, refuse, stream } from '#test/support/fake-openai-server.ts'
import { until } from '#test/support/until.ts'

import { engineOver, enginesWithoutHosts, FILE, loaded, SETTINGS, start } from '../remote/remote-support.ts'
import { ask, run, submit, whenState } from '../engine-support.ts'

describe('several endpoints', () => {
  const two = async () => [await start(), await start()] as const

  it('spreads the jobs, and waits in front when all slots are taken', async () => {
    const [first, second] = await two()
    first.replies = second.replies = [open(textChunk('a'))]
    const engine = await loaded([first, second], undefined, 1)
    const jobs = [submit(engine, ask('a')), submit(engine, ask('b')), submit(engine, ask('c'))]
    await Promise.all([jobs[0]?.firstDelta, jobs[1]?.firstDelta])
    expect(engine.stats()).toMatchObject({ running: 2, queued: 1, slots: 2 })
    expect(engine.stats().processes.map(({ name, state }) => [name, state])).toEqual([
      [first.host, 'loaded'],
      [second.host, 'loaded'],
    ])
    engine.cancel(jobs[1]!.id)
    await jobs[2]?.firstDelta
    expect([first.calls.length, second.calls.length]).toEqual([1, 2])
  })

  it.each([
    ['429', refuse(429)],
    ['500', refuse(500)],
    ['503', refuse(503)],
    ['a key it does not take', refuse(401)],
    ['a connection cut before the first chunk', (response: ServerResponse) => void response.destroy()],
    ['an end without an answer', stream()],
  ])('goes to the other one on %s', async (_name, reply) => {
    const [first, second] = await two()
    first.replies = [reply]
    const engine = await loaded([first, second])
    expect((await run(engine, ask('hi'))).text).toBe('Hello')
    expect(first.calls.length).toBeGreaterThan(0)
    expect(second.calls).toHaveLength(1)
  })

  it('a refusal of the request itself goes nowhere else', async () => {
    const [first, second] = await two()
    first.replies = [refuse(400)]
    const engine = await loaded([first, second])
    expect((await run(engine, ask('hi'))).error).toMatchObject({ code: 'ENGINE_REFUSED', data: { status: 400 } })
    expect(second.calls).toHaveLength(0)
  })

  it('an endpoint that says it is busy rests for as long as it says', async () => {
    const clock = new FakeClock()
    const [first, second] = await two()
    first.replies = [refuse(429, {}, { 'retry-after': '7' }), ok]
    const engine = await loaded([first, second], clock)
    for (let job = 0; job < 3; job += 1) await run(engine, ask('hi'))
    expect([first.calls.length, second.calls.length]).toEqual([1, 3])
    await clock.advance(7_000)
    await run(engine, ask('hi'))
    expect(first.calls).toHaveLength(2)
  })

  it('one that dies in the middle of an answer fails that job and no other; it comes back by itself', async () => {
    const clock = new FakeClock()
    const [first, second] = await two()
    first.replies = [open(textChunk('half'))]
    const engine = await loaded([first, second], clock)
    const cut = submit(engine, ask('hi'))
    await cut.firstDelta
    await first.kill()
    expect(await cut.outcome).toMatchObject({ text: 'half', error: { code: 'ENGINE_CRASHED' } })
    expect(await run(engine, ask('hi'))).toMatchObject({ text: 'Hello' })
    await until('the first to be unreachable', () => engine.stats().processes[0]?.state === 'unreachable')
    expect(engine.state()).toMatchObject({ kind: 'loaded', model: { slots: 2, device: second.host } })
    first.replies = [ok]
    await first.revive()
    await until('the first to be back', async () => {
      await clock.advance(1_000)
      return engine.stats().processes[0]?.state === 'loaded'
    })
    expect(engine.state()).toMatchObject({ kind: 'loaded', model: { slots: 4 } })
  })

  it('none left: jobs fail at once, waiting ones too, until one answers', async () => {
    const server = await start((fake) => (fake.replies = [open(textChunk('a'))]))
    const engine = await loaded([server], undefined, 1)
    const [running, waiting] = [submit(engine, ask('a')), submit(engine, ask('b'))]
    await running.firstDelta
    await server.kill()
    expect((await running.outcome).error).toMatchObject({ code: 'ENGINE_CRASHED' })
    expect((await waiting.outcome).error).toMatchObject({ code: 'ENGINE_UNREACHABLE' })
    expect((await run(engine, ask('c'))).error).toMatchObject({ code: 'ENGINE_UNREACHABLE' })
    expect(engine.state().kind).toBe('backoff')
    await server.revive()
    server.replies = [ok]
    await engine.retry()
    expect((await run(engine, ask('d'))).text).toBe('Hello')
  })
})

describe('loading', () => {
  it('is refused with what the server offers, when it has not the model', async () => {
    const server = await start((fake) => (fake.models = [{ id: 'other' }]))
    await expect(engineOver([server]).load(FILE, SETTINGS)).rejects.toMatchObject({
      code: 'ENGINE_REFUSED',
      message: `${server.host} does not offer fake-model. It offers: other.`,
    })
  })

  it('says what is wrong: nobody there, another kind of server, a wrong key, an address that is none', async () => {
    const gone = await start()
    await gone.kill()
    await expect(engineOver([gone]).load(FILE, SETTINGS)).rejects.toMatchObject({
      code: 'ENGINE_UNREACHABLE',
      message: expect.stringContaining('ECONNREFUSED') as string,
    })
    const html = await start((fake) => (fake.list = (response) => response.end('<html>hello</html>')))
    await expect(engineOver([html]).load(FILE, SETTINGS)).rejects.toMatchObject({ code: 'ENGINE_REFUSED' })
    const locked = await start((fake) => (fake.key = 'right'))
    await expect(engineOver([{ url: locked.url, key: 'wrong' }]).load(FILE, SETTINGS)).rejects.toMatchObject({
      code: 'ENGINE_REFUSED',
      data: { status: 401 },
    })
    expect(() => engineOver([{ url: 'http://user:password@host' }])).toThrow(/no address of a server/)
  })

  it('one of two will do; the other one joins when it is there', async () => {
    const clock = new FakeClock()
    const [first, second] = [await start(), await start()]
    await second.kill()
    const engine = engineOver([first, second], clock)
    expect(await engine.load(FILE, SETTINGS)).toMatchObject({ slots: 2, device: first.host })
    await second.revive()
    const joined = Promise.withResolvers<void>()
    engine.onState((state) => state.kind === 'loaded' && state.model.slots === 4 && joined.resolve())
    await until('the other one to join', async () => {
      await clock.advance(1_000)
      const state = engine.state()
      return state.kind === 'loaded' && state.model.slots === 4
    })
    await joined.promise
    expect(engine.state()).toMatchObject({ model: { device: `${first.host}, ${second.host}` } })
  })

  it('asks for the health while loaded, and not afterwards', async () => {
    const clock = new FakeClock()
    const server = await start((fake) => (fake.paths['/health'] = refuse(200, { status: 'ok' })))
    const engine = await loaded([server], clock)
    await clock.advance(10_000)
    await until('the second look', () => server.listed >= 2)
    server.paths['/health'] = refuse(503)
    const down = whenState(engine, 'backoff')
    await until('it to be down', async () => {
      await clock.advance(1_000)
      return engine.state().kind === 'backoff'
    })
    await down
    await engine.unload()
    expect(engine.state().kind).toBe('ready')
    const { listed } = server
    await clock.advance(60_000)
    expect(server.listed).toBe(listed)
  })

  it('lists what a server offers before anything is connected', async () => {
    const server = await start(
      (fake) => (fake.models = [{ id: 'a', max_model_len: 100 }, { id: 'b', meta: { n_ctx: 50 } }, { id: 'c' }]),
    )
    expect(await enginesWithoutHosts().remoteModels({ url: server.url, key: null })).toEqual([
      { id: 'a', contextTokens: 100 },
      { id: 'b', contextTokens: 50 },
      { id: 'c', contextTokens: null },
    ])
  })
})

describe('embeddings and figures', () => {
  it('gives vectors of length 1 in the order of the texts', async () => {
    const server = await start((fake) => {
      const data = [
        { index: 1, embedding: [0, 2] },
        { index: 0, embedding: [3, 4] },
      ]
      fake.paths['/v1/embeddings'] = refuse(200, { data, usage: { prompt_tokens: 5 } })
    })
    const engine = await loaded([server])
    expect(await engine.embed(['a', 'b'])).toEqual({
      vectors: [
        [0.6, 0.8],
        [0, 1],
      ],
      promptTokens: 5,
    })
    await expect(engine.embed(['a'], AbortSignal.abort())).rejects.toMatchObject({ code: 'CANCELLED' })
    server.paths['/v1/embeddings'] = refuse(501, { error: { message: 'This server does not support embeddings.' } })
    await expect(engine.embed(['a'])).rejects.toMatchObject({ code: 'MODEL_UNSUPPORTED' })
  })

  it('measures while it serves', async () => {
    const clock = new FakeClock()
    let finish = (): void => undefined
    const server = await start(
      (fake) =>
        (fake.replies = [
          (response) => {
            open(textChunk('a'))(response, null as never)
            finish = () =>
              void response.end(
                Array.from({ length: 8 }, () => textChunk('b')).join('') +
                  last('stop', { prompt_tokens: 100, completion_tokens: 9 }),
              )
          },
        ]),
    )
    const engine = await loaded([server], clock)
    expect(engine.stats().speed).toEqual({
      promptTokensPerSecond: null,
      perStream: [null, null].slice(0, engine.stats().speed.perStream.length),
    })
    const job = submit(engine, ask('hi'))
    await job.firstDelta
    await clock.advance(2_000)
    finish()
    await job.outcome
    expect(engine.stats()).toMatchObject({ promptTokens: 100, cachedTokens: 0, speed: { perStream: [4, null] } })
  })
})
