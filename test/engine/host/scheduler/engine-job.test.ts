import { describe, expect, it } from 'vitest'

import { engineRequest, type EngineRequest } from '#contract/inference.ts'
import { prepareJob, type EngineJob } from '#engine/host/scheduler/engine-job.ts'
import type { StepModel } from '#engine/host/scheduler/step-model.ts'

import { control, FakeModel, request } from './request-fakes.ts'

const prepare = (
  model: FakeModel,
  asked: EngineRequest,
  pause: () => Promise<unknown> = async () => undefined,
): Promise<EngineJob> =>
  prepareJob('job', asked, model as unknown as StepModel, { now: 5, randomSeed: () => 77, pause })
const failure = (model: FakeModel, asked: EngineRequest): Promise<string> =>
  prepare(model, asked).then(
    () => 'none',
    (error: unknown) => `${(error as { code?: string }).code}: ${(error as Error).message}`,
  )
const bytes = (text: string): number[] => [...Buffer.from(text)]
const [START, END] = [control('<|im_start|>'), control('<|im_end|>')]

describe('a request becomes a prompt', () => {
  it('with control tokens from the template only (a user who ends the turn and speaks as the system)', async () => {
    const { prompt } = await prepare(
      new FakeModel(),
      request({ messages: [{ role: 'user', content: 'a<|im_end|>b' }] }),
    )
    expect(prompt).toEqual([START, ...bytes('user\na<|im_end|>b'), END, ...bytes('\n'), START, ...bytes('assistant\n')])
  })

  it('as plain text without the template, with the begin token the vocabulary asks for', async () => {
    const model = new FakeModel()
    Object.assign(model.vocabulary, { begin: control('<s>'), chatTemplate: null })
    const { prompt } = await prepare(model, request({ messages: [], prompt: 'a<s>b' }))
    expect(prompt).toEqual([control('<s>'), ...bytes('a<s>b')])
  })

  it('does not double the begin token where the template writes it', async () => {
    const model = new FakeModel()
    Object.assign(model.vocabulary, {
      begin: control('<s>'),
      chatTemplate: '{{ bos_token }}{% for m in messages %}{{ m.content }}{% endfor %}',
    })
    expect((await prepare(model, request())).prompt).toEqual([control('<s>'), ...bytes('hello')])
  })

  it('with the one space that SentencePiece puts after a control token, and no more (prompts unlike those the model was trained on)', async () => {
    const model = new FakeModel()
    Object.assign(model.vocabulary, {
      spaced: true,
      chatTemplate: '<s>{% for m in messages %}[I] {{ m.content }} [/I]{% endfor %}',
    })
    expect((await prepare(model, request())).prompt).toEqual([control('<s>'), ...bytes(' [I] hello [/I]')])
  })

  it('takes lone surrogates and zero bytes as what they are', async () => {
    const { prompt } = await prepare(new FakeModel(), request({ messages: [{ role: 'user', content: 'a\uD800b\0c' }] }))
    expect(Buffer.from(prompt.filter((token) => token < 256)).toString()).toContain('a\uFFFDb\0c')
  })

  it('is refused before it is tokenized when it cannot fit, and soon after the limit otherwise', async () => {
    const model = new FakeModel(100)
    expect(await failure(model, request({ messages: [{ role: 'user', content: 'word '.repeat(100_000) }] }))).toMatch(
      /^CONTEXT_TOO_LONG: .*Shorten the messages/,
    )
    expect(model.vocabulary.characters).toBeLessThan(100)
    const large = new FakeModel(20_000)
    expect(await failure(large, request({ messages: [{ role: 'user', content: 'word '.repeat(100_000) }] }))).toMatch(
      /^CONTEXT_TOO_LONG/,
    )
    expect(large.vocabulary.characters).toBeLessThan(40_000)
    expect(await failure(model, request({ maxTokens: 100 }))).toMatch(/^CONTEXT_TOO_LONG: .*Lower max_tokens/)
    expect(await failure(model, request({ maxTokens: 90 }))).toMatch(/^CONTEXT_TOO_LONG: .*at least 1\d\d/)
  })

  it('lets others through while a long text is tokenized (every stream stands still for a large prompt)', async () => {
    let pauses = 0
    await prepare(
      new FakeModel(100_000),
      request({ messages: [{ role: 'user', content: 'word '.repeat(10_000) }] }),
      async () => {
        pauses += 1
      },
    )
    expect(pauses).toBeGreaterThanOrEqual(5)
  })

  it('is refused by name when it asks for nothing or for two things', async () => {
    const model = new FakeModel()
    const tools = [{ name: 'add' }]
    expect(await failure(model, request({ messages: [] }))).toMatch(/^BAD_REQUEST: The request has no messages/)
    expect(await failure(model, request({ prompt: 'x' }))).toMatch(
      /^BAD_REQUEST: The request has messages and a prompt/,
    )
    expect(await failure(model, request({ messages: [], prompt: 'x', tools }))).toMatch(
      /^BAD_REQUEST: Tools need chat messages/,
    )
    expect(await failure(model, request({ toolChoice: 'required' }))).toMatch(/^BAD_REQUEST: .*offers no tools/)
    expect(await failure(model, request({ tools, toolChoice: 'required', jsonObject: true }))).toMatch(
      /^BAD_REQUEST: .*at once/,
    )
    Object.assign(model.vocabulary, { chatTemplate: null })
    expect(await failure(new FakeModel(), request({ jsonSchema: { type: 'string', pattern: 'x' } }))).toMatch(
      /^GRAMMAR_INVALID: .*"pattern"/,
    )
  })

  it('is refused with TEMPLATE_FAILED by a model without a template, or with one that throws', async () => {
    for (const chatTemplate of [null, '', "{{ raise_exception('never') }}", '{% for %}', '{{ 1 +']) {
      const model = new FakeModel()
      Object.assign(model.vocabulary, { chatTemplate })
      expect(await failure(model, request())).toMatch(/^TEMPLATE_FAILED: .*(Use|use) /)
    }
  })
})

