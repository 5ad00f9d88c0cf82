import { readdirSync, readFileSync } from 'node:fs'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { bytes4 } from '#contract/bytes4.ts'
import { StokerError } from '#contract/errors.ts'

import { ask, FOUR_SLOTS, NANO, ONE_SLOT, realEngine, run, SHA, submit } from '../engine-support.ts'

const QUESTIONS = [
  'What is 8 + 11? Answer with the number only.',
  'Add 9 and 3. Answer with the number only.',
  'Which is larger, 14 or 90? Answer with the number only.',
  'Write the word apple in capital letters.',
]

describe('the engine on the bundled model', () => {
  const { engine, forks } = realEngine()
  beforeAll(async () => {
    await engine.load({ path: NANO, sha256: SHA }, FOUR_SLOTS)
  })
  afterAll(() => engine.stop())

  it('loads, streams, and counts', async () => {
    expect(engine.state()).toMatchObject({
      kind: 'loaded',
      model: { sha256: SHA, slots: 4, engine: 'node-llama-cpp 3.22.1' },
    })
    const { text, deltas, finish, usage, error, ttftMs, durationMs } = await run(engine, ask(QUESTIONS[0] ?? ''))
    expect({ error, finish }).toEqual({ error: null, finish: 'stop' })
    expect(text.trim()).toMatch(/^\d+$/)
    expect(deltas.every((delta) => delta !== '')).toBe(true)
    expect(usage.promptTokens).toBeGreaterThan(10)
    expect(usage.generatedTokens).toBeGreaterThan(0)
    expect(usage.cachedTokens).toBe(0)
    expect(ttftMs).toBeLessThanOrEqual(durationMs)
  })

  it.runIf(process.platform === 'linux')(
    'works below the owner’s programs with every thread (a desktop that stutters while jobs run)',
    () => {
      const tasks = `/proc/${forks[0]?.pid}/task`
      // Field 19 of stat, counted behind the name, which may hold blanks.
      const niceness = readdirSync(tasks).map(
        (task) => readFileSync(`${tasks}/${task}/stat`, 'utf8').split(') ').at(-1)?.split(' ')[16],
      )
      expect(niceness.length).toBeGreaterThan(1)
      expect(new Set(niceness)).toEqual(new Set(['5']))
    },
  )

  it('answers four at once as each would be answered alone', async () => {
    const long = QUESTIONS.map((question) => ask(question, { ignoreEos: true, maxTokens: 80 }))
    const alone = []
    for (const request of long) alone.push((await run(engine, request)).text)
    const together = await Promise.all(long.map((request) => run(engine, request)))
    expect(together.map((outcome) => outcome.text)).toEqual(alone)
    expect(new Set(alone).size).toBeGreaterThan(1)
  })

  it('cancels a running job, and its slot serves the next', async () => {
    const { id, outcome, firstDelta } = submit(engine, ask(QUESTIONS[0] ?? '', { ignoreEos: true, maxTokens: 160 }))
    await firstDelta
    engine.cancel(id)
    const { finish, usage, text } = await outcome
    expect(finish).toBe('cancelled')
    expect(usage.generatedTokens).toBeLessThan(160)
    expect(bytes4(text)).toBeGreaterThan(0)
    expect((await run(engine, ask(QUESTIONS[1] ?? ''))).error).toBeNull()
  })

  it('cuts before a stop string that crosses tokens', async () => {
    const long = { ignoreEos: true, maxTokens: 60 }
    const whole = (await run(engine, ask(QUESTIONS[3] ?? '', long))).text
    const stop = whole.slice(10, 24)
    const { text, finish } = await run(engine, ask(QUESTIONS[3] ?? '', { ...long, stop: ['never there', stop] }))
    expect({ text, finish }).toEqual({ text: whole.slice(0, whole.indexOf(stop)), finish: 'stop' })
  })

  it('refuses what the context cannot hold, and absurd sampling, without starting', async () => {
    const codes = await Promise.all([
      run(engine, ask('word '.repeat(400))),
      run(engine, ask('x', { maxTokens: 192 })),
      run(engine, { ...ask('x'), sampling: { temperature: 99, topP: 1, topK: 40, minP: 0 } }),
      run(engine, { ...ask('x'), messages: [] }),
    ])
    expect(codes.map((outcome) => outcome.error?.code)).toEqual([
      'CONTEXT_TOO_LONG',
      'CONTEXT_TOO_LONG',
      'SAMPLING_INVALID',
      'BAD_REQUEST',
    ])
  })

  it('follows a JSON schema', async () => {
    const jsonSchema = {
      type: 'object',
      properties: { name: { type: 'string', maxLength: 12 }, kind: { enum: ['a', 'b'] } },
    }
    const { text, finish } = await run(engine, ask('Make an object.', { jsonSchema, maxTokens: 120 }))
    expect(finish).toBe('stop')
    expect(Object.keys(JSON.parse(text) as object)).toEqual(['name', 'kind'])
  })

  it('goes on to the token limit when the end is masked', async () => {
    const { finish, usage } = await run(engine, ask(QUESTIONS[0] ?? '', { ignoreEos: true, maxTokens: 100 }))
    expect({ finish, tokens: usage.generatedTokens }).toEqual({ finish: 'length', tokens: 100 })
  })

  it('embeds with embedding models only, and says how fast it is', async () => {
    await expect(engine.embed(['hello'])).rejects.toMatchObject({ code: 'MODEL_UNSUPPORTED' })
    await expect(engine.embed([''])).rejects.toMatchObject({ code: 'BAD_REQUEST' })
    await run(engine, ask(QUESTIONS[0] ?? '', { ignoreEos: true, maxTokens: 100 }), {
      priority: 'own',
      deadlineMs: 60_000,
    })
    const { speed, promptTokens, cachedTokens, processes } = engine.stats()
    expect(speed.promptTokensPerSecond).toBeGreaterThan(10)
    expect(speed.perStream[0]).toBeGreaterThan(1)
    expect(promptTokens).toBeGreaterThan(100)
    expect(cachedTokens).toBe(0)
    expect(processes).toMatchObject([{ pid: forks[0]?.pid, state: 'loaded', slots: 4, threads: 1 }])
  })

  it('lets 64 wait before the four slots, refuses more, and ends every one', async () => {
    const all = await Promise.all(
      Array.from({ length: 80 }, () => run(engine, ask(QUESTIONS[0] ?? '', { maxTokens: 4 }))),
    )
    expect(all.filter((outcome) => outcome.error?.code === 'ENGINE_BUSY').length).toBe(12)
    expect(all.filter((outcome) => outcome.finish !== null).length).toBe(68)
  })

  it('repeats itself exactly: greedy, one slot, no prefix reuse, through a fresh host', async () => {
    await engine.load({ path: NANO, sha256: SHA }, ONE_SLOT)
    const requests = QUESTIONS.map((question) => ask(question, { ignoreEos: true, maxTokens: 100 }))
    const round = async (): Promise<string[]> => {
      const texts = []
      for (const request of requests) texts.push((await run(engine, request)).text)
      return texts
    }
    const first = await round()
    expect(await round()).toEqual(first)
    await engine.stop()
    await engine.load({ path: NANO, sha256: SHA }, ONE_SLOT)
    expect(await round()).toEqual(first)
    expect(forks.length).toBe(2)
  })

  it('refuses a bad file by name and keeps serving nothing until a good one is loaded', async () => {
    await expect(engine.load({ path: import.meta.filename, sha256: SHA }, ONE_SLOT)).rejects.toMatchObject({
      code: 'MODEL_NOT_GGUF',
    })
    expect(engine.state().kind).toBe('ready')
    expect((await run(engine, ask('x'))).error?.code).toBe('ENGINE_NOT_LOADED')
    await expect(engine.inspect('/no/such/file.gguf')).rejects.toBeInstanceOf(StokerError)
    await engine.load({ path: NANO, sha256: SHA }, ONE_SLOT)
    expect((await run(engine, ask('x'))).error).toBeNull()
    await engine.unload()
    expect((await run(engine, ask('x'))).error?.code).toBe('ENGINE_NOT_LOADED')
  })
})
