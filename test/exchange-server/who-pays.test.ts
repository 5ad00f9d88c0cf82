/**
 * One test a row of the who-pays-when table. 4 bytes in = 1 token; 1 credit per million tokens = 1,000 nano-credits a
 * token.
 */
import { describe, expect, it } from 'vitest'

import type { FakeSupplier, JobFrame } from '#test/support/fake-supplier.ts'
import { FakeClock } from '#test/support/fake-clock.ts'

import { ASK, balances, books, buyerKey, client, listed, exchangeWith, NANO, say } from './exchange-support.ts'
import { until } from '../support/until.ts'

const NOTHING = { spent: 0, held: 0, available: 0, fees: 0, reserved: 0 }
const text = (tokens: number): string => 'abcd'.repeat(tokens)
const gate = (supplier: FakeSupplier): Promise<JobFrame> => new Promise((resolve) => (supplier.onJob = resolve))

describe('who pays when', () => {
  it('finished before the deadline: input + output, split into seller and fee to the nano', async () => {
    const { exchange, supplier, client: buyer } = await listed({ ask: 1_234_567_891 })
    supplier.onJob = (job) => supplier.answer(job, [text(2), text(1)])
    await buyer.chat.completions.create({ model: NANO, messages: say(text(10)) })
    const { receipt } = await supplier.next('job.settled')
    // floor(13 × 1,234,567,891 / 10^6) = 16,049; floor(16,049 × 5 %) = 802.
    expect(receipt).toMatchObject({
      seq: 1,
      prev: '0'.repeat(64),
      billed: { inputTokens: 10, outputTokens: 3 },
      grossNano: 16_049,
      feeNano: 802,
      sellerNano: 15_247,
      currency: 'PCR',
      realm: 'practice',
    })
    expect(balances(exchange, supplier.key.publicKey)).toEqual({
      spent: 16_049,
      held: 15_247,
      available: 0,
      fees: 802,
      reserved: 0,
    })
    expect(books(exchange).check()).toMatchObject({ ok: true, receipts: 1 })
  })

  it('billed output is capped at max_tokens, however much text came', async () => {
    const { supplier, client: buyer } = await listed()
    supplier.onJob = (job) => supplier.answer(job, [text(9)])
    const answer = await buyer.chat.completions.create({ model: NANO, messages: say(text(1)), max_tokens: 4 })
    expect(answer.usage).toEqual({ prompt_tokens: 1, completion_tokens: 4, total_tokens: 5 })
  })

  it('what is beyond max_tokens is not delivered either, to the byte, in one body and in a stream', async () => {
    const { supplier, client: buyer } = await listed()
    // 4 tokens are 16 bytes: 15 of the first piece, then one of é's two would be the 17th.
    supplier.onJob = (job) => supplier.answer(job, ['abcd'.repeat(3), 'abc', 'éz', 'never'])
    const ask = { model: NANO, messages: say(text(1)), max_tokens: 4 }
    const whole = await buyer.chat.completions.create(ask)
    expect(whole.choices[0]).toMatchObject({
      message: { content: `${'abcd'.repeat(3)}abc` },
      finish_reason: 'length',
    })
    let [streamed, finish, tokens] = ['', '', 0]
    const stream = await buyer.chat.completions.create({
      ...ask,
      stream: true,
      stream_options: { include_usage: true },
    })
    for await (const chunk of stream) {
      streamed += chunk.choices[0]?.delta.content ?? ''
      finish = chunk.choices[0]?.finish_reason ?? finish
      tokens = chunk.usage?.completion_tokens ?? tokens
    }
    expect({ streamed, finish, tokens }).toEqual({ streamed: `${'abcd'.repeat(3)}abc`, finish: 'length', tokens: 4 })
    const { receipt } = await supplier.next('job.settled')
    // Its MAC is over all that the supplier sent.
    expect(receipt.billed.outputTokens).toBe(4)
  })

  it('the buyer cancels before the job started: nothing', async () => {
    const { exchange, supplier, client: buyer } = await listed()
    const job = gate(supplier)
    const leaving = new AbortController()
    const call = buyer.chat.completions.create({ model: NANO, messages: say('Hi') }, { signal: leaving.signal })
    const { jobId } = await job
    leaving.abort()
    await expect(call).rejects.toThrow('aborted')
    expect(await supplier.next('job.cancel')).toMatchObject({ jobId, reason: 'buyer' })
    expect((await supplier.next('job.void')).jobId).toBe(jobId)
    expect(balances(exchange, supplier.key.publicKey)).toEqual(NOTHING)
  })

  it('the buyer cancels before the first token: input', async () => {
    const { exchange, supplier, client: buyer } = await listed()
    const job = gate(supplier)
    const leaving = new AbortController()
    const call = buyer.chat.completions.create(
      { model: NANO, messages: say(text(5)), stream: true },
      { signal: leaving.signal },
    )
    const frame = await job
    supplier.send({ t: 'job.accept', jobId: frame.jobId })
    supplier.send({ t: 'ping', n: 1 })
    await supplier.next('pong')
    leaving.abort()
    await expect(call).rejects.toThrow('aborted')
    await supplier.next('job.cancel')
    supplier.claim(frame, '', 'cancelled')
    const { receipt } = await supplier.next('job.settled')
    expect(receipt).toMatchObject({
      billed: { inputTokens: 5, outputTokens: 0 },
      grossNano: 5_000,
      claim: { finish: 'cancelled' },
    })
    expect(balances(exchange, supplier.key.publicKey)).toMatchObject({
      spent: 5_000,
      held: 4_750,
      fees: 250,
      reserved: 0,
    })
  })

  it('the buyer cancels later: input + what had been delivered, not what came after', async () => {
    const { exchange, supplier, client: buyer } = await listed()
    const job = gate(supplier)
    const stream = await Promise.all([
      buyer.chat.completions.create({ model: NANO, messages: say(text(5)), stream: true }),
      job.then((frame) => supplier.send({ t: 'job.delta', jobId: frame.jobId, text: text(3) })),
    ])
    for await (const chunk of stream[0]) if ((chunk.choices[0]?.delta.content ?? '') !== '') break
    const frame = await job
    await supplier.next('job.cancel')
    supplier.send({ t: 'job.delta', jobId: frame.jobId, text: text(2) })
    supplier.claim(frame, text(5), 'cancelled')
    expect((await supplier.next('job.settled')).receipt).toMatchObject({
      billed: { inputTokens: 5, outputTokens: 3 },
      grossNano: 8_000,
    })
    expect(balances(exchange, supplier.key.publicKey)).toMatchObject({ spent: 8_000, reserved: 0 })
  })

  it('the supplier fails before the first token: rerouted to the next ask, which alone is paid', async () => {
    const { exchange, suppliers } = await exchangeWith(2)
    const [cheap, expensive] = suppliers as [FakeSupplier, FakeSupplier]
    cheap.offer(NANO, ASK)
    expensive.offer(NANO, 2 * ASK)
    await Promise.all([cheap.next('offer.accepted'), expensive.next('offer.accepted')])
    cheap.onJob = (job) =>
      cheap.send({ t: 'job.error', jobId: job.jobId, error: { code: 'ENGINE_CRASHED', message: 'gone', data: {} } })
    const answer = await client(exchange, await buyerKey(exchange)).chat.completions.create({
      model: NANO,
      messages: say(text(1)),
    })
    expect(answer.choices[0]!.message.content).toBe('Hello there!')
    expect(cheap.jobs).toHaveLength(1)
    expect(balances(exchange, cheap.key.publicKey)).toMatchObject({ held: 0, spent: 8_000, reserved: 0 })
    expect((await expensive.next('job.settled')).receipt.grossNano).toBe(8_000)
  })

  it('the supplier fails after the first token: one error, nothing paid, nothing rerouted', async () => {
    const { exchange, suppliers } = await exchangeWith(2)
    const [cheap, expensive] = suppliers as [FakeSupplier, FakeSupplier]
    cheap.offer(NANO, ASK)
    expensive.offer(NANO, 2 * ASK)
    await Promise.all([cheap.next('offer.accepted'), expensive.next('offer.accepted')])
    cheap.onJob = (job) => {
      cheap.send({ t: 'job.delta', jobId: job.jobId, text: 'Hel' })
      cheap.send({ t: 'job.error', jobId: job.jobId, error: { code: 'ENGINE_CRASHED', message: 'gone', data: {} } })
    }
    const read = async (): Promise<void> => {
      for await (const _ of await client(exchange, await buyerKey(exchange)).chat.completions.create({
        model: NANO,
        messages: say('Hi'),
        stream: true,
      }))
        void _
    }
    await expect(read()).rejects.toMatchObject({ code: 'supplier_failed' })
    expect(expensive.jobs).toHaveLength(0)
    expect(balances(exchange, cheap.key.publicKey)).toEqual(NOTHING)
  })

  it('past the deadline: nothing, 504, and a claim that comes later is void', async () => {
    const clock = new FakeClock()
    const { exchange, supplier, client: buyer } = await listed({ clock })
    const job = gate(supplier)
    const call = buyer.chat.completions.create({ model: NANO, messages: say('Hi'), max_tokens: 10 })
    call.catch(() => undefined)
    const frame = await job
    // 5 s to the first token + 2 × 10 tokens at 10 a second.
    expect(frame.deadlineMs).toBe(7_000)
    await clock.advance(frame.deadlineMs)
    await expect(call).rejects.toMatchObject({ status: 504, code: 'deadline' })
    expect(await supplier.next('job.cancel')).toMatchObject({ reason: 'deadline' })
    await supplier.next('job.void')
    supplier.claim(frame, 'late')
    expect((await supplier.next('job.void')).jobId).toBe(frame.jobId)
    expect(balances(exchange, supplier.key.publicKey)).toEqual(NOTHING)
  })

  it('first token over the ceiling but inside the deadline: billed, and counted in the window', async () => {
    const clock = new FakeClock()
    const { exchange, supplier, client: buyer } = await listed({ clock })
    const job = gate(supplier)
    const call = buyer.chat.completions.create({ model: NANO, messages: say('Hi'), max_tokens: 10 })
    const frame = await job
    await clock.advance(5_001)
    await supplier.answer(frame, ['slow'])
    await expect(call).resolves.toMatchObject({ usage: { total_tokens: 2 } })
    const { windows } = (await (
      await fetch(`${exchange.url}/admin/supplier/${supplier.key.publicKey}`, {
        headers: { authorization: `Bearer ${exchange.adminToken}` },
      })
    ).json()) as {
      windows: object[]
    }
    expect(windows[0]).toMatchObject({ instrument: NANO, calls: 1, failed: 0, slowFirstToken: 1 })
  })

  it('a false claim is refused: other text, other job, other model, a forged signature; nobody is paid', async () => {
    const { exchange, supplier, client: buyer } = await listed()
    const wrongs: ((job: JobFrame) => void)[] = [
      (job) => supplier.claim(job, 'other text'),
      (job) => supplier.claim(job, 'text', 'stop', { modelSha256: 'cd'.repeat(32) as never }),
      (job) => supplier.claim(job, 'text', 'cancelled'),
      (job) => supplier.claim(job, 'text', 'stop', { requestMac: '0'.repeat(64) }),
      (job) => supplier.claim(job, 'text', 'stop', { supplier: 'A'.repeat(43) as never }),
    ]
    for (const wrong of wrongs) {
      supplier.onJob = (job) => {
        supplier.send({ t: 'job.delta', jobId: job.jobId, text: 'text' })
        wrong(job)
      }
      await expect(buyer.chat.completions.create({ model: NANO, messages: say('Hi') })).rejects.toMatchObject({
        status: 502,
      })
      expect((await supplier.next('job.void')).reason).toContain('the claim was refused')
    }
    expect(balances(exchange, supplier.key.publicKey)).toEqual(NOTHING)
    expect(books(exchange).check()).toMatchObject({ ok: true, receipts: 0 })
  })

  it('a free ask settles at zero with a receipt and leaves no reservation', async () => {
    const { exchange, supplier, client: buyer } = await listed({ ask: 0 })
    await buyer.chat.completions.create({ model: NANO, messages: say('Hi') })
    expect((await supplier.next('job.settled')).receipt).toMatchObject({ grossNano: 0, feeNano: 0, sellerNano: 0 })
    await until('the reserve to be freed', () => balances(exchange, supplier.key.publicKey).reserved === 0)
    expect(books(exchange).check()).toMatchObject({ ok: true, receipts: 1 })
  })
})
