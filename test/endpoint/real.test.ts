import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { ModelSha256 } from '#contract/ids.ts'
import type { EnginePort } from '#core/engine/engine.port.ts'
import { createEngines } from '#engine/engines.ts'
import { forkEngineChild } from '#engine/client/fork-child.ts'
import { systemClock } from '#lib/system-clock.ts'
import { createLog } from '#lib/log.ts'
import { NANO } from '#test/engine/engine-support.ts'

import { writeShape } from '../../tools/bench/shapes/gguf.ts'
import { KEY, stand, type Stand } from './endpoint-support.ts'

const CONTEXT = 192
const model = 'Nano'
/** Beyond OpenAI's fields: goes on past the model's own end. */
const NO_END = { ignore_eos: true }
const say = (content: string) => [{ role: 'user' as const, content }]

const engines = createEngines({
  clock: systemClock,
  log: createLog('test').child({}, { level: 'silent' }),
  fork: forkEngineChild,
})
const settings = { contextTokens: CONTEXT, slots: 4, threads: 1, gpuLayers: 0, prefixReuse: true }
/** A model of random weights that can do what nano cannot: hold a list of tools in its context, and make vectors. */
const roomy = 'Tiny'
const ROOMY_CONTEXT = 1_024
const dir = mkdtempSync(join(tmpdir(), 'stoker-own-'))
let engine: EnginePort
let s: Stand
beforeAll(async () => {
  engine = engines.of('dep_1', { kind: 'local' })
  await engine.load({ path: NANO, sha256: 'a'.repeat(64) as ModelSha256 }, settings)
  const models = [
    { id: model, contextTokens: CONTEXT, created: 1, loaded: true },
    { id: roomy, contextTokens: ROOMY_CONTEXT, created: 2, loaded: false },
  ]
  s = await stand(engine, { models, keep: true, engineOf: async (id) => (id === model ? engine : loadRoomy()) })
})
afterAll(async () => {
  await s.close()
  await engines.stop()
  rmSync(dir, { recursive: true, force: true })
})

async function loadRoomy(): Promise<EnginePort> {
  const tiny = engines.of('dep_2', { kind: 'local' })
  if (tiny.state().kind === 'loaded') return tiny
  const path = join(dir, 'tiny.gguf')
  writeShape(path, { preset: 'tiny', type: 'q8_0', seed: 1, pooling: 'mean' })
  await tiny.load(
    { path, sha256: 'b'.repeat(64) as ModelSha256 },
    { ...settings, slots: 1, contextTokens: ROOMY_CONTEXT },
  )
  return tiny
}

/** The engine, and how its jobs ended. */
function watched(real: EnginePort): { engine: EnginePort; ended: Promise<string> } {
  const { promise: ended, resolve } = Promise.withResolvers<string>()
  const submit: EnginePort['submit'] = (jobId, request, events, options) =>
    real.submit(
      jobId,
      request,
      {
        ...events,
        onDone(done) {
          resolve(done.finish)
          events.onDone(done)
        },
      },
      options,
    )
  return { ended, engine: { ...delegate(real), submit } }
}
const delegate = (real: EnginePort): Pick<EnginePort, Exclude<keyof EnginePort, 'submit'>> => ({
  load: (file, wanted) => real.load(file, wanted),
  unload: () => real.unload(),
  cancel: (jobId) => real.cancel(jobId),
  embed: (texts, signal) => real.embed(texts, signal),
  stats: () => real.stats(),
  state: () => real.state(),
  onState: (listener) => real.onState(listener),
  retry: () => real.retry(),
  stop: () => real.stop(),
})

const TOOL = {
  type: 'function' as const,
  function: {
    name: 'add',
    description: 'Adds two numbers.',
    parameters: {
      type: 'object',
      properties: { a: { type: 'integer' }, b: { type: 'integer' } },
      required: ['a', 'b'],
    },
  },
}

