import { request as httpRequest } from 'node:http'
import { connect } from 'node:net'

import { APIError } from 'openai'
import { describe, expect, it } from 'vitest'

import { StokerError } from '#contract/errors.ts'
import { LIMITS } from '#endpoint/endpoint-limits.ts'
import { settle } from '#test/support/fake-clock.ts'

import { chat, done, error, errorOf, KEY, post, scriptedEngine, send, stand } from './endpoint-support.ts'

const say = [{ role: 'user' as const, content: 'Hi' }]
const TOOL = {
  type: 'function' as const,
  function: {
    name: 'look_up',
    description: 'Looks up.',
    parameters: { type: 'object', properties: { q: { type: 'string' } } },
  },
}
const LOGPROB = { token: 'He', bytes: [72, 101], logprob: -0.5, top: [{ token: 'Ha', bytes: [72, 97], logprob: -1.5 }] }

describe('answers', () => {
  it('streams: role, pieces as they come, finish, usage when asked, end', async () => {
    const engine = await scriptedEngine()
    const s = await stand(engine)
    const stream = s.client.chat.completions.create({
      model: 'Nano',
      messages: say,
      stream: true,
      stream_options: { include_usage: true },
    })
    const { events } = await engine.next()
    events.onDelta('He "quoted"\n')
    const chunks = (await stream)[Symbol.asyncIterator]()
    expect((await chunks.next()).value).toMatchObject({
      object: 'chat.completion.chunk',
      model: 'Nano',
      choices: [{ delta: { role: 'assistant', content: '' } }],
    })
    // The first piece is here before the engine says another word.
    expect((await chunks.next()).value).toMatchObject({
      choices: [{ index: 0, delta: { content: 'He "quoted"\n' }, finish_reason: null, logprobs: null }],
      usage: null,
    })
    events.onDelta('🔥')
    events.onDone(done({ finish: 'length' }))
    expect((await chunks.next()).value).toMatchObject({ choices: [{ delta: { content: '🔥' } }] })
    expect((await chunks.next()).value).toMatchObject({ choices: [{ delta: {}, finish_reason: 'length' }] })
    expect((await chunks.next()).value).toMatchObject({
      choices: [],
      usage: { prompt_tokens: 10, completion_tokens: 3, total_tokens: 13, prompt_tokens_details: { cached_tokens: 4 } },
    })
    expect((await chunks.next()).done).toBe(true)
    expect(engine.cancelled).toEqual([])
  })

  it('passes tool calls on, in one piece and as deltas, and only one where the client wants one', async () => {
    const engine = await scriptedEngine()
    const s = await stand(engine)
    const toolCalls = [1, 2].map((at) => ({ id: `call_${at}`, name: 'look_up', arguments: `{"q":"${at}"}` }))
    engine.answer(({ events }) => events.onDone(done({ toolCalls })))
    const whole = await s.client.chat.completions.create({ model: 'Nano', messages: say, tools: [TOOL] })
    expect(whole.choices[0]).toMatchObject({
      finish_reason: 'tool_calls',
      message: {
        content: null,
        tool_calls: [
          { id: 'call_1', type: 'function', function: { name: 'look_up', arguments: '{"q":"1"}' } },
          { id: 'call_2' },
        ],
      },
    })
    const one = await s.client.chat.completions.create({
      model: 'Nano',
      messages: say,
      tools: [TOOL],
      parallel_tool_calls: false,
    })
    expect(one.choices[0]!.message.tool_calls?.length).toBe(1)
    // The official client puts deltas together by their index.
    const streamed = await s.client.chat.completions
      .stream({ model: 'Nano', messages: say, tools: [TOOL] })
      .finalChatCompletion()
    expect(streamed.choices[0]).toMatchObject({
      finish_reason: 'tool_calls',
      message: { tool_calls: [{ id: 'call_1', function: { arguments: '{"q":"1"}' } }, { id: 'call_2' }] },
    })
  })

  it('passes log-probabilities on in both shapes', async () => {
    const engine = await scriptedEngine()
    const s = await stand(engine)
    engine.answer(({ events }) => {
      events.onDelta('He', [LOGPROB])
      events.onDelta('llo', [{ ...LOGPROB, token: 'llo' }])
      events.onDone(done())
    })
    const chatted = await s.client.chat.completions.create({
      model: 'Nano',
      messages: say,
      logprobs: true,
      top_logprobs: 1,
    })
    expect(chatted.choices[0]!.logprobs?.content).toMatchObject([
      { token: 'He', bytes: [72, 101], logprob: -0.5, top_logprobs: [{ token: 'Ha', logprob: -1.5 }] },
      { token: 'llo' },
    ])
    const chunks = []
    for await (const chunk of await s.client.chat.completions.create({
      model: 'Nano',
      messages: say,
      logprobs: true,
      stream: true,
    }))
      chunks.push(chunk.choices[0]?.logprobs?.content?.[0]?.token)
    expect(chunks).toEqual([undefined, 'He', 'llo', undefined])
    const completed = await s.client.completions.create({ model: 'Nano', prompt: 'Say', logprobs: 1 })
    expect(completed.choices[0]).toMatchObject({
      text: 'Hello',
      finish_reason: 'stop',
      logprobs: {
        tokens: ['He', 'llo'],
        token_logprobs: [-0.5, -0.5],
        top_logprobs: [{ Ha: -1.5 }, { Ha: -1.5 }],
        text_offset: [0, 2],
      },
    })
  })

  it('streams completions', async () => {
    const engine = await scriptedEngine()
    const s = await stand(engine)
    engine.answer(({ events }) => {
      events.onDelta('a')
      events.onDelta('b')
      events.onDone(done())
    })
    const chunks = []
    for await (const chunk of await s.client.completions.create({
      model: 'Nano',
      prompt: 'Say',
      stream: true,
      stream_options: { include_usage: true },
    }))
      chunks.push(chunk)
    expect(chunks.map((chunk) => chunk.choices[0]?.text ?? null)).toEqual(['a', 'b', '', null])
    expect(chunks.at(-1)).toMatchObject({ object: 'text_completion', usage: { completion_tokens: 3 } })
  })

  it('frames streams for pipelined calls in their order, and not at all for HTTP/1.0 (chunks are framed by hand)', async () => {
    const engine = await scriptedEngine()
    const s = await stand(engine)
    const calls = (version: string, count: number): string => {
      const body = chat({ stream: true })
      return `POST /v1/chat/completions HTTP/${version}\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${KEY}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`.repeat(
        count,
      )
    }
    const read = async (version: string, count: number): Promise<string> => {
      const socket = connect(Number(new URL(s.url).port), '127.0.0.1').setEncoding('utf8')
      socket.write(calls(version, count))
      const asked = []
      for (let call = 0; call < count; call += 1) asked.push(await engine.next())
      for (const [at, { events }] of [...asked.entries()].toReversed()) {
        events.onDelta(`grüße ${at}`)
        await settle()
        events.onDone(done())
      }
      let text = ''
      for await (const piece of socket) {
        text += String(piece)
        if (text.split('[DONE]\n\n').length > count) break
      }
      socket.destroy()
      return text
    }
    const two = await read('1.1', 2)
    expect(two.match(/grüße \d/g)).toEqual(['grüße 0', 'grüße 1'])
    // Every chunk is as long as it says, by a reader that goes by the bytes.
    let rest = Buffer.from(two.slice(two.indexOf('\r\n\r\n') + 4))
    for (let size = -1; size !== 0;) {
      const line = rest.indexOf('\r\n')
      size = Number.parseInt(rest.subarray(0, line).toString(), 16)
      expect(rest.subarray(line + 2 + size, line + 4 + size).toString()).toBe('\r\n')
      rest = rest.subarray(line + 4 + size)
    }
    expect(rest.toString()).toMatch(/^HTTP\/1\.1 200 OK/)
    const old = await read('1.0', 1)
    expect(old).toMatch(/\r\n\r\ndata: \{.*"grüße 0"/s)
    expect(old).not.toContain('chunked')
  })

  it('embeds, as numbers and as base64 (which the official client asks for by itself)', async () => {
    const s = await stand(await scriptedEngine())
    const expected = [Math.cos(3), Math.sin(3)]
    for (const format of ['float', undefined] as const) {
      const { data, usage } = await s.client.embeddings.create({
        model: 'Nano',
        input: ['abc', 'a'],
        ...(format === undefined ? {} : { encoding_format: format }),
      })
      expect(data.map(({ index }) => index)).toEqual([0, 1])
      data[0]!.embedding.forEach((value, at) => expect(value).toBeCloseTo(expected[at]!, 6))
      expect(usage).toEqual({ prompt_tokens: 4, total_tokens: 4 })
    }
    for (const more of [
      { input: [] },
      { input: [1, 2] },
      { input: '' },
      { input: 'a', dimensions: 8 },
      { input: Array(257).fill('a') },
    ])
      expect(errorOf(await post(s, '/v1/embeddings', JSON.stringify({ model: 'Nano', ...more })))).toMatchObject({
        status: 400,
      })
  })
})

describe('failures', () => {
  it.each([
    ['CONTEXT_TOO_LONG', 400, 'context_length_exceeded'],
    ['GRAMMAR_INVALID', 400, 'grammar_invalid'],
    ['TEMPLATE_FAILED', 400, 'template_failed'],
    ['ENGINE_BUSY', 429, 'engine_busy'],
    ['ENGINE_CRASHED', 503, 'engine_crashed'],
    ['ENGINE_REFUSED', 502, 'engine_refused'],
    ['INTERNAL', 500, null],
  ] as const)('%s before the first text is status %i', async (code, status, name) => {
    const engine = await scriptedEngine()
    const s = await stand(engine)
    engine.answer(({ events }) => events.onError(error(code)))
    for (const stream of [true, false]) {
      const answer = await post(s, '/v1/chat/completions', chat({ stream, max_tokens: 5 }))
      expect(errorOf(answer)).toMatchObject({ status, code: name })
      expect(answer.headers['retry-after']).toBe(status === 429 ? '1' : undefined)
    }
    expect(s.used.length).toBe(4)
  })

  it('in the middle of a stream is an event that the official client throws', async () => {
    const engine = await scriptedEngine()
    const s = await stand(engine)
    engine.answer(({ events }) => {
      events.onDelta('Hel')
      events.onError(error('ENGINE_CRASHED'))
    })
    const stream = await s.client.chat.completions.create({ model: 'Nano', messages: say, stream: true })
    const read = async (): Promise<void> => {
      for await (const _chunk of stream);
    }
    await expect(read()).rejects.toBeInstanceOf(APIError)
  })

  it('an unknown model is 404; one that cannot be loaded says why', async () => {
    const s = await stand(await scriptedEngine())
    await expect(s.client.chat.completions.create({ model: 'gpt-9', messages: say })).rejects.toMatchObject({
      status: 404,
      code: 'model_not_found',
    })
    await expect(s.client.chat.completions.create({ model: 'Other model', messages: say })).rejects.toMatchObject({
      status: 503,
      code: 'engine_out_of_memory',
    })
    await expect(s.client.embeddings.create({ model: 'Other model', input: 'x' })).rejects.toMatchObject({
      status: 503,
    })
  })
})

describe('clients that leave or do not read', () => {
  it('cancels the job of a client that leaves, streamed or not', async () => {
    const engine = await scriptedEngine()
    const s = await stand(engine)
    for (const stream of [true, false]) {
      const leaving = new AbortController()
      const call = s.client.chat.completions
        .create({ model: 'Nano', messages: say, stream }, { signal: leaving.signal })
        .catch(() => null)
      const { jobId, events } = await engine.next()
      events.onDelta('He')
      if (stream) await call
      leaving.abort()
      expect(await engine.nextCancel()).toBe(jobId)
      events.onDelta('more to nobody')
      events.onDone(done({ finish: 'cancelled' }))
    }
    expect(s.used.length).toBe(4)
  })

  it('ends the embeddings of a client that leaves', async () => {
    const engine = await scriptedEngine()
    const [begun, left] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const s = await stand({
      ...engine,
      embed: (_texts, signal) =>
        new Promise((_resolve, reject) => {
          signal?.addEventListener('abort', () => {
            reject(new StokerError('CANCELLED', 'left'))
            left.resolve()
          })
          begun.resolve()
        }),
    })
    const leaving = new AbortController()
    const call = s.client.embeddings
      .create({ model: 'Nano', input: ['a', 'b'] }, { signal: leaving.signal })
      .catch(() => null)
    await begun.promise
    leaving.abort()
    expect(await Promise.all([left.promise.then(() => 'ended'), call])).toEqual(['ended', null])
  })

  it('asks nothing of the engine for a client that left while its model was loaded', async () => {
    const engine = await scriptedEngine()
    const [loading, loaded] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const s = await stand(engine, {
      engineOf: async () => {
        loading.resolve()
        await loaded.promise
        return engine
      },
    })
    const call = httpRequest(new URL('/v1/chat/completions', s.url), {
      method: 'POST',
      headers: { authorization: `Bearer ${KEY}` },
    })
    call.on('error', () => undefined)
    call.end(chat())
    await loading.promise
    call.destroy()
    // Two calls of other clients: what this one did before them has been seen by then.
    for (let other = 0; other < 2; other += 1) await send(s.url, '/health')
    loaded.resolve()
    await settle()
    expect(engine.submitted).toEqual([])
  })

  it('cuts off a client that reads nothing once a bound is reached, and only that one', async () => {
    const engine = await scriptedEngine()
    const s = await stand(engine)
    const slow = connect(Number(new URL(s.url).port), '127.0.0.1')
    slow.on('error', () => undefined)
    const body = chat({ stream: true })
    slow.write(
      `POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${KEY}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    )
    slow.pause()
    const stalled = await engine.next()
    const other = s.client.chat.completions.create({ model: 'Nano', messages: say })
    const fine = await engine.next()
    const text = 'x'.repeat(64_000)
    for (let sent = 0; engine.cancelled.length === 0 && sent < 1_000; sent += 1) {
      stalled.events.onDelta(text)
      await settle()
    }
    expect(engine.cancelled).toEqual([stalled.jobId])
    fine.events.onDelta('fine')
    fine.events.onDone(done())
    expect((await other).choices[0]!.message.content).toBe('fine')
    slow.destroy()
  })

  it('tells a client that waits long for its first text so, and cuts nobody off for waiting (clients give up on silence)', async () => {
    const engine = await scriptedEngine()
    const s = await stand(engine)
    const stream = s.client.chat.completions.create({ model: 'Nano', messages: say, stream: true })
    const { events } = await engine.next()
    await s.clock.advance(LIMITS.watchMs * 20)
    const read = await stream
    events.onDelta('at last')
    events.onDone(done())
    const texts = []
    for await (const chunk of read) texts.push(chunk.choices[0]?.delta.content)
    expect(texts).toEqual(['', 'at last', undefined])
    expect(engine.cancelled).toEqual([])
    await settle()
    expect(s.clock.waiting).toBe(0)
  })

  it('ends everything on close, and its jobs with it', async () => {
    const engine = await scriptedEngine()
    const s = await stand(engine, { keep: true })
    const call = s.client.chat.completions.create({ model: 'Nano', messages: say }).catch(() => null)
    const { jobId } = await engine.next()
    await s.close()
    expect(await call).toBeNull()
    expect(await engine.nextCancel()).toBe(jobId)
    await expect(send(s.url, '/health')).rejects.toThrow('ECONNREFUSED')
  })
})
