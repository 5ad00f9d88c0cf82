import { describe, expect, it } from 'vitest'

import { inferenceRequest, type InferenceRequest } from '#contract/inference.ts'
import { createScheduler } from '#engine/host/scheduler.ts'
import type { HostEvent } from '#engine/protocol.ts'

import { FakeStepModel } from './fake-step-model.ts'

const request = (content: string, more: object = {}): InferenceRequest => inferenceRequest.parse({ messages: [{ role: 'user', content }], maxTokens: 100, ...more })

function start(model: FakeStepModel) {
  const events: HostEvent[] = []
  const waits: { test: (event: HostEvent) => boolean; resolve: (event: HostEvent) => void }[] = []
  let time = 0
  const scheduler = createScheduler(model, {
    send(event) {
      events.push(event)
      for (const wait of waits) if (wait.test(event)) wait.resolve(event)
    },
    mono: () => (time += 1),
    randomSeed: () => 1,
    rssBytes: () => 1,
  })
  const ended = (job: string): Promise<HostEvent> =>
    new Promise((resolve) => {
      const test = (event: HostEvent): boolean => (event.t === 'done' || event.t === 'error') && event.job === job
      const found = events.find(test)
      if (found === undefined) waits.push({ test, resolve })
      else resolve(found)
    })
  const text = (job: string): string =>
    events
      .flatMap((event) => (event.t === 'deltas' ? event.items : []))
      .filter((item) => item.job === job)
      .map((item) => item.text)
      .join('')
  return { scheduler, events, ended, text }
}

