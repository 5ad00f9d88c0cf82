/** One call is one job and one bill, however often its client sends it. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

import { describe, expect, it, onTestFinished } from 'vitest'

import { openDb } from '#db/open.ts'
import { exchangeMigrations } from '#exchange-server/exchange-db/index.ts'
import { LIMITS } from '#exchange-server/exchange-limits.ts'
import { FakeClock } from '#test/support/fake-clock.ts'
import { FakeSupplier, type JobFrame } from '#test/support/fake-supplier.ts'

import { until } from '../support/until.ts'
import { ASK, balances, books, buyerKey, client, listed, NANO, say, startTestExchange } from './exchange-support.ts'

interface Completion {
  id: string
  choices: { message: { content: string } }[]
  error?: { code: string }
}
interface Sent {
  status: number
  headers: Headers
  body: Completion
}

/** As a client in any language sends it. */
async function send(
  { url, key, signal }: { url: string; key: string; signal?: AbortSignal },
  headers: Record<string, string>,
  content = 'Hi',
): Promise<Sent> {
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ model: NANO, messages: say(content), max_tokens: 16 }),
    ...(signal === undefined ? {} : { signal }),
  })
  return { status: response.status, headers: response.headers, body: (await response.json()) as Completion }
}
const fetched = async (url: string, key: string, id: string): Promise<Sent> => {
  const response = await fetch(`${url}/v1/chat/completions/${id}`, { headers: { authorization: `Bearer ${key}` } })
  return { status: response.status, headers: response.headers, body: (await response.json()) as Completion }
}
const textOf = ({ body }: Sent): string | undefined => body.choices?.[0]?.message.content
const KEYED = { 'Idempotency-Key': 'order-7' }
const RETRY = { 'X-Stainless-Retry-Count': '1' }

/** The supplier answers when told to; `asked` resolves with its next job. */
function byHand(supplier: FakeSupplier): { jobs: JobFrame[]; asked(count: number): Promise<JobFrame> } {
  const jobs: JobFrame[] = []
  supplier.onJob = (job) => void jobs.push(job)
  return {
    jobs,
    async asked(count) {
      await until(`job ${count}`, () => jobs.length >= count)
      return jobs[count - 1]!
    },
  }
}

