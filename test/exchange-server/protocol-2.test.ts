/** Protocol 2 as the exchange speaks it, against a scripted supplier written from docs/protocol.md. */
import { describe, expect, it, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'

import { receiptHash, verifyReceipt } from '#books/receipts.ts'
import { bytes4 } from '#contract/bytes4.ts'
import type { Receipt } from '#contract/receipt.ts'
import type { ExchangeFrame } from '#contract/supplier.ts'
import { EPOCH_MAX } from '#contract/supplier-v2.ts'
import { canonicalJson } from '#lib/canonical.ts'
import { generateSigningKey, type SigningKey } from '#lib/ed25519.ts'
import type { Exchange } from '#exchange-server/exchange.ts'
import { LIMITS } from '#exchange-server/exchange-limits.ts'
import { FakeSupplier, type JobFrame } from '#test/support/fake-supplier.ts'
import { tempDir } from '#test/support/temp-dir.ts'

import { admin, ASK, books, buyerKey, client, NANO, qualify, say, startTestExchange } from './exchange-support.ts'

type Started = Exchange & { dir: string }

async function open(): Promise<{ exchange: Started; key: SigningKey }> {
  const [dir, key] = [tempDir(), generateSigningKey()]
  qualify(dir, key)
  return { exchange: await startTestExchange({ dir }), key }
}
async function join(
  exchange: Started,
  key: SigningKey,
  start: Partial<FakeSupplier['start']> = {},
  protocol: 1 | 2 = 2,
): Promise<FakeSupplier> {
  const supplier = new FakeSupplier(exchange.url, key, protocol)
  Object.assign(supplier.start, start)
  onTestFinished(() => supplier.socket.terminate())
  await supplier.open()
  return supplier
}
async function sells(supplier: FakeSupplier): Promise<void> {
  supplier.offer(NANO, ASK)
  await supplier.next('offer.accepted')
}
const jobOf = (frame: JobFrame) => frame as unknown as Record<string, unknown>
const refusal = async (joining: Promise<unknown>) =>
  JSON.parse(
    await joining.then(
      () => '{}',
      (error: Error) => error.message,
    ),
  ) as { code: string; reason: { code: string }; data: { epoch?: number } }

describe('a session of protocol 2', () => {
  it('is signed by both sides over both nonces, and says time, epoch, heads and the window', async () => {
    const { exchange, key } = await open()
    const supplier = await join(exchange, key)
    expect(supplier.proven).toBe(true)
    const none = { seq: 0, hash: '0'.repeat(64) }
    expect(supplier.welcome).toMatchObject({
      protocol: 2,
      epoch: 1,
      heads: { receipts: none, releases: none },
      unit: { code: 'PCR', scale: 9 },
      windowBytes: LIMITS.windowBytes,
      features: [],
    })
  })

  it('pays a call under a claim and receipt of version 2, after a chain of version 1, and says its heads', async () => {
    const { exchange, key } = await open()
    const buyer = client(exchange, await buyerKey(exchange))
    const old = await join(exchange, key, {}, 1)
    await sells(old)
    await buyer.chat.completions.create({ model: NANO, messages: say('Hi') })
    const first = (await old.next('job.settled')).receipt as Receipt
    const supplier = await join(exchange, key)
    await sells(supplier)
    await buyer.chat.completions.create({ model: NANO, messages: say('Hi') })
    const second = (await supplier.next('job.settled')).receipt as Receipt
    expect([first.v, second.v]).toEqual([1, 2])
    expect(verifyReceipt(second, { exchangeKey: exchange.exchangeKey, prev: first })).toMatchObject({
      ok: true,
      problems: [],
    })
    expect(second).toMatchObject({
      unit: { code: 'PCR', scale: 9 },
      price: { input: ASK, cachedInput: ASK, output: ASK },
      billed: { cachedInputTokens: 0 },
      claim: { v: 2, logprobRoot: null },
    })
    const { price, cacheScope, priceNanoPerMtok } = jobOf(supplier.jobs[0]!)
    expect([price, priceNanoPerMtok]).toEqual([{ input: ASK, cachedInput: ASK, output: ASK }, undefined])
    expect(cacheScope).toMatch(/^[0-9a-f]{64}$/)
    await admin(exchange, '/clock', { advanceMs: 30_000 })
    await supplier.next('released')
    const back = await join(exchange, key)
    expect(back.welcome['heads']).toMatchObject({
      receipts: { seq: 2, hash: receiptHash(second) },
      releases: { seq: 2 },
    })
    expect(books(exchange).check()).toMatchObject({ ok: true, receipts: 2 })
  })

  it('names one scope a buyer and day, another for another buyer, none for an exam', async () => {
    const { exchange, key } = await open()
    const supplier = await join(exchange, key)
    await sells(supplier)
    const [one, other] = [client(exchange, await buyerKey(exchange)), client(exchange, await buyerKey(exchange))]
    for (const buyer of [one, one, other]) await buyer.chat.completions.create({ model: NANO, messages: say('Hi') })
    await admin(exchange, '/clock', { advanceMs: 86_400_000 })
    await one.chat.completions.create({ model: NANO, messages: say('Hi') })
    const [a, again, b, tomorrow] = supplier.jobs.map((job) => jobOf(job)['cacheScope'])
    expect(again).toBe(a)
    expect(new Set([a, b, tomorrow]).size).toBe(3)
  })

  it('bills the canonical JSON of a schema as input', async () => {
    const { exchange, key } = await open()
    const supplier = await join(exchange, key)
    await sells(supplier)
    const schema = { type: 'object', properties: { a: { type: 'string' } } }
    supplier.onJob = (job) => supplier.answer(job, ['{"a":"b"}'])
    await client(exchange, await buyerKey(exchange)).chat.completions.create({
      model: NANO,
      messages: say('Hi'),
      response_format: { type: 'json_schema', json_schema: { name: 'x', schema } },
    })
    const { billed, claim } = (await supplier.next('job.settled')).receipt
    expect(billed.inputTokens).toBe(bytes4(`Hi${canonicalJson(schema)}`))
    expect(claim.usage.inputTokens).toBe(billed.inputTokens)
  })

  it('gives a declined job to another supplier, and counts no failure', async () => {
    const [dir, keys] = [tempDir(), [generateSigningKey(), generateSigningKey()]]
    for (const key of keys) qualify(dir, key)
    const exchange = await startTestExchange({ dir })
    const [first, second] = [await join(exchange, keys[0]!), await join(exchange, keys[1]!)]
    first.onJob = (job) => first.send({ t: 'job.decline', jobId: job.jobId, reason: 'licence' })
    await sells(first)
    second.offer(NANO, 2 * ASK)
    await second.next('offer.accepted')
    const answer = await client(exchange, await buyerKey(exchange)).chat.completions.create({
      model: NANO,
      messages: say('Hi'),
    })
    expect(answer.choices[0]!.message.content).toBe('Hello there!')
    expect([first.jobs.length, second.jobs.length]).toEqual([1, 1])
    expect(books(exchange).check()).toMatchObject({ ok: true, receipts: 1 })
  })

  it('refuses reasoning and calls that nobody asked for, and a root of a fingerprint', async () => {
    const { exchange, key } = await open()
    const supplier = await join(exchange, key)
    await sells(supplier)
    const buyer = client(exchange, await buyerKey(exchange))
    supplier.onJob = (job) => supplier.send({ t: 'job.delta', jobId: job.jobId, text: { reasoning: 'hm' } })
    await expect(buyer.chat.completions.create({ model: NANO, messages: say('Hi') })).rejects.toMatchObject({
      status: 502,
    })
    expect((await supplier.next('job.void')).reason).toContain('reasoning')
    supplier.onJob = (job) => supplier.claim(job, '', 'stop', { logprobRoot: 'a'.repeat(64) } as never)
    await expect(buyer.chat.completions.create({ model: NANO, messages: say('Hi') })).rejects.toMatchObject({
      status: 502,
    })
    expect((await supplier.next('job.void')).reason).toContain('logprobRoot')
    supplier.send({ t: 'audit.reply', jobId: 'job_1', positions: [] })
    expect((await supplier.next('error')).error.message).toContain('features')
  })

  it('takes three prices where cached input costs what input does, and refuses the others', async () => {
    const { exchange, key } = await open()
    const supplier = await join(exchange, key)
    const offer = (ask: object) => {
      supplier.offer(NANO, ASK)
      supplier.send({
        t: 'offer',
        instrument: NANO,
        deploymentId: 'dep_1',
        identity: { kind: 'gguf', sha256: 'ab'.repeat(32), engine: 'e', device: 'd' },
        ask,
        slots: 1,
        contextTokens: 4_096,
        maxOutputTokens: 4_096,
      })
    }
    offer({ input: ASK, cachedInput: ASK / 2, output: ASK })
    expect((await supplier.next('offer.refused')).error.message).toContain('cached')
    await supplier.next('offer.accepted')
    offer({ input: ASK, cachedInput: ASK, output: 3 * ASK })
    await supplier.next('offer.accepted')
    await supplier.next('offer.accepted')
    await client(exchange, await buyerKey(exchange)).chat.completions.create({ model: NANO, messages: say('Hi') })
    const receipt = (await supplier.next('job.settled')).receipt as Receipt
    // 1 token in, 3 tokens out.
    expect(receipt.grossNano).toBe((ASK + 3 * 3 * ASK) / 1_000_000)
    expect(books(exchange).check()).toMatchObject({ ok: true, receipts: 1 })
  })
})

describe('one key, one rig', () => {
  it('a higher epoch takes over: the other one is told, and refused when it comes again', async () => {
    const { exchange, key } = await open()
    const first = await join(exchange, key, { epoch: 4, instance: 'a'.repeat(22) })
    const second = await join(exchange, key, { epoch: 5, instance: 'b'.repeat(22) })
    const told = (frames: ExchangeFrame[]) => frames.flatMap((frame) => (frame.t === 'notice' ? [frame.text] : []))
    expect((await first.closed).code).toBe(1001)
    expect(told(first.frames).join()).toContain('Another rig has connected with this rig’s key')
    expect((await second.next('notice')).text).toContain('was connected with the same key and has been put off')
    expect(await refusal(join(exchange, key, { epoch: 4, instance: 'a'.repeat(22) }))).toMatchObject({
      code: 'CONFLICT',
      reason: { code: 'exchange.keyOlder' },
      data: { epoch: 5 },
    })
  })

  it('an equal epoch of another instance is a copied folder, of the same instance a reconnect', async () => {
    const { exchange, key } = await open()
    await join(exchange, key, { epoch: 7, instance: 'a'.repeat(22) })
    expect(await refusal(join(exchange, key, { epoch: 7, instance: 'b'.repeat(22) }))).toMatchObject({
      reason: { code: 'exchange.keyCopied' },
      data: { epoch: 7 },
    })
    const again = await join(exchange, key, { epoch: 7, instance: 'a'.repeat(22) })
    expect(again.frames.filter(({ t }) => t === 'notice')).toEqual([])
  })

  it('the owner takes over: from then on the epoch stands above both', async () => {
    const { exchange, key } = await open()
    await join(exchange, key, { epoch: 9, instance: 'a'.repeat(22) })
    const taken = await join(exchange, key, { epoch: 3, instance: 'b'.repeat(22), takeover: true })
    expect(taken.welcome['epoch']).toBe(10)
    expect(await refusal(join(exchange, key, { epoch: 9, instance: 'a'.repeat(22) }))).toMatchObject({
      data: { epoch: 10 },
    })
  })

  it('counts that leave the integers are no start, and a take-over of the highest stays in them', async () => {
    const { exchange, key } = await open()
    await join(exchange, key, { epoch: EPOCH_MAX, instance: 'a'.repeat(22) })
    const taken = await join(exchange, key, { epoch: 1, instance: 'b'.repeat(22), takeover: true })
    expect(taken.welcome['epoch']).toBe(EPOCH_MAX)
    await expect(
      join(exchange, generateSigningKey(), { epoch: Number.MAX_SAFE_INTEGER, instance: 'a'.repeat(22) }),
    ).rejects.toThrow('exchange.helloFirst')
  })

  it('a new key that counts from 0 is no copy', async () => {
    const { exchange } = await open()
    const supplier = await join(exchange, generateSigningKey(), { epoch: 0, instance: 'a'.repeat(22) })
    expect(supplier.welcome['epoch']).toBe(1)
  })

  it('a key that has spoken version 2 is not let in with version 1', async () => {
    const { exchange, key } = await open()
    await join(exchange, key)
    expect(await refusal(join(exchange, key, {}, 1))).toMatchObject({ reason: { code: 'exchange.protocolOlder' } })
  })
})

describe('clocks', () => {
  it('a supplier that is minutes away hears it; one that is not hears nothing', async () => {
    const { exchange, key } = await open()
    const supplier = new FakeSupplier(exchange.url, key, 2)
    onTestFinished(() => supplier.socket.terminate())
    supplier.helloTime = () => Date.now() + 600_000
    await supplier.open()
    expect((await supplier.next('notice')).text).toMatch(/is (599|600|601) s ahead of the exchange’s/)
  })

  it('an exchange whose clock is out of range signs nothing: it refuses in words', async () => {
    const { exchange, key } = await open()
    for (let year = 0; year < 75; year += 1) await admin(exchange, '/clock', { advanceMs: 366 * 86_400_000 })
    expect(await refusal(join(exchange, key))).toMatchObject({
      code: 'UNAVAILABLE',
      reason: { code: 'clock.outOfRange' },
    })
  })
})

describe('version 1', () => {
  it.each([
    ['a proxy before it', { 'x-forwarded-for': '203.0.113.7' }, 403],
    ['another name', { host: 'exchange.example' }, 403],
  ] as const)('is for this machine alone: not through %s', async (_name, headers, status) => {
    const exchange = await startTestExchange({ allowHosts: ['exchange.example'] })
    const answer = (path: string): Promise<number> => {
      const socket = new WebSocket(`${exchange.url.replace('http', 'ws')}${path}`, { headers })
      socket.on('error', () => undefined)
      onTestFinished(() => socket.terminate())
      return new Promise((resolve) => {
        socket.on('unexpected-response', (_, response) => resolve(response.statusCode!))
        socket.on('open', () => resolve(101))
      })
    }
    expect(await answer('/supplier/v1')).toBe(status)
    expect(await answer('/supplier/v2')).toBe(101)
  })
})
