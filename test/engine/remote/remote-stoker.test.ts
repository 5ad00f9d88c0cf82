/** Remote engines before Stoker's own endpoint in a process of its own: one rig may serve what another one runs. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { EnginePort } from '#core/engine/engine.port.ts'
import { startOwnUseProcess, type OwnUseProcess } from '#test/support/own-use.ts'

import { engineOver, FILE, SETTINGS } from './remote-support.ts'
import { ask, run, submit } from '../engine-support.ts'

const KEY = 'sk-own-use-of-another-rig'
let other: OwnUseProcess
beforeAll(async () => {
  other = await startOwnUseProcess(KEY)
}, 180_000)
afterAll(() => other?.end())

const over = (key: string | null): EnginePort => engineOver([{ url: other.url, key }], undefined, 2, 'nano')

describe("Stoker's own endpoint", () => {
  it('is an engine like any other: model, text, counts, schema, log-probabilities', async () => {
    const engine = over(KEY)
    expect(await engine.load(FILE, SETTINGS)).toMatchObject({ engine: 'Stoker', contextTokens: 192, slots: 2 })
    const first = await run(engine, ask('hello', { ignoreEos: true }))
    expect(first).toMatchObject({ finish: 'length', error: null, usage: { generatedTokens: 24 } })
    expect((await run(engine, ask('hello', { ignoreEos: true }))).text).toBe(first.text)
    const json = await run(
      engine,
      ask('x', {
        maxTokens: 64,
        jsonSchema: {
          type: 'object',
          properties: { ok: { type: 'boolean' } },
          required: ['ok'],
          additionalProperties: false,
        },
      }),
    )
    expect(JSON.parse(json.text)).toEqual({ ok: expect.any(Boolean) as boolean })
    const described = await run(engine, { ...ask('hello', { ignoreEos: true, maxTokens: 3 }), logprobs: 1 })
    expect(described.logprobs.map(({ top }) => top.length)).toEqual([1, 1, 1])
    expect((await run(engine, ask('word '.repeat(500)))).error).toMatchObject({ code: 'CONTEXT_TOO_LONG' })
  })

  it('a cancel frees its slot; four jobs share two', async () => {
    const engine = over(KEY)
    await engine.load(FILE, SETTINGS)
    const jobs = Array.from({ length: 4 }, () => submit(engine, ask('hello', { maxTokens: 120, ignoreEos: true })))
    await jobs[0]?.firstDelta
    for (const { id } of jobs.slice(0, 3)) engine.cancel(id)
    expect((await Promise.all(jobs.map(({ outcome }) => outcome))).map(({ finish }) => finish)).toEqual([
      'cancelled',
      'cancelled',
      'cancelled',
      'length',
    ])
  })

  it('refuses another key', async () => {
    await expect(over('sk-wrong').load(FILE, SETTINGS)).rejects.toMatchObject({
      code: 'ENGINE_REFUSED',
      data: { status: 401 },
    })
  })
})