describe('the official client before the real engine', () => {
  it('chats, whole and streamed, with the same words when greedy and with usage', async () => {
    // Long enough that looking for it in the cache is worth it.
    const ask = {
      model,
      messages: say('Add 2 and 3 and 5 and 8, then tell me what it makes, please.'.repeat(2)),
      temperature: 0,
      max_tokens: 12,
    }
    const whole = await s.client.chat.completions.create(ask)
    const { content } = whole.choices[0]!.message
    expect(content).not.toBe('')
    expect(whole.usage!.completion_tokens).toBeLessThanOrEqual(12)
    let [text, usage] = ['', null as unknown]
    for await (const chunk of await s.client.chat.completions.create({
      ...ask,
      stream: true,
      stream_options: { include_usage: true },
    })) {
      text += chunk.choices[0]?.delta.content ?? ''
      usage = chunk.usage ?? usage
    }
    expect(text).toBe(content)
    // The second call found the prompt of the first in the cache.
    expect(usage).toMatchObject({
      prompt_tokens: whole.usage!.prompt_tokens,
      completion_tokens: whole.usage!.completion_tokens,
    })
    expect(
      (usage as { prompt_tokens_details: { cached_tokens: number } }).prompt_tokens_details.cached_tokens,
    ).toBeGreaterThan(0)
  })

  it('completes text past the template, to the length that was asked', async () => {
    const { choices, usage } = await s.client.completions.create({
      model,
      prompt: 'The quick',
      max_tokens: 5,
      temperature: 0,
      ...NO_END,
    })
    expect(choices[0]).toMatchObject({ finish_reason: 'length', index: 0 })
    expect(usage!.completion_tokens).toBe(5)
    // Without a template the prompt is no more than its words.
    expect(usage!.prompt_tokens).toBeLessThan(12)
  })

  it('fills the context where no length is named', async () => {
    const { usage, choices } = await s.client.chat.completions.create({
      model,
      messages: say('x '.repeat(60)),
      temperature: 0,
      ...NO_END,
    })
    expect(choices[0]!.finish_reason).toBe('length')
    expect(usage!.total_tokens).toBe(CONTEXT)
  })

  it('refuses what does not fit, and what no engine can follow', async () => {
    await expect(
      s.client.chat.completions.create({ model, messages: say('word '.repeat(2_000)) }),
    ).rejects.toMatchObject({ status: 400, code: 'context_length_exceeded' })
    await expect(
      s.client.chat.completions.create({ model, messages: say('word '.repeat(100)), max_tokens: 190 }),
    ).rejects.toMatchObject({
      status: 400,
      code: 'context_length_exceeded',
    })
    const schema = { type: 'object', properties: { a: { $ref: 'https://example.com/remote.json' } } }
    await expect(
      s.client.chat.completions.create({
        model,
        messages: say('x'),
        max_tokens: 5,
        response_format: { type: 'json_schema', json_schema: { name: 'x', schema } },
      }),
    ).rejects.toMatchObject({ status: 400 })
    await expect(s.client.embeddings.create({ model, input: 'x' })).rejects.toMatchObject({
      status: 400,
      code: 'model_unsupported',
    })
  })

  it('follows a JSON schema', async () => {
    const schema = {
      type: 'object',
      properties: { colour: { enum: ['red', 'blue'] }, size: { type: 'integer', minimum: 0, maximum: 9 } },
      required: ['colour', 'size'],
      additionalProperties: false,
    }
    const { choices } = await s.client.chat.completions.create({
      model,
      messages: say('Describe it.'),
      temperature: 0,
      max_tokens: 120,
      response_format: { type: 'json_schema', json_schema: { name: 'thing', strict: true, schema } },
    })
    const thing = JSON.parse(choices[0]!.message.content!) as Record<string, unknown>
    expect(['red', 'blue']).toContain(thing['colour'])
    expect(Number.isInteger(thing['size'])).toBe(true)
  })

  it('calls a required tool with arguments that follow its schema', async () => {
    const { choices } = await s.client.chat.completions.create({
      model: roomy,
      messages: say('Add 2 and 3.'),
      temperature: 0,
      max_tokens: 300,
      tools: [TOOL],
      tool_choice: 'required',
    })
    const calls = choices[0]!.message.tool_calls!
    expect(choices[0]!.finish_reason).toBe('tool_calls')
    expect(calls[0]).toMatchObject({ type: 'function', function: { name: 'add' } })
    const args =
      calls[0]!.type === 'function' ? (JSON.parse(calls[0]!.function.arguments) as Record<string, unknown>) : {}
    expect(Object.keys(args).toSorted()).toEqual(['a', 'b'])
  })

  it('makes vectors of length 1 with a model that can', async () => {
    const { data, usage } = await s.client.embeddings.create({
      model: roomy,
      input: ['one text', 'another text', 'one text'],
    })
    const [one, another, again] = data.map(({ embedding }) => embedding)
    expect(Math.hypot(...one!)).toBeCloseTo(1, 4)
    expect(again).toEqual(one)
    expect(another).not.toEqual(one)
    expect(usage.prompt_tokens).toBeGreaterThan(3)
  })

  it('tells log-probabilities that belong to the text', async () => {
    const { choices } = await s.client.chat.completions.create({
      model,
      messages: say('Add 2 and 3.'),
      temperature: 0,
      max_tokens: 4,
      logprobs: true,
      top_logprobs: 2,
    })
    const { content } = choices[0]!.logprobs!
    expect(content!.map(({ token }) => token).join('')).toBe(choices[0]!.message.content)
    for (const { logprob, top_logprobs: top } of content!) {
      expect(logprob).toBeLessThanOrEqual(0)
      expect(top.length).toBe(2)
      // Greedy takes the likeliest.
      expect(logprob).toBeCloseTo(Math.max(...top.map((one) => one.logprob)), 4)
    }
  })

  it('stops the engine when the client goes away', async () => {
    const { engine: seen, ended } = watched(engine)
    const other = await stand(seen, { models: [{ id: model, contextTokens: CONTEXT, created: 1, loaded: true }] })
    const leaving = new AbortController()
    const ask = { model, messages: say('Tell a story.'), max_tokens: 150, stream: true as const, ...NO_END }
    const stream = await other.client.chat.completions.create(ask, { signal: leaving.signal })
    for await (const chunk of stream) if ((chunk.choices[0]?.delta.content ?? '') !== '') break
    leaving.abort()
    expect(await ended).toBe('cancelled')
  })
})