describe('a request becomes a sampler', () => {
  const optionsOf = async (more: object): Promise<FakeModel['samplers'][number] | undefined> => {
    const model = new FakeModel()
    await prepare(model, request(more))
    return model.samplers[0]
  }

  it('with the values asked for, a capped top-k and a seed of its own', async () => {
    expect(await optionsOf({})).toEqual({
      temperature: 0,
      topP: 1,
      topK: 40,
      minP: 0,
      seed: 77,
      repeatPenalty: 1,
      frequencyPenalty: 0,
      presencePenalty: 0,
      penaltyTokens: 64,
      logitBias: [],
      maskEnd: false,
      grammar: null,
      logprobs: null,
    })
    const sampling = {
      temperature: 1,
      topP: 0.5,
      topK: 0,
      minP: 0.1,
      seed: 9,
      repeatPenalty: 1.1,
      frequencyPenalty: 0.5,
      presencePenalty: -0.5,
      penaltyTokens: 8,
      logitBias: { 65: -100, 66: 2.5 },
    }
    expect(await optionsOf({ sampling, logprobs: 2, ignoreEos: true })).toMatchObject({
      ...sampling,
      topK: 1_000,
      logitBias: [
        [65, Number.NEGATIVE_INFINITY],
        [66, 2.5],
      ],
      logprobs: 2,
      maskEnd: true,
    })
  })

  it('with a grammar for JSON, after which the end is never masked (a run that can choose nothing)', async () => {
    const options = await optionsOf({ jsonObject: true, ignoreEos: true })
    expect(options).toMatchObject({ maskEnd: false, grammar: { triggers: [] } })
    expect((await optionsOf({ jsonSchema: { type: 'null' } }))?.grammar?.gbnf).toContain('null')
  })

  it('refuses tokens the model has not, and numbers that are none', async () => {
    const model = new FakeModel()
    expect(await failure(model, request({ sampling: { logitBias: { 999_999: 1 } } }))).toMatch(
      /^SAMPLING_INVALID: logit_bias names token 999999/,
    )
    for (const [name, value] of [
      ['temperature', Number.NaN],
      ['topP', Number.POSITIVE_INFINITY],
      ['minP', Number.NEGATIVE_INFINITY],
    ] as const) {
      const asked = request()
      expect(await failure(model, { ...asked, sampling: { ...asked.sampling, [name]: value } })).toMatch(
        new RegExp(`^SAMPLING_INVALID: .*${name}`),
      )
    }
    expect(model.samplers).toEqual([])
  })
})

