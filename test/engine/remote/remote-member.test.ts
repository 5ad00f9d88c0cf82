/**
 * One remote endpoint before a scripted server: what is sent, what is read, and every way in which an answer can fail.
 */
import { describe, expect, it } from 'vitest'

import { FakeClock } from '#test/support/fake-clock.ts'
import {
  event,
  type FakeOpenAiServer,
  last,
  ok,
  open,
  textChunk,
  refuse,
  stream,
} from '#test/support/fake-openai-server.ts'

import { engineOver, FILE, loaded, logged, SETTINGS, start } from './remote-support.ts'
import { ask, run, submit, whenState, type Outcome } from '../engine-support.ts'
import { until } from '../../support/until.ts'

/** One answer of a server with this one reply. */
async function answer(
  reply: FakeOpenAiServer['replies'][number],
  request = ask('hi'),
): Promise<Outcome & { server: FakeOpenAiServer }> {
  const server = await start((fake) => (fake.replies = [reply]))
  const engine = await loaded([server])
  return { ...(await run(engine, request)), server }
}

describe('what is sent', () => {
  const everything = {
    messages: [
      { role: 'system', content: 'be brief' },
      { role: 'assistant', content: '', toolCalls: [{ id: 'c1', name: 'weather', arguments: '{}' }] },
      { role: 'tool', content: 'rain', toolCallId: 'c1' },
    ],
    maxTokens: 7,
    stop: ['END'],
    ignoreEos: true,
    jsonSchema: { type: 'object' },
    logprobs: 0,
    sampling: {
      temperature: 0.5,
      topP: 0.9,
      topK: 20,
      minP: 0.1,
      seed: 9,
      repeatPenalty: 1.2,
      frequencyPenalty: 0.3,
      presencePenalty: 0.4,
      penaltyTokens: 32,
      logitBias: { '5': -100 },
    },
    tools: [{ name: 'weather', description: 'now', parameters: { type: 'object' } }],
    toolChoice: { name: 'weather' },
  }
  const PLAIN = {
    model: 'fake-model',
    messages: [
      { role: 'system', content: 'be brief' },
      {
        role: 'assistant',
        content: null,
        tool_calls: [{ id: 'c1', type: 'function', function: { name: 'weather', arguments: '{}' } }],
      },
      { role: 'tool', content: 'rain', tool_call_id: 'c1' },
    ],
    max_tokens: 7,
    temperature: 0.5,
    top_p: 0.9,
    seed: 9,
    frequency_penalty: 0.3,
    presence_penalty: 0.4,
    logit_bias: { '5': -100 },
    stop: ['END'],
    response_format: { type: 'json_schema', json_schema: { name: 'answer', strict: true, schema: { type: 'object' } } },
    stream: true,
    stream_options: { include_usage: true },
    logprobs: true,
    top_logprobs: 1,
    tools: [{ type: 'function', function: { name: 'weather', description: 'now', parameters: { type: 'object' } } }],
    tool_choice: { type: 'function', function: { name: 'weather' } },
  }
  const sent = async (script: (server: FakeOpenAiServer) => void, settings = SETTINGS) => {
    const server = await start(script)
    const engine = engineOver([server])
    const model = await engine.load(FILE, settings)
    await run(engine, everything as never)
    return { body: server.calls[0]?.body, model }
  }

  it('unknown servers get what OpenAI has, and nothing else', async () => {
    const { body, model } = await sent(() => undefined)
    expect(body).toEqual(PLAIN)
    expect(model).toMatchObject({ engine: 'OpenAI-compatible', slots: 2, contextTokens: 512 })
  })

  it('llama-server gets its own names too, and its slots and context count', async () => {
    const { body, model } = await sent(
      (server) =>
        (server.paths['/props'] = refuse(200, {
          total_slots: 1,
          build_info: 'b1-abc',
          default_generation_settings: { n_ctx: 256 },
        })),
      {
        ...SETTINGS,
        prefixReuse: false,
      },
    )
    expect(body).toEqual({
      ...PLAIN,
      top_k: 20,
      min_p: 0.1,
      repeat_penalty: 1.2,
      repeat_last_n: 32,
      ignore_eos: true,
      cache_prompt: false,
    })
    expect(model).toMatchObject({ engine: 'llama-server b1-abc', slots: 1, contextTokens: 256 })
  })

  it('vLLM is known by its model list and its version', async () => {
    const { body, model } = await sent((server) => {
      server.models = [{ id: 'fake-model', owned_by: 'vllm', max_model_len: 300 }]
      server.paths['/version'] = refuse(200, { version: '0.11.0' })
    })
    expect(body).toEqual({ ...PLAIN, top_k: 20, min_p: 0.1, repetition_penalty: 1.2, ignore_eos: true })
    expect(model).toMatchObject({ engine: 'vLLM 0.11.0', contextTokens: 300 })
  })

  it('Ollama finds its model without the tag', async () => {
    const { model } = await sent((server) => {
      server.models = [{ id: 'fake-model:latest', owned_by: 'library' }]
      server.paths['/api/version'] = refuse(200, { version: '0.12.3' })
    })
    expect(model.engine).toBe('Ollama 0.12.3')
  })

  it('the key goes as Bearer and into no log; an address may end in /v1', async () => {
    const server = await start((fake) => (fake.key = 'sk-very-secret'))
    const engine = engineOver([{ url: `${server.url}/v1/`, key: 'sk-very-secret' }])
    await engine.load(FILE, SETTINGS)
    expect((await run(engine, ask('hi'))).text).toBe('Hello')
    expect(server.calls[0]?.headers.authorization).toBe('Bearer sk-very-secret')
    expect(logged.join()).not.toContain('secret')
  })

  it('a prompt without messages goes to completions', async () => {
    const { text, server } = await answer(
      stream(
        event({ choices: [{ text: 'x', finish_reason: null }] }),
        event({ choices: [{ text: '', finish_reason: 'length' }] }),
      ),
      {
        ...ask('x'),
        messages: [],
        prompt: 'once upon',
      },
    )
    expect(server.calls[0]).toMatchObject({ path: '/v1/completions', body: { prompt: 'once upon' } })
    expect(text).toBe('x')
  })
})

