import { describe, expect, it } from 'vitest'

import { LIMITS } from '#endpoint/endpoint-limits.ts'

import { chat, CONTEXT, done, error, errorOf, KEY, post, scriptedEngine, send, stand } from './endpoint-support.ts'

const say = [{ role: 'user' as const, content: 'Hi' }]
const SCHEMA = { type: 'object', properties: { a: { type: 'integer' } }, required: ['a'] }
const TOOL = {
  type: 'function' as const,
  function: {
    name: 'look_up',
    description: 'Looks up.',
    parameters: { type: 'object', properties: { q: { type: 'string' } } },
  },
}

describe('who may call', () => {
  it('asks every route for the key, the health check too (another program of this machine could use the engine)', async () => {
    const s = await stand(await scriptedEngine())
    for (const path of ['/health', '/v1/models', '/v1/models/Nano', '/nowhere']) {
      for (const authorization of ['', 'Bearer sk-own-wrong', `Basic ${KEY}`, `Bearer ${'x'.repeat(300)}`]) {
        const answer = await send(s.url, path, { headers: { authorization } })
        expect(errorOf(answer)).toMatchObject({ status: 401, type: 'authentication_error', code: 'invalid_api_key' })
        expect(answer.headers['www-authenticate']).toBe('Bearer')
      }
    }
    expect(await send(s.url, '/health')).toMatchObject({ status: 200, body: '{"status":"ok"}' })
  })

  it('refuses other names and pages of a browser even with the key (DNS rebinding, a page that learned the key)', async () => {
    const s = await stand(await scriptedEngine())
    for (const host of [
      'evil.example',
      'evil.example:80',
      '127.0.0.1.evil.example',
      '10.0.0.1',
      '[::1]',
      'localhost:1:2',
    ])
      expect(errorOf(await send(s.url, '/v1/models', { headers: { host } }))).toMatchObject({
        status: 403,
        code: 'host_not_allowed',
      })
    for (const origin of ['https://evil.example', 'null', s.url])
      expect(errorOf(await send(s.url, '/v1/models', { headers: { origin } }))).toMatchObject({
        status: 403,
        code: 'origin_not_allowed',
      })
    const preflight = await send(s.url, '/v1/models', {
      method: 'OPTIONS',
      headers: { origin: 'https://evil.example', 'access-control-request-method': 'GET' },
    })
    expect(Object.keys(preflight.headers).filter((name) => name.startsWith('access-control'))).toEqual([])
    expect((await send(s.url, '/v1/models', { headers: { host: 'LOCALHOST:1' } })).status).toBe(200)
  })

  it('says what is there and how it is asked', async () => {
    const s = await stand(await scriptedEngine())
    expect(errorOf(await send(s.url, '/v2/models'))).toMatchObject({ status: 404, code: 'not_found' })
    expect(errorOf(await send(s.url, '/v1/chat/completions'))).toMatchObject({ status: 405 })
    expect(errorOf(await send(s.url, '/__proto__'))).toMatchObject({ status: 404 })
    expect((await s.client.models.list()).data).toMatchObject([
      {
        id: 'Nano',
        object: 'model',
        created: 1_700_000_000,
        owned_by: 'stoker',
        loaded: true,
        context_window: CONTEXT,
      },
      { id: 'Other model', loaded: false },
    ])
    expect(await s.client.models.retrieve('Other model')).toMatchObject({ id: 'Other model' })
    await expect(s.client.models.retrieve('%')).rejects.toMatchObject({ status: 404, code: 'model_not_found' })
  })
})

