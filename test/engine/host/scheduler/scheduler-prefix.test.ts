import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { FakeStepModel } from './fake-step-model.ts'
import { likeAModel, promptTokens, start } from './scheduler-run.ts'

/** Text of so many characters that begins like no other one of another letter. */
const long = (letter: string, length: number): string =>
  Array.from({ length }, (_, at) => `${letter}${at};`)
    .join('')
    .slice(0, length)
const named = (model: FakeStepModel, name: string): string[] => model.calls.filter((call) => call.startsWith(name))

describe('prefix reuse', () => {
  it('reuses a common prefix only when allowed, and counts it as cached', async () => {
    const shared = 'system prompt of some forty characters....'
    for (const prefixReuse of [true, false]) {
      const model = new FakeStepModel({ slots: 2, prefixReuse })
      const { submit, text, scheduler } = start(model)
      await submit('first', `${shared}one`)
      expect(await submit('second', `${shared}two`)).toMatchObject({
        usage: { cachedTokens: prefixReuse ? shared.length : 0 },
      })
      expect(text('second')).toBe(`${shared}two`)
      expect(scheduler.stats()).toMatchObject(
        prefixReuse
          ? { cachedTokens: shared.length, promptTokens: shared.length + 6 }
          : { cachedTokens: 0, promptTokens: 2 * (shared.length + 3) },
      )
    }
  })

  it('evaluates at least one token of a prompt that is held whole', async () => {
    const { submit, text } = start(new FakeStepModel({ prefixReuse: true }))
    await submit('first', 'the very same words')
    expect(await submit('second', 'the very same words')).toMatchObject({
      usage: { promptTokens: 19, cachedTokens: 18 },
    })
    expect(text('second')).toBe('the very same words')
  })

  it('evaluates only what is new in a chat of eight turns', async () => {
    const model = new FakeStepModel({ slots: 4, contextTokens: 4_000, prefixReuse: true })
    model.answer = () => 'An answer of some words.'
    const { submit, text } = start(model)
    let history = long('s', 400)
    let evaluated = 0
    for (let turn = 0; turn < 8; turn += 1) {
      history += `Q${turn}: and what about that? `
      const before = model.evaluated
      const end = await submit(`turn${turn}`, history)
      if (turn > 0) {
        evaluated = model.evaluated - before
        // The question, the last character of the answer, and the answer itself but its last token.
        expect(evaluated).toBeLessThanOrEqual(27 + 1 + 24)
        expect(end).toMatchObject({ usage: { promptTokens: history.length, cachedTokens: expect.any(Number) } })
      }
      history += text(`turn${turn}`)
    }
    expect(evaluated).toBeGreaterThan(0)
  })

  it('evaluates a shared system prompt once for 50 jobs that arrive together', async () => {
    const model = new FakeStepModel({ slots: 4, contextTokens: 2_000, prefixReuse: true })
    model.answer = () => 'ok'
    const system = long('s', 1_500)
    const { submit, scheduler } = start(model, { costMs: likeAModel })
    const ends = await Promise.all(
      Array.from({ length: 50 }, (_, job) => submit(`j${job}`, `${system}Question ${job}?`)),
    )
    const asked = Array.from({ length: 50 }, (_, job) => `Question ${job}?`.length).reduce(
      (sum, length) => sum + length,
    )
    expect(scheduler.stats().promptTokens).toBeLessThanOrEqual(1_500 + asked)
    expect(ends.filter((end) => end.t === 'done' && end.usage.cachedTokens >= 1_500).length).toBe(49)
  })

  it('copies from a slot that runs', async () => {
    const model = new FakeStepModel({ slots: 2, prefixReuse: true })
    const system = long('s', 200)
    model.answer = (prompt) => (prompt.endsWith('one') ? 'y'.repeat(60) : prompt)
    const { submit, text } = start(model)
    let second: Promise<unknown> = Promise.resolve()
    model.beforeStep = () => {
      if (model.steps.length === 30) second = submit('second', `${system}two`, { maxTokens: 300 })
    }
    await submit('first', `${system}one`)
    expect(await second).toMatchObject({ usage: { cachedTokens: 200 } })
    expect(named(model, 'copy')).toEqual(['copy 0 1 200'])
    expect(text('second')).toBe(`${system}two`)
  })

  it('saves what a slot held before it is overwritten, and takes it up again', async () => {
    const model = new FakeStepModel({ prefixReuse: true })
    const { submit, text } = start(model)
    const [a, b] = [long('a', 120), long('b', 120)]
    await submit('a', a, { maxTokens: 300 })
    await submit('b', b)
    expect(named(model, 'save').length).toBe(1)
    expect(await submit('again', `${a}${a} and more`, { maxTokens: 300 })).toMatchObject({
      usage: { cachedTokens: 240 },
    })
    expect(named(model, 'restore').length).toBe(1)
    expect(text('again')).toBe(`${a}${a} and more`)
    // What was saved is a prefix of the new content: it is not kept twice.
    await submit('c', long('c', 120))
    expect(model.saved).toBe(2)
  })

  it('leaves what a slot holds in place while another is empty', async () => {
    const model = new FakeStepModel({ slots: 3, prefixReuse: true, contextTokens: 2_000 })
    model.answer = () => 'ok'
    const { submit } = start(model)
    const system = long('s', 100)
    await submit('a', system + long('a', 200))
    expect(await submit('b', system + long('b', 200))).toMatchObject({ usage: { cachedTokens: 100 } })
    await submit('c', `no system at all ${long('c', 200)}`)
    expect(await submit('again', `${system}${long('a', 200)} go on`)).toMatchObject({ usage: { cachedTokens: 300 } })
    expect(model.steps.filter((items) => items[0]?.sampler !== null).map((items) => items[0]?.slot)).toEqual([
      0, 0, 0, 1, 1, 1, 2, 2, 2, 0, 0, 0,
    ])
    expect(named(model, 'save')).toEqual([])
  })

  it('saves nothing short, nothing that is held elsewhere, and nothing at all when told so', async () => {
    const short = new FakeStepModel({ prefixReuse: true })
    const first = start(short)
    await first.submit('a', 'a'.repeat(20))
    await first.submit('b', 'b'.repeat(200))
    expect(named(short, 'save')).toEqual([])
    const none = new FakeStepModel({ prefixReuse: true, savedPrefixBytes: 0 })
    const second = start(none)
    await second.submit('a', long('a', 100))
    await second.submit('b', long('b', 100))
    expect(named(none, 'save')).toEqual([])
    const batch = new FakeStepModel({ slots: 2, prefixReuse: true, contextTokens: 4_000 })
    batch.answer = () => 'ok'
    const third = start(batch)
    for (let job = 0; job < 6; job += 1) await third.submit(`j${job}`, `${long('s', 900)}and question ${job}`)
    expect(named(batch, 'save')).toEqual([])
  })

  it('keeps saved prefixes within their bytes, drops the least recently used, and frees all at the end', async () => {
    // 219 tokens of prompt and answer a state, 18 bytes each with its list.
    const model = new FakeStepModel({ prefixReuse: true, savedPrefixBytes: 10_000 })
    const { submit, scheduler } = start(model)
    const ask = async (letter: string, round: number): Promise<number> => {
      const end = await submit(`${letter}${round}`, long(letter, 120))
      return end.t === 'done' ? end.usage.cachedTokens : -1
    }
    for (const letter of ['a', 'b', 'c']) await ask(letter, 1)
    expect(model.saved).toBe(2)
    // a is used again, so b is the one to go.
    expect(await ask('a', 2)).toBe(119)
    await ask('d', 2)
    expect(model.saved).toBe(2)
    expect(await ask('a', 3)).toBe(119)
    expect(await ask('b', 3)).toBe(0)
    await scheduler.stop({ code: 'ENGINE_NOT_LOADED', message: 'unloaded', data: {} })
    expect(model.saved).toBe(0)
  })

  it('never keeps a state that is larger than the bound', async () => {
    const model = new FakeStepModel({ prefixReuse: true, savedPrefixBytes: 1_000 })
    const { submit } = start(model)
    for (const letter of ['a', 'b', 'c', 'd']) await submit(letter, long(letter, 120))
    expect(model.saved).toBe(0)
    // The first one told how large they are.
    expect(named(model, 'save').length).toBe(1)
  })

  it('lets jobs with a common prefix wait for the first, which may finish (a follower that waits for ever)', async () => {
    const model = new FakeStepModel({ slots: 3, contextTokens: 2_000, prefixReuse: true })
    const system = long('s', 1_000)
    model.answer = () => 'ok'
    const { submit, scheduler } = start(model, { costMs: likeAModel })
    model.beforeStep = () => {
      if (model.steps.length === 3) scheduler.cancel('first')
    }
    const ends = await Promise.all(['first', 'second', 'third'].map((job) => submit(job, `${system}${job}`)))
    expect(ends).toMatchObject([{ finish: 'cancelled' }, { finish: 'stop' }, { finish: 'stop' }])
    // What the first had read was not lost, and the third waited for the second.
    expect(scheduler.stats().promptTokens).toBeLessThanOrEqual(1_100)
  })

  it('lets own use read for itself rather than wait for an exam', async () => {
    const model = new FakeStepModel({ slots: 2, contextTokens: 2_000, prefixReuse: true })
    const system = long('s', 1_000)
    model.answer = () => 'ok'
    // 125 tokens a step: not enough for both.
    const { submit, order } = start(model, { costMs: (items) => 4 * promptTokens(items) })
    let own: Promise<unknown> = Promise.resolve()
    model.beforeStep = () => {
      if (model.steps.length === 2) own = submit('own', `${system}own`, { priority: 'own' })
    }
    await submit('exam', `${system}exam`, { priority: 'exam' })
    await own
    expect(order()).toEqual(['own', 'exam'])
  })

  it('reuses the best free slot where the loop can neither copy nor save', async () => {
    const model = new FakeStepModel({ slots: 3, prefixReuse: true, kind: 'public' })
    const { submit, text } = start(model)
    await Promise.all(['a', 'b', 'c'].map((letter) => submit(letter, long(letter, 100))))
    expect(await submit('again', `${long('c', 100)} more`, { maxTokens: 200 })).toMatchObject({
      usage: { cachedTokens: 100 },
    })
    expect(text('again')).toBe(`${long('c', 100)} more`)
    expect(model.calls.filter((call) => !call.startsWith('keep'))).toEqual([])
  })

  it('answers every mix of prompts as it would without reuse', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.tuple(fc.integer({ min: 0, max: 2 }), fc.integer({ min: 0, max: 3 }), fc.integer({ min: 1, max: 150 })),
          { minLength: 1, maxLength: 25 },
        ),
        async (parts) => {
          const model = new FakeStepModel({
            slots: 3,
            contextTokens: 2_000,
            prefixReuse: true,
            savedPrefixBytes: 12_000,
          })
          const { submit, text, scheduler } = start(model)
          const prompts = parts.map(
            ([system, middle, length]) =>
              long('sty'[system] ?? '', 90) + long('mno'[middle] ?? '', 40 * middle) + long('q', length),
          )
          await Promise.all(prompts.map((prompt, job) => submit(`j${job}`, prompt, { maxTokens: 1_000 })))
          expect(prompts.map((_, job) => text(`j${job}`))).toEqual(prompts)
          await scheduler.stop({ code: 'ENGINE_NOT_LOADED', message: '', data: {} })
          expect(model.saved).toBe(0)
        },
      ),
      { numRuns: 12 },
    )
  })
})
