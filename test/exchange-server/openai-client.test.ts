import { OpenAI } from 'openai'
import { describe, expect, it } from 'vitest'

import { books, buyerKey, client, startTestExchange, listed, NANO, say } from './exchange-support.ts'

describe('the official openai client', () => {
  it('buys a completion with the exchange’s own count of tokens (a supplier’s count must not reach the bill)', async () => {
    const { supplier, client: buyer } = await listed()
    supplier.onJob = (job) => {
      supplier.send({ t: 'job.accept', jobId: job.jobId })
      supplier.send({ t: 'job.delta', jobId: job.jobId, text: 'Grüße, world' })
      supplier.claim(job, 'Grüße, world', 'stop', { usage: { inputTokens: 999, outputTokens: 999 } })
    }
    const answer = await buyer.chat.completions.create({
      model: NANO,
      messages: say('Hello, exchange!'),
      max_tokens: 20,
    })
    expect(answer.choices[0]).toMatchObject({
      message: { role: 'assistant', content: 'Grüße, world' },
      finish_reason: 'stop',
    })
    // 16 bytes in, 14 bytes out.
    expect(answer.usage).toEqual({ prompt_tokens: 4, completion_tokens: 4, total_tokens: 8 })
    const { receipt } = await supplier.next('job.settled')
    expect(receipt.billed).toEqual({ inputTokens: 4, outputTokens: 4 })
  })

  it('streams: role first, the pieces in order, finish, usage, end', async () => {
    const { supplier, client: buyer } = await listed()
    const stream = await buyer.chat.completions.create({
      model: NANO,
      messages: say('Hi'),
      stream: true,
      stream_options: { include_usage: true },
    })
    const chunks = []
    for await (const chunk of stream) chunks.push(chunk)
    expect(chunks[0]!.choices[0]!.delta.role).toBe('assistant')
    expect(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('')).toBe('Hello there!')
    expect(chunks.at(-2)!.choices[0]!.finish_reason).toBe('stop')
    expect(chunks.at(-1)).toMatchObject({
      choices: [],
      usage: { prompt_tokens: 1, completion_tokens: 3, total_tokens: 4 },
    })
    expect((await supplier.next('job.settled')).receipt.seq).toBe(1)
  })

  it('leaves usage out of a stream that did not ask for it', async () => {
    const { client: buyer } = await listed()
    const stream = await buyer.chat.completions.create({ model: NANO, messages: say('Hi'), stream: true })
    for await (const chunk of stream) expect(chunk.usage ?? null).toBeNull()
  })

  it('joins a surrogate pair that a supplier split over two deltas (it would be billed and shown as two broken characters)', async () => {
    const { supplier, client: buyer } = await listed()
    supplier.onJob = (job) => {
      const coal = '🔥'
      for (const text of ['a', coal[0]!, coal[1]!]) supplier.send({ t: 'job.delta', jobId: job.jobId, text })
      supplier.claim(job, `a${coal}`)
    }
    const stream = await buyer.chat.completions.create({
      model: NANO,
      messages: say('Hi'),
      stream: true,
      stream_options: { include_usage: true },
    })
    let text = ''
    let tokens = 0
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? ''
      tokens = chunk.usage?.completion_tokens ?? tokens
    }
    expect({ text, tokens }).toEqual({ text: 'a🔥', tokens: 2 })
  })

  it('passes sampling, stops, a schema and text parts on, and says length when the answer was cut', async () => {
    const { supplier, client: buyer } = await listed()
    supplier.onJob = (job) => supplier.answer(job, ['cut'], 'length')
    const answer = await buyer.chat.completions.create({
      model: NANO,
      messages: [
        { role: 'developer', content: 'Be brief.' },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'Hel' },
            { type: 'text', text: 'lo' },
          ],
        },
      ],
      temperature: 0.5,
      top_p: 0.9,
      seed: -1,
      stop: '\n',
      max_completion_tokens: 7,
      response_format: { type: 'json_schema', json_schema: { name: 'x', schema: { type: 'object' } } },
    })
    expect(answer.choices[0]!.finish_reason).toBe('length')
    expect(supplier.jobs[0]!.request).toEqual({
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'Hello' },
      ],
      maxTokens: 7,
      sampling: { temperature: 0.5, topP: 0.9, topK: 40, minP: 0, seed: 2 ** 32 - 1 },
      stop: ['\n'],
      jsonSchema: { type: 'object' },
      ignoreEos: false,
    })
  })

  it('lists the instruments as models', async () => {
    const exchange = await startTestExchange()
    const buyer = client(exchange, await buyerKey(exchange))
    expect((await buyer.models.list()).data.map((model) => model.id)).toEqual([NANO, 'practice/text-micro'])
    expect(await buyer.models.retrieve(NANO)).toMatchObject({ id: NANO, object: 'model' })
    await expect(buyer.models.retrieve('practice/none')).rejects.toMatchObject({ status: 404, code: 'model_not_found' })
  })
})