describe('bodies', () => {
  it.each([
    ['no JSON', 'hello', null],
    ['no UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d]), null],
    ['no object', '[]', null],
    ['no model', JSON.stringify({ messages: say }), 'model'],
    ['no messages', chat({ messages: [] }), 'messages'],
    ['too many messages', chat({ messages: Array(300).fill(say[0]) }), 'messages'],
    ['a strange role', chat({ messages: [{ role: 'wizard', content: '' }] }), 'messages.0.role'],
    [
      'a picture',
      chat({ messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:' } }] }] }),
      'messages.0.content.0',
    ],
    ['content that is a number', chat({ messages: [{ role: 'user', content: 7 }] }), 'messages.0.content'],
    ['two answers', chat({ n: 2 }), 'n'],
    ['a wrong type', chat({ temperature: 'hot' }), 'temperature'],
    ['absurd heat', chat({ temperature: 1e9 }), 'temperature'],
    ['a thousand stops', chat({ stop: Array(1_000).fill('x') }), 'stop'],
    ['no length', chat({ max_tokens: 0 }), 'max_tokens'],
    ['a bias of words', chat({ logit_bias: { hello: 1 } }), 'logit_bias.hello'],
    [
      'too large a bias',
      chat({ logit_bias: Object.fromEntries(Array.from({ length: 301 }, (_, at) => [at, 1])) }),
      'logit_bias',
    ],
    ['too many alternatives', chat({ logprobs: true, top_logprobs: 21 }), 'top_logprobs'],
    ['a tool of another kind', chat({ tools: [{ type: 'web_search' }] }), 'tools.0.type'],
    ['a choice without tools', chat({ tool_choice: 'required' }), 'tool_choice'],
    [
      'a choice of no tool',
      chat({ tools: [TOOL], tool_choice: { type: 'function', function: { name: 'other' } } }),
      'tool_choice',
    ],
    ['the older functions', chat({ functions: [{ name: 'f' }] }), 'functions'],
    ['a strange format', chat({ response_format: { type: 'yaml' } }), 'response_format.type'],
    ['sound', chat({ modalities: ['text', 'audio'] }), 'modalities.1'],
  ])('refuses %s with 400 and the field, and asks no engine', async (_what, body, param) => {
    const engine = await scriptedEngine()
    const s = await stand(engine)
    expect(errorOf(await post(s, '/v1/chat/completions', body))).toMatchObject({
      status: 400,
      type: 'invalid_request_error',
      param,
    })
    expect(engine.submitted).toEqual([])
  })

  it('refuses a schema too deep to be read safely (the message between processes would overflow the stack)', async () => {
    const engine = await scriptedEngine()
    const s = await stand(engine)
    const deep = `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`
    for (const field of [
      `"response_format":{"type":"json_schema","json_schema":{"schema":${deep}}}`,
      `"tools":[{"type":"function","function":{"name":"f","parameters":${deep}}}]`,
    ])
      expect(
        errorOf(
          await post(s, '/v1/chat/completions', `{"model":"Nano","messages":[{"role":"user","content":""}],${field}}`),
        ),
      ).toMatchObject({
        status: 400,
        code: 'invalid_value',
      })
    expect(engine.submitted).toEqual([])
  })

  it('refuses more than its bound with 413, told or not, and goes on', async () => {
    const s = await stand(await scriptedEngine())
    const body = chat({ messages: [{ role: 'user', content: 'x'.repeat(LIMITS.bodyBytes) }] })
    expect(errorOf(await post(s, '/v1/chat/completions', body))).toMatchObject({ status: 413 })
    expect(
      errorOf(await send(s.url, '/v1/chat/completions', { body, headers: { 'transfer-encoding': 'chunked' } })),
    ).toMatchObject({ status: 413 })
    expect((await send(s.url, '/health')).status).toBe(200)
  })

  it.each([
    ['echo', { echo: true }],
    ['suffix', { suffix: 'x' }],
    ['best_of', { best_of: 3 }],
    ['prompt', { prompt: ['a', 'b'] }],
    ['prompt', { prompt: [1, 2, 3] }],
    ['prompt', { prompt: '' }],
  ])('refuses %s of completions', async (param, more) => {
    const s = await stand(await scriptedEngine())
    expect(
      errorOf(await post(s, '/v1/completions', JSON.stringify({ model: 'Nano', prompt: 'x', ...more }))),
    ).toMatchObject({ status: 400, param })
  })
})

describe('what the engine is asked', () => {
  it('is everything the client said, in the engine’s words, before jobs', async () => {
    const engine = await scriptedEngine()
    const s = await stand(engine)
    engine.answer(({ events }) => events.onDone(done()))
    await post(
      s,
      '/v1/chat/completions',
      chat({
        messages: [
          { role: 'developer', content: 'Be brief.' },
          {
            role: 'user',
            content: [
              { type: 'text', text: 'Hel', cache_control: { type: 'ephemeral' } },
              { type: 'text', text: 'lo' },
            ],
          },
          {
            role: 'assistant',
            content: null,
            tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'look_up', arguments: '{"q":"x"}' } }],
          },
          { role: 'tool', tool_call_id: 'call_1', content: 'found' },
        ],
        temperature: 0,
        top_p: 0.5,
        top_k: 7,
        min_p: 0.1,
        seed: 42,
        frequency_penalty: 0.5,
        presence_penalty: -0.5,
        repeat_penalty: 1.1,
        repeat_last_n: 64,
        logit_bias: { 5: -100 },
        stop: ['a', '', 'b'],
        max_tokens: 9,
        max_completion_tokens: 7,
        response_format: { type: 'json_schema', json_schema: { name: 'x', strict: true, schema: SCHEMA } },
        tools: [TOOL],
        tool_choice: { type: 'function', function: { name: 'look_up' } },
        logprobs: true,
        top_logprobs: 3,
        ignore_eos: true,
        user: 'me',
        metadata: {},
        store: false,
      }),
    )
    expect(engine.submitted[0]).toMatchObject({ options: { priority: 'own' } })
    expect(engine.submitted[0]!.request).toEqual({
      cacheScope: 'owner',
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'Hello' },
        { role: 'assistant', content: '', toolCalls: [{ id: 'call_1', name: 'look_up', arguments: '{"q":"x"}' }] },
        { role: 'tool', content: 'found', toolCallId: 'call_1' },
      ],
      maxTokens: 7,
      sampling: {
        temperature: 0,
        topP: 0.5,
        topK: 7,
        minP: 0.1,
        seed: 42,
        repeatPenalty: 1.1,
        frequencyPenalty: 0.5,
        presencePenalty: -0.5,
        penaltyTokens: 64,
        logitBias: { 5: -100 },
      },
      stop: ['a', 'b'],
      ignoreEos: true,
      jsonSchema: SCHEMA,
      tools: [{ name: 'look_up', description: 'Looks up.', parameters: TOOL.function.parameters }],
      toolChoice: { name: 'look_up' },
      logprobs: 3,
    })
    expect(s.used).toEqual(['Nano', 'Nano'])
  })

  it('has sampling for talking where the client names none, and takes null for absent (greedy answers of small models repeat themselves)', async () => {
    const engine = await scriptedEngine()
    const s = await stand(engine)
    engine.answer(({ events }) => events.onDone(done()))
    await post(
      s,
      '/v1/chat/completions',
      chat({
        temperature: null,
        stop: null,
        tools: null,
        seed: -1,
        response_format: { type: 'json_object' },
        max_tokens: 5,
      }),
    )
    await post(
      s,
      '/v1/completions',
      JSON.stringify({ model: 'Nano', prompt: ['Once'], max_tokens: 5, temperature: 0, logprobs: 2 }),
    )
    const sampling = { temperature: 0.8, topP: 0.95, topK: 40, minP: 0.05 }
    expect(engine.submitted.map(({ request }) => request)).toEqual([
      { messages: say, maxTokens: 5, sampling, stop: [], ignoreEos: false, jsonObject: true, cacheScope: 'owner' },
      {
        cacheScope: 'owner',
        messages: [],
        prompt: 'Once',
        maxTokens: 5,
        sampling: { ...sampling, temperature: 0 },
        stop: [],
        ignoreEos: false,
        logprobs: 2,
      },
    ])
  })

  it('fills the context without a named length, and asks again with what really fits', async () => {
    const engine = await scriptedEngine()
    const s = await stand(engine)
    const prompt = 200
    engine.answer(({ request, events }) =>
      prompt + request.maxTokens > CONTEXT
        ? events.onError(error('CONTEXT_TOO_LONG', { needed: prompt + request.maxTokens, contextTokens: CONTEXT }))
        : events.onDone(done({ usage: { promptTokens: prompt, cachedTokens: 0, generatedTokens: request.maxTokens } })),
    )
    const answer = await post(s, '/v1/chat/completions', chat())
    expect(JSON.parse(answer.body)).toMatchObject({ usage: { completion_tokens: CONTEXT - prompt } })
    expect(engine.submitted.map(({ request }) => request.maxTokens)).toEqual([CONTEXT - 1 - 16, CONTEXT - prompt])
    expect(new Set(engine.submitted.map(({ jobId }) => jobId)).size).toBe(2)
    // A length the client named is its own: it is told.
    expect(errorOf(await post(s, '/v1/chat/completions', chat({ max_tokens: 400 })))).toMatchObject({
      status: 400,
      code: 'context_length_exceeded',
    })
    expect(errorOf(await post(s, '/v1/chat/completions', chat({ max_tokens: 10_000 })))).toMatchObject({
      status: 400,
      code: 'context_length_exceeded',
    })
    expect(engine.submitted.length).toBe(3)
  })

  it('gives up on a prompt that fits with no answer at all, in a bounded number of tries', async () => {
    const engine = await scriptedEngine()
    const s = await stand(engine)
    engine.answer(({ events }) =>
      events.onError(
        error('CONTEXT_TOO_LONG', engine.submitted.length === 1 ? { needed: 9_000, contextTokens: CONTEXT } : {}),
      ),
    )
    expect(errorOf(await post(s, '/v1/chat/completions', chat()))).toMatchObject({
      status: 400,
      code: 'context_length_exceeded',
    })
    expect(engine.submitted.length).toBe(1)
    expect(errorOf(await post(s, '/v1/chat/completions', chat()))).toMatchObject({ status: 400 })
    expect(engine.submitted.length).toBe(4)
  })
})
