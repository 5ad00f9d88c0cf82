import { describe, expect, it } from 'vitest'

import { FakeStepModel } from './fake-step-model.ts'
import { likeAModel, promptTokens, request, start } from './scheduler-run.ts'

describe('the step loop', () => {
  it('runs jobs together, each with its own text and counts', async () => {
    const model = new FakeStepModel({ slots: 2 })
    const { submit, text } = start(model)
    expect(await Promise.all(['one', 'two', 'three'].map((job) => submit(job, job)))).toMatchObject([
      { t: 'done', finish: 'stop', usage: { promptTokens: 3, cachedTokens: 0, generatedTokens: 3 } },
      { t: 'done' },
      { t: 'done', usage: { promptTokens: 5, generatedTokens: 5 } },
    ])
    expect([text('one'), text('two'), text('three')]).toEqual(['one', 'two', 'three'])
    expect(Math.max(...model.steps.map((items) => items.length))).toBe(2)
    expect(model.disposed).toBe(3)
  })

  it('ends a job for which no token is possible with an error (an unfinished answer that passes for whole)', async () => {
    const model = new FakeStepModel({ slots: 2 })
    model.answer = () => 'yes'
    const step = model.step.bind(model)
    model.step = async (items) =>
      (await step(items)).map((choice, at) => (items[at]?.slot === 0 && model.steps.length > 2 ? null : choice))
    const { submit } = start(model)
    expect(await Promise.all([submit('stuck', 'a'), submit('other', 'b')])).toMatchObject([
      { t: 'error', error: { code: 'SAMPLING_INVALID', message: expect.stringContaining('logit bias') } },
      { t: 'done', finish: 'stop' },
    ])
  })

  it('cancels in the middle of a long prompt within one step', async () => {
    const model = new FakeStepModel()
    const { scheduler, submit } = start(model)
    model.beforeStep = () => {
      if (model.steps.length === 2) scheduler.cancel('long')
    }
    expect(await submit('long', 'x'.repeat(800))).toMatchObject({
      t: 'done',
      finish: 'cancelled',
      usage: { generatedTokens: 0 },
    })
    expect(model.steps.length).toBe(2)
    expect(model.evaluated).toBeLessThanOrEqual(256)
  })

  it('cancels while decoding within one step, and a waiting job at once', async () => {
    const model = new FakeStepModel()
    model.answer = () => 'y'.repeat(90)
    const { scheduler, submit, text } = start(model)
    model.beforeStep = () => {
      if (model.steps.length !== 11) return
      scheduler.cancel('waiting')
      scheduler.cancel('running')
    }
    const running = submit('running', 'x')
    const waiting = submit('waiting', 'x')
    expect(await running).toMatchObject({ finish: 'cancelled' })
    expect(await waiting).toMatchObject({ finish: 'cancelled', usage: { generatedTokens: 0 } })
    expect(text('running')).toBe('y'.repeat(10))
    expect(model.steps.length).toBe(11)
  })

  it('cancels a job whose request is still being prepared', async () => {
    const model = new FakeStepModel()
    const { scheduler, submit } = start(model)
    const early = submit('early', 'x')
    scheduler.cancel('early')
    expect(await early).toMatchObject({ finish: 'cancelled' })
    expect(model.steps.length).toBe(0)
  })

  it('refuses what does not fit its slot before a step is spent', async () => {
    const model = new FakeStepModel({ contextTokens: 100 })
    const { submit } = start(model)
    const refused = [
      submit('prompt', 'x'.repeat(60), { maxTokens: 41 }),
      submit('output', 'x', { maxTokens: 100 }),
      submit('huge', 'x'.repeat(1_000_000), { maxTokens: 1 }),
    ]
    for (const end of await Promise.all(refused))
      expect(end).toMatchObject({ t: 'error', error: { code: 'CONTEXT_TOO_LONG' } })
    expect(await submit('exact', 'x'.repeat(60), { maxTokens: 40 })).toMatchObject({ t: 'done' })
  })

  it('lets 64 wait and refuses the next with ENGINE_BUSY', async () => {
    const model = new FakeStepModel()
    const gate = Promise.withResolvers<void>()
    model.beforeStep = () => gate.promise
    const { submit, events } = start(model)
    const ends = Array.from({ length: 66 }, (_, job) => submit(`j${job}`, 'x'))
    expect(await ends[65]).toMatchObject({ t: 'error', error: { code: 'ENGINE_BUSY' } })
    gate.resolve()
    await Promise.all(ends)
    expect(events.filter((event) => event.t === 'done').length).toBe(65)
  })

  it('stops at a stop string across tokens, at the token limit, and goes on past the end when told', async () => {
    const model = new FakeStepModel()
    model.answer = () => 'count 1 2 3 END 4'
    const { submit, text } = start(model)
    expect(await submit('stop', 'x', { stop: ['END'] })).toMatchObject({ finish: 'stop' })
    expect(text('stop')).toBe('count 1 2 3 ')
    expect(await submit('limit', 'x', { maxTokens: 5, stop: ['t 9'] })).toMatchObject({
      finish: 'length',
      usage: { generatedTokens: 5 },
    })
    expect(text('limit')).toBe('count')
    model.answer = () => 'ab'
    expect(await submit('past', 'x', { maxTokens: 7, ignoreEos: true })).toMatchObject({
      finish: 'length',
      usage: { generatedTokens: 7 },
    })
  })

  it('fails only the jobs of a failed step and serves the next from an empty slot', async () => {
    const model = new FakeStepModel({ slots: 2, prefixReuse: true })
    const { submit, text } = start(model)
    await submit('before', 'hello, all of you')
    model.failNext = true
    expect(await submit('bad', 'hello, all of them')).toMatchObject({ t: 'error', error: { code: 'INTERNAL' } })
    expect(await submit('good', 'hello, all of them')).toMatchObject({
      t: 'done',
      usage: { cachedTokens: 0, generatedTokens: 18 },
    })
    expect(text('good')).toBe('hello, all of them')
  })

  it('fails one job, not the loop, when its slot cannot be made ready', async () => {
    const model = new FakeStepModel({ slots: 2 })
    const { submit } = start(model)
    const keep = model.keep.bind(model)
    model.keep = () => {
      model.keep = keep
      return Promise.reject(new Error('no memory'))
    }
    expect(await Promise.all([submit('bad', 'one'), submit('good', 'two')])).toMatchObject([
      { error: { code: 'INTERNAL', message: expect.stringContaining('no memory') } },
      { finish: 'stop' },
    ])
  })

  it('fails one job, not the others, when its answer cannot be read', async () => {
    const model = new FakeStepModel({ slots: 2 })
    const { submit } = start(model)
    const bytesOf = model.vocabulary.bytesOf
    model.vocabulary = {
      ...model.vocabulary,
      bytesOf: (token) => {
        if (token === 'b'.charCodeAt(0)) throw new Error('no bytes')
        return bytesOf(token)
      },
    }
    expect(await Promise.all([submit('bad', 'abc'), submit('good', 'xyz')])).toMatchObject([
      { error: { code: 'INTERNAL' } },
      { finish: 'stop' },
    ])
  })

  it('waits for requests that are being prepared before it lets the model go (a sampler made of a freed model)', async () => {
    const model = new FakeStepModel()
    const gate = Promise.withResolvers<void>()
    let made = 0
    model.sampler = async () => {
      await gate.promise
      return { dispose: () => (made += 1) }
    }
    const { scheduler, submit } = start(model)
    const end = submit('a', 'x')
    let stopped = false
    const stop = scheduler
      .stop({ code: 'ENGINE_NOT_LOADED', message: 'unloaded', data: {} })
      .then(() => (stopped = true))
    await new Promise((resolve) => setImmediate(resolve))
    expect(stopped).toBe(false)
    gate.resolve()
    await stop
    expect(made).toBe(1)
    expect(await end).toMatchObject({ error: { code: 'ENGINE_NOT_LOADED' } })
  })

  it('ends every job and embedding once when it is stopped', async () => {
    const model = new FakeStepModel()
    model.answer = () => 'y'.repeat(90)
    const { scheduler, submit, events } = start(model)
    const ends = [submit('running', 'x'), submit('waiting', 'x')]
    let embedding: Promise<unknown> = Promise.resolve()
    model.beforeStep = () => {
      if (model.steps.length !== 3) return
      embedding = scheduler.embed(['x']).catch((error: unknown) => error)
      void scheduler.stop({ code: 'ENGINE_NOT_LOADED', message: 'unloaded', data: {} })
    }
    expect(await Promise.all(ends)).toMatchObject([
      { error: { code: 'ENGINE_NOT_LOADED' } },
      { error: { code: 'ENGINE_NOT_LOADED' } },
    ])
    expect(await embedding).toMatchObject({ code: 'ENGINE_NOT_LOADED' })
    expect(events.filter((event) => event.t === 'error' || event.t === 'done').length).toBe(2)
    expect(model.disposed).toBe(2)
    await expect(scheduler.embed(['x'])).rejects.toMatchObject({ code: 'ENGINE_NOT_LOADED' })
    expect(await submit('late', 'x')).toMatchObject({ error: { code: 'ENGINE_NOT_LOADED' } })
  })

  it('handles messages between two steps, however fast steps are (a cancel that waits for the answer)', async () => {
    const model = new FakeStepModel()
    model.answer = () => 'y'.repeat(90)
    const { scheduler, submit } = start(model)
    let turns = 0
    model.beforeStep = () => {
      if (model.steps.length === 3) setImmediate(() => (turns = model.steps.length)).unref()
    }
    await submit('a', 'x')
    expect(turns).toBe(3)
    scheduler.cancel('unknown')
  })

  it('sends the first text at once and later text of all jobs at most every 15 ms, never empty', async () => {
    const model = new FakeStepModel({ slots: 2 })
    model.answer = () => 'y'.repeat(40)
    const { submit, events, clock } = start(model)
    const sent: { at: number; jobs: string[] }[] = []
    const push = events.push.bind(events)
    events.push = (...more) => {
      for (const event of more)
        if (event.t === 'deltas')
          sent.push({ at: clock.now, jobs: event.items.filter((item) => item.text !== '').map((item) => item.job) })
      return push(...more)
    }
    await Promise.all([submit('a', 'x'), submit('b', 'x'.repeat(200))])
    expect(sent[0]).toEqual({ at: 1_001, jobs: ['a'] })
    const gaps = sent.slice(1).map(({ at }, index) => at - (sent[index]?.at ?? 0))
    // The second job's first text, and what is left at an end, do not wait.
    expect(gaps.filter((gap) => gap < 15).length).toBeLessThanOrEqual(3)
    expect(sent.length).toBeLessThan(12)
    expect(sent.some(({ jobs }) => jobs.length === 2)).toBe(true)
    expect(sent.every(({ jobs }) => jobs.length > 0)).toBe(true)
  })

  it('uses the threads that the governor says and tells it what each step cost', async () => {
    const model = new FakeStepModel()
    const costs: object[] = []
    let threads = 3
    const governor = { next: () => threads, took: (cost: object) => void costs.push(cost), setLimit: () => undefined }
    const { scheduler, submit } = start(model, { costMs: likeAModel, governor })
    model.answer = () => 'abc'
    model.beforeStep = () => {
      threads = model.steps.length < 2 ? 3 : 1
    }
    await submit('a', 'x'.repeat(20))
    expect(model.threads).toEqual([3, 1])
    expect(costs).toEqual([
      { threads: 3, tokens: 20, ms: 20 },
      { threads: 3, tokens: 1, ms: 10 },
      { threads: 1, tokens: 1, ms: 10 },
      { threads: 1, tokens: 1, ms: 10 },
    ])
    expect(scheduler.stats().threads).toBe(1)
  })

  it('embeds one text between two steps, so that streams go on beside a long list', async () => {
    const model = new FakeStepModel()
    model.answer = () => 'y'.repeat(20)
    const { scheduler, submit } = start(model)
    const at: number[] = []
    model.onEmbed = () => at.push(model.steps.length)
    const stream = submit('a', 'x')
    expect(await scheduler.embed(['one', 'three', 'seven'])).toEqual({
      vectors: [
        [3, 0],
        [5, 0],
        [5, 0],
      ],
      promptTokens: 13,
    })
    expect(at).toEqual([0, 1, 2])
    await stream
    expect(await scheduler.embed([])).toEqual({ vectors: [], promptTokens: 0 })
    const calls = Array.from({ length: 17 }, () => scheduler.embed(['x']))
    await expect(calls[16]).rejects.toMatchObject({ code: 'ENGINE_BUSY' })
    await Promise.all(calls.slice(0, 16))
    await expect(scheduler.embed(['x'.repeat(300_000)])).rejects.toMatchObject({ code: 'CONTEXT_TOO_LONG' })
  })

  it('embeds with the tokens that begin and end a text (a BERT model without its separator gives other vectors)', async () => {
    const model = new FakeStepModel()
    model.vocabulary = { ...model.vocabulary, begin: 1, end: 2 }
    const { scheduler } = start(model)
    expect(await scheduler.embed(['one'])).toEqual({ vectors: [[5, 0]], promptTokens: 5 })
  })

  it('leaves a list of texts when its caller leaves, after the text it is at (a long list for nobody)', async () => {
    const model = new FakeStepModel()
    const { scheduler } = start(model)
    const leaving = new AbortController()
    let embedded = 0
    model.onEmbed = () => {
      embedded += 1
      if (embedded === 2) leaving.abort()
    }
    const first = scheduler.embed(['a', 'b', 'c', 'd'], leaving.signal)
    const other = scheduler.embed(['x', 'y'])
    await expect(first).rejects.toMatchObject({ code: 'CANCELLED' })
    expect((await other).vectors).toHaveLength(2)
    expect(embedded).toBe(4)
    await expect(scheduler.embed(['a'], leaving.signal)).rejects.toMatchObject({ code: 'CANCELLED' })
  })

  it('measures its speed from its own steps and says what waits', async () => {
    const model = new FakeStepModel({ slots: 2, contextTokens: 2_000 })
    model.answer = () => 'y'.repeat(50)
    const { scheduler, submit } = start(model, { costMs: likeAModel })
    expect(scheduler.stats()).toMatchObject({
      speed: { promptTokensPerSecond: null, perStream: [null, null] },
      waitingPromptTokens: 0,
    })
    let waiting = 0
    model.beforeStep = () => {
      if (model.steps.length === 1) ({ waitingPromptTokens: waiting } = scheduler.stats())
    }
    const ends = [submit('a', 'x'.repeat(600)), submit('b', 'x'.repeat(300)), submit('c', 'x'.repeat(50))]
    await Promise.all(ends)
    expect(waiting).toBe(950)
    const { speed, promptTokens, cachedTokens, waitingPromptTokens } = scheduler.stats()
    expect(speed.promptTokensPerSecond).toBeCloseTo(1_000, -2)
    expect(speed.perStream).toEqual([100, 100])
    expect({ promptTokens, cachedTokens, waitingPromptTokens }).toEqual({
      promptTokens: 950,
      cachedTokens: 0,
      waitingPromptTokens: 0,
    })
  })

  it('says how much longer decodes take for the prompts beside them, while there are any (deadlines reckoned without them were missed)', async () => {
    const model = new FakeStepModel({ slots: 2, contextTokens: 2_000 })
    model.answer = () => 'y'.repeat(60)
    const { scheduler, submit } = start(model, { costMs: (items) => 10 + promptTokens(items) })
    const seen: (number | undefined)[] = []
    const jobs: Promise<unknown>[] = []
    model.beforeStep = () => {
      if ([5, 20, 40].includes(model.steps.length)) seen.push(scheduler.stats().speed.crowding)
      // Its prompt takes as long as twenty decodes, its answer one.
      if (model.steps.length === 20) jobs.push(submit('prompt', 'z'.repeat(200), { maxTokens: 1 }))
    }
    await submit('stream', 'x')
    await Promise.all(jobs)
    expect(seen[0]).toBeCloseTo(1)
    expect(seen[1]).toBeCloseTo(1)
    // 40 decodes of 10 ms, and 200 ms of prompt between them; two seconds are taken as seen before.
    expect(seen[2]).toBeGreaterThan(1.06)
    expect(seen[2]).toBeLessThan(1.1)
    await new Promise(setImmediate)
    expect(scheduler.stats().speed).not.toHaveProperty('crowding')
  })

  it('does not count the prompts of exam calls among them: exams shut no job out', async () => {
    const model = new FakeStepModel({ slots: 2, contextTokens: 2_000 })
    model.answer = () => 'y'.repeat(60)
    const { scheduler, submit } = start(model, { costMs: (items) => 10 + promptTokens(items) })
    const seen: (number | undefined)[] = []
    const jobs: Promise<unknown>[] = []
    model.beforeStep = () => {
      if (model.steps.length === 40) seen.push(scheduler.stats().speed.crowding)
      if (model.steps.length === 20) jobs.push(submit('exam', 'z'.repeat(200), { maxTokens: 1, priority: 'exam' }))
    }
    await submit('stream', 'x')
    await Promise.all(jobs)
    expect(seen[0]).toBeCloseTo(1)
  })

  it('refuses a second job of the same id', async () => {
    const { scheduler, submit, events } = start(new FakeStepModel())
    const first = submit('a', 'hello')
    scheduler.submit('a', request('again'), { priority: 'job', deadlineMs: null })
    expect(events).toMatchObject([{ t: 'error', job: 'a', error: { code: 'CONFLICT' } }])
    await first
  })
})