describe('errors the openai client understands', () => {
  const ask = (buyer: OpenAI, more: object = {}): Promise<unknown> =>
    buyer.chat.completions.create({ model: NANO, messages: say('Hi'), ...more } as never)

  it('names each problem by status and code', async () => {
    const exchange = await startTestExchange()
    const key = await buyerKey(exchange)
    const buyer = client(exchange, key)
    await expect(ask(client(exchange, 'sk-practice-wrong'))).rejects.toMatchObject({
      status: 401,
      code: 'invalid_api_key',
    })
    await expect(ask(buyer, { model: 'gpt-4' })).rejects.toMatchObject({
      status: 404,
      code: 'model_not_found',
      param: 'model',
    })
    await expect(ask(buyer, { messages: say('x'.repeat(600)) })).rejects.toMatchObject({
      status: 400,
      code: 'context_length_exceeded',
    })
    await expect(ask(buyer, { max_tokens: 5_000 })).rejects.toMatchObject({ status: 400, param: 'max_tokens' })
    await expect(ask(buyer, { n: 2 })).rejects.toMatchObject({ status: 400, param: 'n' })
    await expect(ask(buyer, { tools: [{ type: 'function', function: { name: 'f' } }] })).rejects.toMatchObject({
      status: 400,
      code: 'unsupported_parameter',
      param: 'tools',
    })
    await expect(ask(buyer, { temperature: 9 })).rejects.toMatchObject({ status: 400, param: 'temperature' })
    await expect(ask(buyer, { made_up: 1 })).rejects.toMatchObject({
      status: 400,
      code: 'unknown_parameter',
      param: 'made_up',
    })
    await expect(ask(buyer, { messages: [] })).rejects.toMatchObject({ status: 400, param: 'messages' })
    await expect(ask(buyer)).rejects.toMatchObject({ status: 503, code: 'no_supplier' })
  })

  it('refuses a call the credit does not cover, and takes nothing', async () => {
    // (1 + 32) tokens at 1 credit per million cost at most 33,000 nano-credits.
    const { exchange, client: buyer } = await listed({ creditNano: 32_999 })
    await expect(ask(buyer)).rejects.toMatchObject({ status: 429, code: 'insufficient_quota' })
    await expect(ask(buyer, { max_tokens: 31 })).resolves.toMatchObject({ object: 'chat.completion' })
    expect(books(exchange).check()).toMatchObject({ ok: true, problems: [] })
  })

  it('answers malformed JSON, foreign hosts, origins, oversize bodies and unknown routes, and goes on living', async () => {
    const { exchange, key, client: buyer } = await listed()
    const post = (body: BodyInit, headers: Record<string, string> = {}): Promise<Response> =>
      fetch(`${exchange.url}/v1/chat/completions`, {
        method: 'POST',
        body,
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
      })
    expect((await post('{"model":')).status).toBe(400)
    expect((await post('[]')).status).toBe(400)
    expect((await post(new Uint8Array([0x7b, 0xff, 0xfe, 0x7d]))).status).toBe(400)
    expect((await post('x'.repeat(1_048_577))).status).toBe(413)
    const endless = new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(65_536)) })
    expect(
      (
        await fetch(`${exchange.url}/v1/chat/completions`, {
          method: 'POST',
          body: endless,
          duplex: 'half',
          headers: { authorization: `Bearer ${key}` },
        } as RequestInit).catch(() => ({ status: 413 }))
      ).status,
    ).toBe(413)
    expect((await post('{}', { origin: 'https://example.org' })).status).toBe(403)
    expect((await fetch(`${exchange.url}/v2/none`)).status).toBe(404)
    expect((await fetch(`${exchange.url}/admin/check`, { headers: { authorization: `Bearer ${key}` } })).status).toBe(
      401,
    )
    await expect(ask(buyer)).resolves.toMatchObject({ object: 'chat.completion' })
  })
})