describe('a call with an Idempotency-Key', () => {
  it('joins the first while it runs, and gets its result afterwards: one job, one bill', async () => {
    const { exchange, supplier, key } = await listed({ slots: 2 })
    const { url } = exchange
    const hand = byHand(supplier)
    const both = [send({ url, key }, KEYED), send({ url, key }, KEYED)]
    const job = await hand.asked(1)
    await supplier.answer(job, ['once ', 'only'])
    const [first, second] = (await Promise.all(both)) as [Sent, Sent]
    const third = await send({ url, key }, KEYED)
    expect([first, second, third].map(textOf)).toEqual(['once only', 'once only', 'once only'])
    expect(new Set([first, second, third].map(({ body }) => body.id)).size).toBe(1)
    expect(third.headers.get('x-stoker-job')).toBe(job.jobId)
    expect(hand.jobs).toHaveLength(1)
    expect(books(exchange).check()).toMatchObject({ ok: true, receipts: 1 })
  })

  it('is waited for by eight; one more is told when to come again, and has the answer then', async () => {
    const { exchange, supplier, key } = await listed()
    const { url } = exchange
    const hand = byHand(supplier)
    const calls = Array.from({ length: LIMITS.readersOfCall + 1 }, () => send({ url, key }, KEYED))
    // Nobody is answered before the supplier answers, except the one too many.
    const tooMany = await Promise.race(calls)
    expect([tooMany.status, tooMany.body.error?.code]).toEqual([409, 'completion_running'])
    expect(['retry-after', 'x-should-retry'].map((name) => tooMany.headers.get(name))).toEqual(['1', null])
    await supplier.answer(await hand.asked(1), ['once'])
    const answered = (await Promise.all(calls)).filter(({ status }) => status === 200)
    expect(answered.map(textOf)).toEqual(Array.from({ length: LIMITS.readersOfCall }, () => 'once'))
    expect(textOf(await send({ url, key }, KEYED))).toBe('once')
    expect(hand.jobs).toHaveLength(1)
  })

  it('streams what is there already to one that joins, then what follows', async () => {
    const { exchange, supplier, client: buyer } = await listed()
    const hand = byHand(supplier)
    const ask = () =>
      buyer.chat.completions.create({ model: NANO, messages: say('Hi'), stream: true }, { headers: KEYED })
    const read = async (stream: Awaited<ReturnType<typeof ask>>): Promise<string> => {
      let text = ''
      for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? ''
      return text
    }
    const first = ask()
    const job = await hand.asked(1)
    supplier.send({ t: 'job.delta', jobId: job.jobId, text: 'early ' })
    const begun = await first
    const joined = await ask()
    supplier.send({ t: 'job.delta', jobId: job.jobId, text: 'late' })
    supplier.claim(job, 'early late')
    expect(await Promise.all([read(begun), read(joined)])).toEqual(['early late', 'early late'])
    expect(hand.jobs).toHaveLength(1)
    expect(books(exchange).check()).toMatchObject({ ok: true, receipts: 1 })
  })

  it('with another body is refused, and OpenAI’s client does not repeat it', async () => {
    const { exchange, key } = await listed()
    expect((await send({ url: exchange.url, key }, KEYED)).status).toBe(200)
    let requests = 0
    const counting = client(exchange, key).withOptions({
      maxRetries: 2,
      fetch: (...args) => {
        requests += 1
        return fetch(...args)
      },
    })
    await expect(
      counting.chat.completions.create({ model: NANO, messages: say('Something else') }, { headers: KEYED }),
    ).rejects.toMatchObject({ status: 409, code: 'idempotency_key_reused' })
    expect(requests).toBe(1)
  })

  it('is another call for another buyer, and under another key', async () => {
    const { exchange, supplier, key } = await listed()
    const { url } = exchange
    const other = await buyerKey(exchange)
    await send({ url, key }, KEYED)
    await send({ url, key: other }, KEYED)
    await send({ url, key }, { 'Idempotency-Key': 'order-8' })
    expect(supplier.jobs).toHaveLength(3)
  })

  it.each([['x'.repeat(256)], ['naïve']])('of %j is no key', async (bad) => {
    const { exchange, key } = await listed()
    expect(await send({ url: exchange.url, key }, { 'Idempotency-Key': bad })).toMatchObject({
      status: 400,
      body: { error: { code: 'invalid_value' } },
    })
  })

  it('that failed is tried anew', async () => {
    const { exchange, supplier, key } = await listed()
    supplier.onJob = ({ jobId }) =>
      supplier.send({ t: 'job.error', jobId, error: { code: 'ENGINE_CRASHED', message: 'gone', data: {} } })
    expect((await send({ url: exchange.url, key }, KEYED)).status).toBe(502)
    supplier.onJob = (job) => supplier.answer(job, ['better'])
    expect(textOf(await send({ url: exchange.url, key }, KEYED))).toBe('better')
  })

  it('goes on for 5 s after its client went: a retry finds it, and it is cancelled when none comes', async () => {
    const clock = new FakeClock()
    const { exchange, supplier, key } = await listed({ clock, slots: 2 })
    const { url } = exchange
    const hand = byHand(supplier)
    const leaving = new AbortController()
    const lost = send({ url, key, signal: leaving.signal }, KEYED)
    const job = await hand.asked(1)
    supplier.send({ t: 'job.delta', jobId: job.jobId, text: 'still ' })
    const asleep = clock.waiting
    leaving.abort()
    await expect(lost).rejects.toThrow('aborted')
    await until('the exchange to have seen it', () => clock.waiting > asleep)
    const again = send({ url, key }, KEYED)
    supplier.send({ t: 'job.delta', jobId: job.jobId, text: 'here' })
    supplier.claim(job, 'still here')
    expect(textOf(await again)).toBe('still here')
    expect(hand.jobs).toHaveLength(1)

    const gone = new AbortController()
    const never = send({ url, key, signal: gone.signal }, { 'Idempotency-Key': 'order-9' })
    const second = await hand.asked(2)
    supplier.send({ t: 'job.accept', jobId: second.jobId })
    const before = clock.waiting
    gone.abort()
    await expect(never).rejects.toThrow('aborted')
    await until('the grace to run', () => clock.waiting > before)
    expect(supplier.cancelled.size).toBe(0)
    await clock.advance(5_000)
    expect(await supplier.next('job.cancel')).toMatchObject({ jobId: second.jobId, reason: 'buyer' })
  })
})

