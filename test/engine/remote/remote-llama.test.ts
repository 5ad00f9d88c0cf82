/** Remote engines before a real llama-server, an independent process that knows nothing of Stoker. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { EnginePort } from '#core/engine/engine.port.ts'
import type { EnginesPort, RemoteEndpoint } from '#core/engine/engines.port.ts'
import { createEngines } from '#engine/engines.ts'
import { systemClock } from '#lib/system-clock.ts'
import { createLog } from '#lib/log.ts'
import { llamaServerPath, startLlamaServer, type LlamaServer } from '#test/support/llama-server.ts'

import { ask, run, SHA, submit } from '../engine-support.ts'
import { until } from '../../support/until.ts'

const FILE = { path: '', sha256: SHA }
const SETTINGS = { contextTokens: 512, slots: 4, threads: 1, gpuLayers: 0, prefixReuse: true }
const KEY = 'sk-test-key-of-a-llama-server'
/** Goes on for seconds: the context is shifted, and no end token ends it. */
const LONG = { ...ask('x'), maxTokens: 8_000, ignoreEos: true }

describe.skipIf(llamaServerPath() === null)(
  'a real llama-server (skipped where none is: `npm run bench:reference` builds one, STOKER_LLAMA_SERVER names one)',
  () => {
    let open: LlamaServer
    let locked: LlamaServer
    let engines: EnginesPort
    let serial = 0
    beforeAll(async () => {
      const servers = await Promise.all([
        startLlamaServer({ more: ['--context-shift'] }),
        startLlamaServer({ more: ['--context-shift', '--api-key', KEY] }),
      ])
      ;[open, locked] = servers
      engines = createEngines({
        clock: systemClock,
        log: createLog('test').child({}, { level: 'silent' }),
        fork: () => {
          throw new Error('nothing local here')
        },
      })
    }, 90_000)
    afterAll(async () => {
      await engines?.stop()
      await Promise.all([open?.kill(), locked?.kill()])
    })

    const engineOver = (...endpoints: RemoteEndpoint[]): EnginePort =>
      engines.of(`d${(serial += 1)}`, { kind: 'remote', model: 'nano', contextTokens: 512, endpoints })
    const atOpen = (slots = 8): RemoteEndpoint => ({ url: open.url, key: null, slots })
    const atLocked = (key: string | null = KEY): RemoteEndpoint => ({ url: locked.url, key, slots: 8 })
    const busySlots = async (): Promise<number> => {
      const slots = (await (await fetch(`${open.url}/slots`)).json()) as { is_processing: boolean }[]
      return slots.filter(({ is_processing: busy }) => busy).length
    }

    it('says what it is: its own slots and context, not more than it has', async () => {
      const model = await engineOver(atOpen()).load(FILE, SETTINGS)
      expect(model).toMatchObject({ slots: 4, contextTokens: 192, device: open.host, sha256: SHA })
      expect(model.engine).toMatch(/^llama-server b\d+-\w+/)
      expect(await engines.remoteModels(atOpen())).toEqual([{ id: 'nano', contextTokens: 192 }])
    })

    it('streams, counts, reuses a prompt, is greedy, and follows a schema', async () => {
      const engine = engineOver(atOpen())
      await engine.load(FILE, SETTINGS)
      const first = await run(engine, { ...ask('the same prompt, long enough to be worth keeping'), ignoreEos: true })
      expect(first).toMatchObject({ finish: 'length', usage: { generatedTokens: 24, cachedTokens: 0 }, error: null })
      expect(first.deltas.length).toBeGreaterThan(5)
      const second = await run(engine, { ...ask('the same prompt, long enough to be worth keeping'), ignoreEos: true })
      expect(second.text).toBe(first.text)
      expect(second.usage).toMatchObject({ promptTokens: first.usage.promptTokens })
      expect(second.usage.cachedTokens).toBeGreaterThan(first.usage.promptTokens / 2)
      const json = await run(engine, {
        ...ask('x'),
        maxTokens: 64,
        jsonSchema: {
          type: 'object',
          properties: { ok: { type: 'boolean' } },
          required: ['ok'],
          additionalProperties: false,
        },
      })
      expect(JSON.parse(json.text)).toEqual({ ok: expect.any(Boolean) as boolean })
      expect(engine.stats().speed.perStream[0]).toBeGreaterThan(0)
    })

    it('log-probabilities and a plain prompt', async () => {
      const engine = engineOver(atOpen())
      await engine.load(FILE, SETTINGS)
      const tops: number[] = []
      await new Promise((resolve) =>
        engine.submit(
          'p',
          { ...ask('x'), logprobs: 2, ignoreEos: true, maxTokens: 3 },
          {
            onDelta: (_text, logprobs) => void tops.push(...(logprobs ?? []).map(({ top }) => top.length)),
            onDone: resolve,
            onError: resolve,
          },
        ),
      )
      expect(tops).toEqual([2, 2, 2])
      expect(
        await run(engine, { ...ask('x'), messages: [], prompt: 'once upon', maxTokens: 3, ignoreEos: true }),
      ).toMatchObject({
        finish: 'length',
        usage: { generatedTokens: 3 },
      })
    })

    it('a prompt that does not fit is CONTEXT_TOO_LONG, and the server goes on', async () => {
      const engine = engineOver(atOpen())
      await engine.load(FILE, SETTINGS)
      expect((await run(engine, ask('word '.repeat(2_000)))).error).toMatchObject({ code: 'CONTEXT_TOO_LONG' })
      expect((await run(engine, ask('hi'))).error).toBeNull()
      await expect(engine.embed(['text'])).rejects.toMatchObject({ code: 'MODEL_UNSUPPORTED' })
    })

    it('a cancel frees the slot', async () => {
      const engine = engineOver(atOpen())
      await engine.load(FILE, SETTINGS)
      const jobs = Array.from({ length: 4 }, () => submit(engine, LONG))
      await Promise.all(jobs.map(({ firstDelta }) => firstDelta))
      expect(await busySlots()).toBe(4)
      for (const { id } of jobs) engine.cancel(id)
      expect((await Promise.all(jobs.map(({ outcome }) => outcome))).map(({ finish }) => finish)).toEqual(
        Array(4).fill('cancelled'),
      )
      // Were a slot still taken, this one would wait for thousands of tokens.
      expect(await run(engine, ask('hi'))).toMatchObject({ error: null })
      await until('every slot to be free', async () => (await busySlots()) === 0)
    })

    it('takes the right key, refuses the wrong one and none', async () => {
      const engine = engineOver(atLocked())
      await engine.load(FILE, SETTINGS)
      expect((await run(engine, ask('hi'))).error).toBeNull()
      for (const key of ['sk-wrong', null])
        await expect(engineOver(atLocked(key)).load(FILE, SETTINGS)).rejects.toMatchObject({
          code: 'ENGINE_REFUSED',
          data: { status: 401 },
          message: expect.not.stringContaining('sk-') as string,
        })
    })

    it('gives vectors of length 1, the same for the same text, where the server was started for it', async () => {
      const embedder = await startLlamaServer({ more: ['--embedding', '--pooling', 'mean'] })
      try {
        const engine = engineOver({ url: embedder.url, key: null, slots: 4 })
        await engine.load(FILE, SETTINGS)
        const { vectors, promptTokens } = await engine.embed(['rain', 'a stone on a table', 'rain'])
        expect(vectors.map((vector) => Math.hypot(...vector))).toEqual(
          [1, 1, 1].map((one) => expect.closeTo(one, 5) as number),
        )
        expect(vectors[2]).toEqual(vectors[0])
        expect(vectors[1]).not.toEqual(vectors[0])
        expect(promptTokens).toBeGreaterThan(3)
      } finally {
        await embedder.kill()
      }
    })

    it('killed while it was idle, what is sent there next is answered by the other server', async () => {
      const mortal = await startLlamaServer()
      const engine = engineOver({ url: mortal.url, key: null, slots: 2 }, atLocked())
      await engine.load(FILE, SETTINGS)
      expect((await run(engine, ask('hi'))).error).toBeNull()
      await mortal.kill()
      // Nobody knows it yet: the least loaded endpoint is the dead one.
      expect(engine.stats().processes.map(({ state }) => state)).toEqual(['loaded', 'loaded'])
      const after = await Promise.all(Array.from({ length: 3 }, () => run(engine, ask('hi'))))
      expect(after.map(({ error }) => error)).toEqual([null, null, null])
      expect(engine.stats().processes.map(({ state }) => state)).toEqual(['unreachable', 'loaded'])
    })

    it('killed in the middle of an answer, that job fails and no other', async () => {
      const engine = engineOver({ ...atOpen(), slots: 1 }, atLocked())
      await engine.load(FILE, SETTINGS)
      const speaking = submit(engine, LONG)
      await speaking.firstDelta
      const other = submit(engine, LONG)
      await other.firstDelta
      await open.kill()
      expect((await speaking.outcome).error).toMatchObject({ code: 'ENGINE_CRASHED' })
      expect((await run(engine, ask('hi'))).error).toBeNull()
      engine.cancel(other.id)
      expect(await other.outcome).toMatchObject({ finish: 'cancelled', error: null })
      expect(engine.state()).toMatchObject({ kind: 'loaded', model: { device: locked.host } })
    })
  },
)