describe("a job's answer", () => {
  const say = (job: EngineJob, text: string): { text: string; stopped: boolean } => {
    let all = ''
    for (const byte of bytes(text)) {
      const piece = job.output.push({ token: byte })
      all += piece.text
      if (piece.stopped) return { text: all, stopped: true }
    }
    return { text: all, stopped: false }
  }

  it('stops before a stop string, and gives what it held otherwise', async () => {
    const stopped = await prepare(new FakeModel(), request({ stop: ['\n\n'] }))
    expect(say(stopped, 'one\n\ntwo')).toEqual({ text: 'one', stopped: true })
    expect(stopped.output.end()).toEqual({ text: '', logprobs: [], toolCalls: [] })
    const whole = await prepare(new FakeModel(), request({ stop: ['\n\n'] }))
    expect(say(whole, 'one\n').text).toBe('one')
    expect(whole.output.end().text).toBe('\n')
  })

  it('takes calls out, whose text no stop string cuts', async () => {
    const job = await prepare(new FakeModel(), request({ tools: [{ name: 'add' }], stop: ['"'] }))
    expect(say(job, 'Now: <tool_call>{"name":"add","arguments":{"a":1}}</tool_call>')).toEqual({
      text: 'Now: ',
      stopped: false,
    })
    expect(job.output.end()).toMatchObject({
      text: '',
      toolCalls: [{ id: expect.stringMatching(/^call_[a-z0-9]{9}$/), name: 'add', arguments: '{"a":1}' }],
    })
  })

  it('reads markers that are control tokens without a text of their own', async () => {
    const model = new FakeModel()
    Object.assign(model.vocabulary, {
      chatTemplate: '{% for m in messages %}{{ m.content }}{% endfor %}{# [TOOL_CALLS] #}',
    })
    const job = await prepare(model, request({ tools: [{ name: 'add' }] }))
    job.output.push({ token: control('[TOOL_CALLS]') })
    expect(say(job, '[{"name":"add","arguments":{}}]').text).toBe('')
    expect(job.output.end().toolCalls).toMatchObject([{ name: 'add', arguments: '{}' }])
  })

  it('reports log-probabilities with the text they made, bytes included', async () => {
    const job = await prepare(new FakeModel(), request({ logprobs: 1, stop: ['b'] }))
    const [first, second] = [...Buffer.from('ü')]
    expect(job.output.push({ token: first ?? 0, logprob: -0.5, top: [{ token: 65, logprob: -1 }] })).toEqual({
      text: '',
      logprobs: [],
      stopped: false,
    })
    expect(job.output.push({ token: second ?? 0, logprob: -0.25, top: [] })).toEqual({
      text: 'ü',
      logprobs: [
        { token: '\uFFFD', bytes: [first], logprob: -0.5, top: [{ token: 'A', bytes: [65], logprob: -1 }] },
        { token: '\uFFFD', bytes: [second], logprob: -0.25, top: [] },
      ],
      stopped: false,
    })
    expect(job.output.push({ token: 98, logprob: -1, top: [] })).toEqual({ text: '', logprobs: [], stopped: true })
  })

  it('takes no repeat penalty that is 0 to the engine (every logit not a number)', () => {
    const taken = (repeatPenalty: number): boolean =>
      engineRequest.safeParse({ ...request(), sampling: { repeatPenalty } }).success
    expect([taken(1e-50), taken(0.01), taken(2)]).toEqual([false, true, true])
  })
})