describe('a call without a key', () => {
  it('is a new one each time, unless its client says that it is a retry', async () => {
    const { exchange, supplier, key } = await listed({ slots: 4 })
    const { url } = exchange
    const hand = byHand(supplier)
    const first = send({ url, key }, { 'X-Stainless-Retry-Count': '0' })
    const job = await hand.asked(1)
    const retried = send({ url, key }, RETRY)
    const otherBody = send({ url, key }, RETRY, 'Something else')
    await supplier.answer(await hand.asked(2), ['another'])
    expect(textOf(await otherBody)).toBe('another')
    await supplier.answer(job, ['one'])
    expect([textOf(await first), textOf(await retried)]).toEqual(['one', 'one'])
    const plain = send({ url, key }, {})
    await supplier.answer(await hand.asked(3), ['new'])
    expect(textOf(await plain)).toBe('new')
    expect(hand.jobs).toHaveLength(3)
  })

  it('that is repeated later than 60 s after its end is a new one', async () => {
    const clock = new FakeClock()
    const { exchange, supplier, key } = await listed({ clock })
    const { url } = exchange
    await send({ url, key }, {})
    await send({ url, key }, RETRY)
    expect(supplier.jobs).toHaveLength(1)
    await clock.advance(60_001)
    // It looks for a supplier of its own, and the only one has been silent for a minute.
    expect((await send({ url, key }, RETRY)).status).toBe(503)
  })

  it('that failed is not answered with an equal one that ran beside it', async () => {
    const { exchange, supplier, key } = await listed({ slots: 2 })
    const { url } = exchange
    const hand = byHand(supplier)
    const both = [send({ url, key }, {}), send({ url, key }, {})]
    await supplier.answer(await hand.asked(1), ['one'])
    const { jobId } = await hand.asked(2)
    supplier.send({ t: 'job.error', jobId, error: { code: 'ENGINE_CRASHED', message: 'gone', data: {} } })
    expect((await Promise.all(both)).map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 502])
    const retried = send({ url, key }, RETRY)
    await supplier.answer(await hand.asked(3), ['its own'])
    expect(textOf(await retried)).toBe('its own')
  })
})