describe('what is read', () => {
  it('text as it comes, usage, cached tokens, the reason', async () => {
    expect(await answer(ok)).toMatchObject({
      deltas: ['Hel', 'lo'],
      finish: 'stop',
      usage: { promptTokens: 40, cachedTokens: 30, generatedTokens: 2 },
    })
  })

  it('counts chunks where the server does not count', async () => {
    expect(await answer(stream(textChunk('a'), textChunk('b'), last('length', null)))).toMatchObject({
      finish: 'length',
      usage: { promptTokens: 1, cachedTokens: 0, generatedTokens: 2 },
    })
  })

  it('delivers no reasoning, and does not take the time to the first of it for silence', async () => {
    const reasoning = event({ choices: [{ delta: { reasoning_content: 'hmm' } }] })
    expect(await answer(stream(reasoning, textChunk('yes'), last()))).toMatchObject({ text: 'yes', finish: 'stop' })
  })

  it('puts tool calls together from their parts', async () => {
    const call = (delta: unknown) => event({ choices: [{ delta: { tool_calls: [delta] } }] })
    const server = await start(
      (fake) =>
        (fake.replies = [
          stream(
            call({ index: 0, id: 'c1', function: { name: 'weather', arguments: '{"in":' } }),
            call({ index: 0, function: { arguments: '"Oslo"}' } }),
            call({ index: 1, id: '', function: { name: 'time', arguments: '{}' } }),
            last('tool_calls'),
          ),
        ]),
    )
    const engine = await loaded([server])
    const done = await new Promise((resolve) =>
      engine.submit('j', ask('hi'), { onDelta: () => undefined, onDone: resolve, onError: resolve }),
    )
    expect(done).toMatchObject({
      finish: 'stop',
      toolCalls: [
        { id: 'c1', name: 'weather', arguments: '{"in":"Oslo"}' },
        { id: 'call_1', name: 'time', arguments: '{}' },
      ],
    })
  })

  it('log-probabilities with the alternatives asked for', async () => {
    const server = await start((fake) => {
      const top = [
        { token: 'a', logprob: -0.1 },
        { token: 'b', logprob: -2, bytes: [98] },
      ]
      fake.replies = [
        stream(
          textChunk('a', { logprobs: { content: [{ token: 'a', logprob: -0.1, bytes: [97], top_logprobs: top }] } }),
          last(),
        ),
      ]
    })
    const engine = await loaded([server])
    const got = await new Promise((resolve) =>
      engine.submit(
        'j',
        { ...ask('hi'), logprobs: 1 },
        { onDelta: (_text, logprobs) => resolve(logprobs), onDone: () => undefined, onError: resolve },
      ),
    )
    expect(got).toEqual([{ token: 'a', logprob: -0.1, bytes: [97], top: [{ token: 'a', logprob: -0.1, bytes: [97] }] }])
  })

  it('characters cut between two packets, CRLF, comments and events of other names', async () => {
    const bytes = Buffer.from(textChunk('né').replaceAll('\n', '\r\n'))
    const at = bytes.indexOf(0xc3) + 1
    const result = await answer((response) => {
      response.writeHead(200)
      response.write(': ping\n\n')
      response.write(bytes.subarray(0, at))
      setImmediate(() => response.end(Buffer.concat([bytes.subarray(at), Buffer.from(last())])))
    })
    expect(result).toMatchObject({ text: 'né', finish: 'stop' })
  })

  it('ends an answer that runs over its tokens', async () => {
    const result = await answer(open(...Array.from({ length: 30 }, () => textChunk('x'))), ask('hi', { maxTokens: 5 }))
    expect(result).toMatchObject({ text: 'xxxxx', finish: 'length', usage: { generatedTokens: 5 } })
    await result.server.calls[0]?.hungUp
  })
})