/**
 * Open WebUI: lists models, then streams with usage, with content in parts and fields of its own; titles come by a
 * second call that is not streamed. Source of the shapes:
 * https://github.com/open-webui/open-webui/blob/main/backend/open_webui/routers/openai.py (send_get_request,
 * generate_chat_completion), …/utils/payload.py (apply_model_params_to_body_openai), read in the fork history at commit
 * 004a45f.
 */
describe('Open WebUI', () => {
  const headers = {
    authorization: `Bearer ${KEY}`,
    'content-type': 'application/json',
    'x-openwebui-user-name': 'Ada',
    'x-openwebui-user-id': '1',
    'x-openwebui-chat-id': 'c-1',
  }
  const ask = (path: string, body?: object): Promise<Response> =>
    fetch(`${s.url}${path}`, { headers, ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }) })

  it('finds the model, chats and makes a title', async () => {
    const { data } = (await (await ask('/models')).json()) as { data: { id: string; object: string }[] }
    expect(data.map(({ id }) => id)).toEqual([model, roomy])
    const answer = await ask('/chat/completions', {
      stream: true,
      stream_options: { include_usage: true },
      model,
      messages: [
        { role: 'system', content: 'Be kind.' },
        { role: 'user', content: [{ type: 'text', text: 'Add 2 and 3.', cache_control: { type: 'ephemeral' } }] },
      ],
      temperature: 0.7,
      top_p: 0.9,
      max_tokens: 10,
      frequency_penalty: 0,
      presence_penalty: 0,
      seed: 0,
      stop: ['\n\n'],
      logit_bias: {},
      reasoning: { effort: 'low' },
      chat_id: 'c-1',
      session_id: 's-1',
      features: { web_search: false },
      variables: {},
      background_tasks: { title_generation: true },
    })
    expect(answer.status).toBe(200)
    // What it looks at: the content type, then line by line "data: ", the text, the usage, the end.
    expect(answer.headers.get('content-type')).toContain('text/event-stream')
    const lines = (await answer.text()).split('\n').filter((line) => line.startsWith('data: '))
    expect(lines.at(-1)).toBe('data: [DONE]')
    const events = lines.slice(0, -1).map(
      (line) =>
        JSON.parse(line.slice(6)) as {
          choices: { delta: { content?: string }; finish_reason: string | null }[]
          usage: object | null
        },
    )
    expect(events.map(({ choices }) => choices[0]?.delta.content ?? '').join('')).not.toBe('')
    expect(events.find(({ choices }) => choices[0]?.finish_reason)).toBeDefined()
    expect(events.at(-1)!.usage).toMatchObject({
      prompt_tokens: expect.any(Number) as number,
      completion_tokens: expect.any(Number) as number,
    })
    const title = await ask('/chat/completions', {
      model,
      messages: [{ role: 'user', content: 'A title, please.' }],
      stream: false,
      max_completion_tokens: 8,
      metadata: { task: 'title_generation' },
    })
    expect(await title.json()).toMatchObject({
      object: 'chat.completion',
      choices: [{ message: { role: 'assistant' } }],
    })
  })
})