describe('a finished answer', () => {
  it('is fetched again by its job or its id, by its buyer alone, for ten minutes', async () => {
    const clock = new FakeClock()
    const { exchange, supplier, key, client: buyer } = await listed({ clock })
    const { url } = exchange
    const { data, response } = await buyer.chat.completions.create({ model: NANO, messages: say('Hi') }).withResponse()
    const jobId = response.headers.get('x-stoker-job')!
    for (const id of [jobId, data.id]) expect(await buyer.chat.completions.retrieve(id)).toEqual(data)
    const other = await buyerKey(exchange)
    expect(await fetched(url, other, jobId)).toMatchObject({ status: 404, body: { error: { code: 'not_found' } } })
    expect((await fetched(url, key, 'job_none')).status).toBe(404)
    await clock.advance(600_000 + 15_000)
    expect(await fetched(url, key, jobId)).toMatchObject({ status: 410, body: { error: { code: 'answer_not_kept' } } })
    expect((await fetched(url, other, jobId)).status).toBe(404)
    expect(supplier.jobs).toHaveLength(1)
  })

  it('that is still being made is told to wait for; one that failed ended unpaid', async () => {
    const { exchange, supplier, key } = await listed()
    const hand = byHand(supplier)
    const running = send({ url: exchange.url, key }, {})
    const { jobId } = await hand.asked(1)
    const early = await fetched(exchange.url, key, jobId)
    expect([early.status, early.headers.get('retry-after')]).toEqual([409, '1'])
    supplier.send({ t: 'job.error', jobId, error: { code: 'ENGINE_CRASHED', message: 'gone', data: {} } })
    expect((await running).status).toBe(502)
    const failed = await fetched(exchange.url, key, jobId)
    expect([failed.status, failed.headers.get('x-should-retry')]).toEqual([502, 'false'])
  })
})

describe('after a restart', () => {
  it('a call with a key that ran is bought anew: the first ended unpaid', async () => {
    const { exchange, supplier, key } = await listed()
    const hand = byHand(supplier)
    const lost = send({ url: exchange.url, key }, KEYED).catch(() => null)
    const { jobId } = await hand.asked(1)
    await exchange.stop()
    await lost
    const again = await startTestExchange({ dir: exchange.dir })
    const back = await FakeSupplier.connect(again.url, supplier.key)
    onTestFinished(() => back.socket.terminate())
    back.offer(NANO, ASK)
    await back.next('offer.accepted')
    expect(textOf(await send({ url: again.url, key }, KEYED))).toBe('Hello there!')
    expect(await fetched(again.url, key, jobId)).toMatchObject({
      status: 410,
      body: { error: { code: 'ended_unpaid' } },
    })
    expect(books(exchange).check()).toMatchObject({ ok: true, receipts: 1 })
  })

  it('a key knows its call: paid and delivered is not sold twice, and nothing of its text is on disk', async () => {
    const { exchange, supplier, key } = await listed()
    const { url, dir } = exchange
    supplier.onJob = (job) => supplier.answer(job, ['canary-answer'])
    const first = await send({ url, key }, { 'Idempotency-Key': 'canary-key' }, 'canary-body')
    expect(first.status).toBe(200)
    await exchange.stop()
    const text = readdirSync(dir).map((name) => readFileSync(join(dir, name), 'latin1'))
    for (const canary of ['canary-key', 'canary-body', 'canary-answer'])
      expect(text.some((content) => content.includes(canary))).toBe(false)
    const db = openDb({ path: join(dir, 'exchange.db'), migrations: exchangeMigrations, readOnly: true })
    const kept = db.read.prepare('SELECT key_mac, body_mac, job_id FROM keyed_calls').all()
    db.close()
    expect(kept).toEqual([
      {
        key_mac: expect.stringMatching(/^[0-9a-f]{64}$/),
        body_mac: expect.stringMatching(/^[0-9a-f]{64}$/),
        job_id: supplier.jobs[0]!.jobId,
      },
    ])
    const again = await startTestExchange({ dir })
    const repeated = await send({ url: again.url, key }, { 'Idempotency-Key': 'canary-key' }, 'canary-body')
    expect(repeated).toMatchObject({ status: 409, body: { error: { code: 'answer_not_kept' } } })
    expect(repeated.headers.get('x-should-retry')).toBe('false')
    expect(await send({ url: again.url, key }, { 'Idempotency-Key': 'canary-key' }, 'other')).toMatchObject({
      status: 409,
      body: { error: { code: 'idempotency_key_reused' } },
    })
    expect(balances(exchange, supplier.key.publicKey).reserved).toBe(0)
  })
})