describe('the step loop', () => {
  it('runs jobs together, each with its own text and counts', async () => {
    const model = new FakeStepModel({ slots: 2 })
    const { scheduler, ended, text } = start(model)
    for (const job of ['one', 'two', 'three']) scheduler.submit(job, request(job))
    expect(await Promise.all(['one', 'two', 'three'].map(ended))).toMatchObject([
      { t: 'done', finish: 'stop', usage: { promptTokens: 3, cachedTokens: 0, generatedTokens: 3 } },
      { t: 'done' },
      { t: 'done', usage: { promptTokens: 5, generatedTokens: 5 } },
    ])
    expect([text('one'), text('two'), text('three')]).toEqual(['one', 'two', 'three'])
    expect(Math.max(...model.steps.map((items) => items.length))).toBe(2)
    expect(model.disposed).toBe(3)
  })

  it('evaluates at most 128 prompt tokens a step, in ascending slots, while others decode (a long prompt stalls running streams)', async () => {
    const model = new FakeStepModel({ slots: 3 })
    model.answer = () => 'answer'
    const { scheduler, ended } = start(model)
    for (const [job, length] of [
      ['a', 10],
      ['b', 400],
      ['c', 300],
    ] as const)
      scheduler.submit(job, request('x'.repeat(length)))
    await Promise.all(['a', 'b', 'c'].map(ended))
    for (const items of model.steps) {
      expect(items.filter((item) => item.tokens.length > 1 || item.sampler === null).reduce((sum, item) => sum + item.tokens.length, 0)).toBeLessThanOrEqual(128)
      expect(items.map((item) => item.slot)).toEqual(items.map((item) => item.slot).toSorted((a, b) => a - b))
    }
    expect(model.steps[1]?.some((item) => item.slot === 0 && item.tokens.length === 1)).toBe(true)
  })

  it('cancels in the middle of a long prompt within one step', async () => {
    const model = new FakeStepModel()
    const { scheduler, ended } = start(model)
    model.beforeStep = () => {
      if (model.steps.length === 2) scheduler.cancel('long')
    }
    scheduler.submit('long', request('x'.repeat(800)))
    expect(await ended('long')).toMatchObject({ t: 'done', finish: 'cancelled', usage: { generatedTokens: 0 } })
    expect(model.steps.length).toBe(2)
  })

  it('cancels while decoding within one step, and a waiting job at once', async () => {
    const model = new FakeStepModel()
    model.answer = () => 'y'.repeat(90)
    const { scheduler, ended, text } = start(model)
    model.beforeStep = () => {
      if (model.steps.length !== 11) return
      scheduler.cancel('waiting')
      scheduler.cancel('running')
    }
    scheduler.submit('running', request('x'))
    scheduler.submit('waiting', request('x'))
    expect(await ended('running')).toMatchObject({ finish: 'cancelled' })
    expect(await ended('waiting')).toMatchObject({ finish: 'cancelled', usage: { generatedTokens: 0 } })
    expect(text('running')).toBe('y'.repeat(10))
    expect(model.steps.length).toBe(11)
  })

  it('refuses what does not fit its slot before a step is spent', async () => {
    const model = new FakeStepModel({ contextTokens: 100 })
    const { scheduler, ended } = start(model)
    scheduler.submit('prompt', request('x'.repeat(60), { maxTokens: 41 }))
    scheduler.submit('output', request('x', { maxTokens: 100 }))
    scheduler.submit('huge', request('x'.repeat(1_000_000), { maxTokens: 1 }))
    for (const job of ['prompt', 'output', 'huge']) expect(await ended(job)).toMatchObject({ t: 'error', error: { code: 'CONTEXT_TOO_LONG' } })
    scheduler.submit('exact', request('x'.repeat(60), { maxTokens: 40 }))
    expect(await ended('exact')).toMatchObject({ t: 'done' })
  })

  it('lets 64 wait and refuses the next with ENGINE_BUSY', async () => {
    const model = new FakeStepModel()
    const gate = Promise.withResolvers<void>()
    model.beforeStep = () => gate.promise
    const { scheduler, ended, events } = start(model)
    for (let job = 0; job < 66; job += 1) scheduler.submit(`j${job}`, request('x'))
    expect(await ended('j65')).toMatchObject({ t: 'error', error: { code: 'ENGINE_BUSY' } })
    gate.resolve()
    await ended('j64')
    expect(events.filter((event) => event.t === 'done').length).toBe(65)
  })

  it('stops at a stop string across tokens, at the token limit, and goes on past the end when told', async () => {
    const model = new FakeStepModel()
    model.answer = () => 'count 1 2 3 END 4'
    const { scheduler, ended, text } = start(model)
    scheduler.submit('stop', request('x', { stop: ['END'] }))
    expect(await ended('stop')).toMatchObject({ finish: 'stop' })
    expect(text('stop')).toBe('count 1 2 3 ')
    scheduler.submit('limit', request('x', { maxTokens: 5, stop: ['t 9'] }))
    expect(await ended('limit')).toMatchObject({ finish: 'length', usage: { generatedTokens: 5 } })
    expect(text('limit')).toBe('count')
    model.answer = () => 'ab'
    scheduler.submit('past', request('x', { maxTokens: 7, ignoreEos: true }))
    expect(await ended('past')).toMatchObject({ finish: 'length', usage: { generatedTokens: 7 } })
  })

  it('fails only the jobs of a failed step and serves the next from an empty slot', async () => {
    const model = new FakeStepModel()
    model.failNext = true
    const { scheduler, ended } = start(model)
    scheduler.submit('bad', request('x'))
    expect(await ended('bad')).toMatchObject({ t: 'error', error: { code: 'INTERNAL' } })
    scheduler.submit('good', request('hello'))
    expect(await ended('good')).toMatchObject({ t: 'done', usage: { generatedTokens: 5 } })
  })

  it('reuses a common beginning only when allowed, and counts it as cached', async () => {
    const shared = 'system prompt of some forty characters....'
    for (const prefixReuse of [true, false]) {
      const model = new FakeStepModel({ slots: 2, prefixReuse })
      const { scheduler, ended, text } = start(model)
      scheduler.submit('first', request(`${shared}one`))
      await ended('first')
      scheduler.submit('second', request(`${shared}two`))
      expect(await ended('second')).toMatchObject({ usage: { cachedTokens: prefixReuse ? shared.length : 0 } })
      expect(text('second')).toBe(`${shared}two`)
    }
  })

  it('ends every job once when it is stopped', async () => {
    const model = new FakeStepModel()
    model.answer = () => 'y'.repeat(90)
    const { scheduler, ended, events } = start(model)
    scheduler.submit('running', request('x'))
    scheduler.submit('waiting', request('x'))
    model.beforeStep = () => {
      if (model.steps.length === 3) void scheduler.stop({ code: 'ENGINE_NOT_LOADED', message: 'unloaded', data: {} })
    }
    expect(await Promise.all([ended('running'), ended('waiting')])).toMatchObject([{ error: { code: 'ENGINE_NOT_LOADED' } }, { error: { code: 'ENGINE_NOT_LOADED' } }])
    expect(events.filter((event) => event.t === 'error' || event.t === 'done').length).toBe(2)
    expect(model.disposed).toBe(2)
  })
})