describe('refusals', () => {
  it.each([
    [401, {}, 'ENGINE_REFUSED', 'does not accept the key (401)'],
    [404, { error: { message: 'model gone' } }, 'ENGINE_REFUSED', 'It says: model gone'],
    [422, { detail: 'bad seed' }, 'ENGINE_REFUSED', 'refused the request (422). It says: bad seed'],
    [302, {}, 'ENGINE_REFUSED', 'Enter that address instead'],
    [500, { error: 'oops' }, 'ENGINE_CRASHED', 'It says: oops'],
    [429, {}, 'ENGINE_BUSY', 'takes no more requests now'],
    [503, { error: { message: 'Loading model' } }, 'ENGINE_BUSY', 'Loading model'],
    [
      400,
      { error: { type: 'exceed_context_size_error', message: 'the request exceeds the available context size' } },
      'CONTEXT_TOO_LONG',
      'Shorten the prompt',
    ],
    [
      400,
      { error: { message: "This model's maximum context length is 10 tokens" } },
      'CONTEXT_TOO_LONG',
      'Shorten the prompt',
    ],
    [413, 'x'.repeat(50_000), 'ENGINE_REFUSED', 'refused the request (413).'],
  ])('%i with %j is %s', async (status, body, code, words) => {
    const { error } = await answer(refuse(status, body, { location: 'http://127.0.0.1:9/steal' }))
    expect(error).toMatchObject({ code, data: { status } })
    expect(error?.message).toContain(words)
    expect(error?.message.length).toBeLessThan(500)
  })

  it('an error inside the stream is one too', async () => {
    expect(
      await answer(stream(event({ error: { code: 400, type: 'exceed_context_size_error', message: 'too big' } }))),
    ).toMatchObject({ error: { code: 'CONTEXT_TOO_LONG' } })
    expect(await answer(stream(textChunk('a'), event({ error: { code: 500, message: 'slot lost' } })))).toMatchObject({
      text: 'a',
      error: { code: 'ENGINE_CRASHED' },
    })
  })
})

