import { describe, expect, it } from 'vitest'

import { FakeStepModel } from './fake-step-model.ts'
import { promptTokens, start } from './scheduler-run.ts'

describe('prefill in chunks', () => {
  it('lets every stream decode in every step while a long prompt arrives, in chunks that keep steps short', async () => {
    const model = new FakeStepModel({ slots: 3, contextTokens: 2_000, prefixReuse: true })
    model.answer = () => 'y'.repeat(90)
    // Slow: 1.5 ms a prompt token, so 128 tokens beside decodes would take 0.2 s.
    const { submit } = start(model, { costMs: (items) => 10 + promptTokens(items) * 1.5 })
    model.beforeStep = () => {
      if (model.steps.length === 10) void submit('long', 'z'.repeat(1_500), { maxTokens: 2 })
    }
    await Promise.all([submit('a', 'first'), submit('b', 'other')])
    const beside = model.steps.slice(10).filter((items) => items.length > 1 && promptTokens(items) > 1)
    expect(beside.length).toBeGreaterThan(15)
    for (const items of beside) {
      expect(items.filter((item) => item.tokens.length === 1).length).toBe(2)
      expect(items.map((item) => item.slot)).toEqual([0, 1, 2])
    }
    // The first chunk is a guess; the others keep a step at 120 ms.
    expect(promptTokens(beside[0] ?? [])).toBeLessThanOrEqual(128)
    for (const items of beside.slice(2, -1)) {
      expect(10 + promptTokens(items) * 1.5).toBeLessThanOrEqual(121)
      expect(promptTokens(items)).toBeGreaterThan(50)
    }
  })

  it('never goes below 16 nor above 128 prompt tokens beside a stream', async () => {
    for (const [perToken, expected] of [
      [100, 16],
      [0.01, 128],
    ] as const) {
      const model = new FakeStepModel({ slots: 2, contextTokens: 2_000, prefixReuse: true })
      model.answer = () => 'y'.repeat(90)
      const { submit } = start(model, { costMs: (items) => 1 + promptTokens(items) * perToken })
      model.beforeStep = () => {
        if (model.steps.length === 5) void submit('long', 'z'.repeat(1_000), { maxTokens: 2 })
      }
      await submit('a', 'first')
      expect(model.steps.slice(7, 11).map(promptTokens)).toEqual([expected, expected, expected, expected])
    }
  })

  it('reads several prompts at once while nothing decodes, at most 128 tokens of each and within half a second', async () => {
    const model = new FakeStepModel({ slots: 4, contextTokens: 2_000, prefixReuse: true })
    const { submit } = start(model, { costMs: (items) => promptTokens(items) * 0.5 })
    const jobs = ['a', 'b', 'c', 'd'].map((job) => submit(job, job.repeat(600), { maxTokens: 1 }))
    await Promise.all(jobs)
    expect(promptTokens(model.steps[0] ?? [])).toBe(32)
    expect(model.steps[1]?.map((item) => item.tokens.length)).toEqual([128, 128, 128, 128])
    const slow = new FakeStepModel({ slots: 4, contextTokens: 2_000, prefixReuse: true })
    const other = start(slow, { costMs: (items) => promptTokens(items) * 10 })
    await Promise.all(['a', 'b'].map((job) => other.submit(job, job.repeat(600), { maxTokens: 1 })))
    // Longer only where a prompt ends: its last tokens come along.
    expect(slow.steps.slice(1).filter((items) => promptTokens(items) > 50).length).toBeLessThanOrEqual(2)
    expect(slow.steps.slice(1).every((items) => promptTokens(items) <= 75)).toBe(true)
  })

  it('prefills one prompt alone in long chunks (a fast model spent half of its time on passes over its weights)', async () => {
    const model = new FakeStepModel({ slots: 2, contextTokens: 2_000, prefixReuse: true })
    const { submit } = start(model, { costMs: (items) => 5 + promptTokens(items) * 0.2 })
    await submit('a', 'a'.repeat(1_000), { maxTokens: 1 })
    expect(model.steps.map(promptTokens)).toEqual([32, 512, 456])
    const slow = new FakeStepModel({ slots: 2, contextTokens: 2_000, prefixReuse: true })
    await start(slow, { costMs: (items) => promptTokens(items) * 2 }).submit('a', 'a'.repeat(600), { maxTokens: 1 })
    expect(Math.max(...slow.steps.slice(0, -1).map(promptTokens))).toBeLessThanOrEqual(126)
  })

  it('spends more of a step on prompts the more of them wait, so that first tokens do not wait for streams', async () => {
    const model = new FakeStepModel({ slots: 6, contextTokens: 2_000, prefixReuse: true })
    model.answer = () => 'y'.repeat(60)
    const { submit } = start(model, { costMs: (items) => 20 + promptTokens(items) })
    const ends: Promise<unknown>[] = []
    model.beforeStep = () => {
      if (model.steps.length === 5)
        for (const letter of ['a', 'b', 'c', 'd', 'e']) ends.push(submit(letter, letter.repeat(600), { maxTokens: 1 }))
    }
    await submit('stream', 'first')
    await Promise.all(ends)
    const crowded = model.steps.slice(6, 10)
    for (const items of crowded) {
      expect(promptTokens(items)).toBeGreaterThan(250)
      expect(20 + promptTokens(items)).toBeLessThanOrEqual(402)
      expect(Math.max(...items.map((item) => item.tokens.length))).toBeLessThanOrEqual(128)
    }
  })

  it('does not cut prompts of a slow model into passes over its weights (chunks of 16 took twice as long as whole prompts)', async () => {
    const model = new FakeStepModel({ slots: 3, contextTokens: 500, prefixReuse: true })
    model.answer = () => 'y'.repeat(90)
    // As measured on half a billion parameters: a pass of 90 ms, 6.5 ms a prompt token, 60 ms a decode.
    const { submit } = start(model, {
      costMs: (items) =>
        (items.some((item) => item.tokens.length === 1) ? 60 : 0) +
        (promptTokens(items) > 0 ? 90 + promptTokens(items) * 6.5 : 0),
    })
    model.beforeStep = () => {
      const letter = { 20: 'u', 35: 'v', 50: 'w', 65: 'x' }[model.steps.length]
      if (letter !== undefined) void submit(letter, letter.repeat(64), { maxTokens: 2 })
    }
    await submit('stream', 'f'.repeat(40))
    const beside = model.steps
      .slice(1)
      .map(promptTokens)
      .filter((tokens) => tokens > 0)
    expect(beside.length).toBeGreaterThan(3)
    expect(beside.slice(1)).toEqual(beside.slice(1).map(() => 64))
  })

  it('prefills in the same chunks whatever the clock says when runs must repeat themselves', async () => {
    const chunks = []
    for (const perToken of [1, 100]) {
      const model = new FakeStepModel({ contextTokens: 2_000 })
      const { submit } = start(model, { costMs: (items) => promptTokens(items) * perToken })
      await submit('a', 'x'.repeat(300), { maxTokens: 1 })
      chunks.push(model.steps.map((items) => items[0]?.tokens.length))
    }
    expect(chunks).toEqual([
      [128, 128, 44],
      [128, 128, 44],
    ])
  })

  it('reads short prompts before a long one, and the long one all the same (a 1,500-token prompt that blocks everyone, or never gets on)', async () => {
    const model = new FakeStepModel({ slots: 4, contextTokens: 2_000, prefixReuse: true })
    model.answer = () => 'y'
    const { submit, order } = start(model, { costMs: (items) => 10 + 4 * promptTokens(items) })
    let short = 0
    const shorts: Promise<unknown>[] = []
    const long = submit('long', 'z'.repeat(1_500))
    model.beforeStep = () => {
      // Always two short ones at hand, as long as the long one reads.
      if (short < 400 && model.steps.length % 2 === 0)
        shorts.push(submit(`s${(short += 1)}`, String.fromCharCode(97 + (short % 26)).repeat(250)))
    }
    await long
    expect(order().indexOf('long')).toBeGreaterThan(5)
    expect(short).toBeLessThan(400)
    await Promise.all(shorts)
  })
})