describe('hostile and broken streams', () => {
  it.each([
    ['an endless line', open(`data: ${'x'.repeat(3_000_000)}`)],
    ['no JSON', stream('data: {"choices": [\n\n')],
    ['JSON of another shape', stream(event({ choices: 'none' }))],
    ['half an event', stream(textChunk('a'), 'data: {"choices":[{"delta":{"content":"b"}')],
    ['an answer without its end', stream(textChunk('a'))],
    ['far more than asked for', open(...Array.from({ length: 700 }, () => `: ${'x'.repeat(2_000)}\n\n`))],
    ['an abort', stream(textChunk('a'), event({ choices: [{ delta: {}, finish_reason: 'abort' }] }))],
    [
      'endless tool arguments',
      stream(
        ...Array.from({ length: 3 }, () =>
          event({ choices: [{ delta: { tool_calls: [{ index: 0, function: { arguments: 'x'.repeat(500_000) } }] } }] }),
        ),
      ),
    ],
  ])('%s fails the job, and the next one is served', async (_name, reply) => {
    const server = await start((fake) => (fake.replies = [reply, ok]))
    const engine = await loaded([server])
    expect((await run(engine, ask('hi'))).error).toMatchObject({ code: 'ENGINE_CRASHED' })
    expect((await run(engine, ask('hi'))).text).toBe('Hello')
  })

  it('silence ends: before the first byte at the deadline, afterwards after a minute', async () => {
    const clock = new FakeClock()
    const server = await start((fake) => (fake.replies = [() => undefined, open(textChunk('a'))]))
    const engine = await loaded([server], clock)
    const ends: string[] = []
    const give = (id: string) =>
      engine.submit(
        id,
        ask('hi'),
        {
          onDelta: (text) => ends.push(text),
          onDone: () => undefined,
          onError: ({ code, message }) => ends.push(`${code} ${message}`),
        },
        { deadlineMs: 200_000 },
      )
    give('one')
    await server.asked(1)
    await clock.advance(199_000)
    expect(ends).toEqual([])
    await clock.advance(1_000)
    await until('end 1', () => ends.length >= 1)
    expect(ends[0]).toContain('ENGINE_UNREACHABLE')
    expect(ends[0]).toContain('nothing came for 200 s')
    await whenState(engine, 'loaded')
    give('two')
    await until('end 2', () => ends.length >= 2)
    for (let second = 0; second < 61; second += 1) await clock.advance(1_000)
    await until('end 3', () => ends.length >= 3)
    expect(ends.slice(1)).toEqual(['a', expect.stringContaining('nothing came for 60 s')])
  })
})

describe('cancel', () => {
  it('hangs up on the server, before and after the first chunk', async () => {
    const server = await start((fake) => (fake.replies = [() => undefined, open(textChunk('a'))]))
    const engine = await loaded([server])
    const silent = submit(engine, ask('hi'))
    await server.asked(1)
    engine.cancel(silent.id)
    expect(await silent.outcome).toMatchObject({ finish: 'cancelled', usage: { generatedTokens: 0 } })
    const speaking = submit(engine, ask('hi'))
    await speaking.firstDelta
    engine.cancel(speaking.id)
    expect(await speaking.outcome).toMatchObject({ finish: 'cancelled', text: 'a', usage: { generatedTokens: 1 } })
    await Promise.all(server.calls.map(({ hungUp }) => hungUp))
    expect(engine.stats().running).toBe(0)
  })
})
