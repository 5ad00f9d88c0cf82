import { describe, expect, it, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'

import { canonicalJson, sha256Hex } from '#lib/canonical.ts'
import { generateSigningKey } from '#lib/ed25519.ts'
import { FakeClock } from '#test/support/fake-clock.ts'
import { FakeSupplier, type JobFrame } from '#test/support/fake-supplier.ts'

import {
  admin,
  ASK,
  balances,
  books,
  client,
  startTestExchange,
  listed,
  exchangeWith,
  NANO,
  qualify,
  say,
} from './exchange-support.ts'
import { tempDir } from '#test/support/temp-dir.ts'
import { until } from '../support/until.ts'

const gate = (supplier: FakeSupplier): Promise<JobFrame> => new Promise((resolve) => (supplier.onJob = resolve))

describe('receipts', () => {
  it('chain: each names the hash of the one before, and a resent claim is answered with the same bytes', async () => {
    const { exchange, supplier, client: buyer } = await listed()
    const receipts = []
    for (let count = 0; count < 3; count += 1) {
      await buyer.chat.completions.create({ model: NANO, messages: say('Hi') })
      receipts.push((await supplier.next('job.settled')).receipt)
    }
    expect(receipts.map((receipt) => receipt.seq)).toEqual([1, 2, 3])
    expect(receipts[1]!.prev).toBe(sha256Hex(canonicalJson(receipts[0])))
    expect(receipts[2]!.prev).toBe(sha256Hex(canonicalJson(receipts[1])))
    supplier.claim(supplier.jobs[1]!, 'Hello there!')
    expect(canonicalJson((await supplier.next('job.settled')).receipt)).toBe(canonicalJson(receipts[1]))
    expect(books(exchange).check()).toMatchObject({ ok: true, receipts: 3 })
  })

  it('hold, then release on the clock, in order, and sync tells what was missed', async () => {
    const { exchange, supplier, client: buyer } = await listed()
    for (let count = 0; count < 2; count += 1) await buyer.chat.completions.create({ model: NANO, messages: say('Hi') })
    await supplier.next('job.settled')
    await supplier.next('job.settled')
    const { held } = balances(exchange, supplier.key.publicKey)
    expect(await admin(exchange, '/clock', { advanceMs: 29_999 })).toMatchObject({ released: 0 })
    expect(await admin(exchange, '/clock', { advanceMs: 1 })).toMatchObject({ released: 2 })
    expect((await supplier.next('released')).releases.map((release) => release.seq)).toEqual([1, 2])
    expect(balances(exchange, supplier.key.publicKey)).toMatchObject({ held: 0, available: held })
    supplier.send({
      t: 'sync',
      afterReceiptSeq: 1,
      afterReleaseSeq: 1,
      openJobs: [supplier.jobs[0]!.jobId, 'job_none'],
    })
    const result = await supplier.next('sync.result')
    expect(result).toMatchObject({ more: false, jobs: [{ state: 'settled' }, { state: 'unknown' }] })
    expect([result.receipts.map((receipt) => receipt.seq), result.releases.map((release) => release.seq)]).toEqual([
      [2],
      [2],
    ])
  })
})

describe('a dropped line', () => {
  it('resumes in the middle of a job: no delta lost, none doubled, one receipt', async () => {
    const { exchange, supplier, client: buyer } = await listed()
    const job = gate(supplier)
    const call = buyer.chat.completions.create({ model: NANO, messages: say('Hi') })
    const frame = await job
    supplier.send({ t: 'job.accept', jobId: frame.jobId })
    supplier.send({ t: 'job.delta', jobId: frame.jobId, text: 'one ' })
    supplier.send({ t: 'ping', n: 1 })
    await supplier.next('pong')
    // Lost with the line: the exchange never sees these before the resume.
    await supplier.cut()
    supplier.send({ t: 'job.delta', jobId: frame.jobId, text: 'two ' })
    supplier.send({ t: 'job.delta', jobId: frame.jobId, text: 'three' })
    supplier.claim(frame, 'one two three')
    await supplier.open({ resume: true })
    expect(supplier.welcome['resumed']).toBe(true)
    expect((await call).choices[0]!.message.content).toBe('one two three')
    expect((await supplier.next('job.settled')).receipt.seq).toBe(1)
    expect(books(exchange).check()).toMatchObject({ ok: true, receipts: 1 })
  })

  it('delivers frames sent while the line was down, once, and repeats none that arrived twice', async () => {
    const { supplier, client: buyer } = await listed()
    const job = gate(supplier)
    const call = buyer.chat.completions.create({ model: NANO, messages: say('Hi') })
    const frame = await job
    supplier.claim(frame, '')
    await call
    await supplier.cut()
    await supplier.open({ resume: true })
    await supplier.next('job.settled')
    supplier.send({ t: 'ping', n: 7 })
    await supplier.next('pong')
    expect(supplier.frames.filter((one) => one.t === 'job.settled')).toHaveLength(0)
  })

  it('after the resume time the job ends unpaid, and its late claim is void', async () => {
    const clock = new FakeClock()
    const { exchange, supplier, client: buyer } = await listed({ clock })
    const job = gate(supplier)
    const call = buyer.chat.completions.create({ model: NANO, messages: say('Hi') })
    call.catch(() => undefined)
    const frame = await job
    await clock.advance(1_000)
    const before = clock.waiting
    await supplier.cut()
    await until('the order to wait', () => clock.waiting > before)
    await clock.advance(5_000)
    await expect(call).rejects.toMatchObject({ status: 503 })
    await supplier.open({ resume: true })
    expect(supplier.welcome['resumed']).toBe(false)
    supplier.claim(frame, '')
    expect((await supplier.next('job.void')).jobId).toBe(frame.jobId)
    expect(balances(exchange, supplier.key.publicKey)).toMatchObject({ spent: 0, reserved: 0 })
  })

  it('a new session of the same key ends the old one at once and its job goes to another supplier', async () => {
    const { exchange, suppliers } = await exchangeWith(2)
    const [first, second] = suppliers as [FakeSupplier, FakeSupplier]
    first.offer(NANO, ASK)
    second.offer(NANO, 2 * ASK)
    await Promise.all([first.next('offer.accepted'), second.next('offer.accepted')])
    const job = gate(first)
    const { key } = await admin<{ key: string }>(exchange, '/buyer-keys', {})
    const call = client(exchange, key).chat.completions.create({ model: NANO, messages: say('Hi') })
    await job
    const again = await FakeSupplier.connect(exchange.url, first.key)
    onTestFinished(() => again.socket.terminate())
    expect((await call).choices[0]!.message.content).toBe('Hello there!')
    expect((await first.closed).code).toBe(1001)
    expect(second.jobs).toHaveLength(1)
  })
})

describe('a restart of the exchange', () => {
  it('voids what ran, keeps what was settled, and answers old claims from its books', async () => {
    const dir = tempDir()
    const { exchange, supplier, client: buyer } = await listed({ dir })
    await buyer.chat.completions.create({ model: NANO, messages: say('Hi') })
    const { receipt } = await supplier.next('job.settled')
    const job = gate(supplier)
    const call = buyer.chat.completions.create({ model: NANO, messages: say('Hi') })
    call.catch(() => undefined)
    const running = await job
    await exchange.stop()
    await expect(call).rejects.toMatchObject({ status: 503 })
    const again = await startTestExchange({ dir })
    expect(again.exchangeKey).toBe(exchange.exchangeKey)
    const back = await FakeSupplier.connect(again.url, supplier.key)
    onTestFinished(() => back.socket.terminate())
    back.send({ t: 'sync', afterReceiptSeq: 0, afterReleaseSeq: 0, openJobs: [receipt.claim.jobId, running.jobId] })
    expect(await back.next('sync.result')).toMatchObject({
      receipts: [receipt],
      jobs: [{ state: 'settled' }, { state: 'void' }],
    })
    back.claim(running, '')
    await back.next('job.void')
    expect(balances(again, supplier.key.publicKey).reserved).toBe(0)
    expect(books(again).check()).toMatchObject({ ok: true, receipts: 1 })
  })

  it('refuses a second owner of the folder', async () => {
    const exchange = await startTestExchange()
    await expect(startTestExchange({ dir: exchange.dir })).rejects.toMatchObject({ code: 'DATA_LOCKED' })
  })
})

describe('unauthenticated sockets', () => {
  const first = (socket: WebSocket): Promise<Record<string, unknown>> =>
    new Promise((resolve) =>
      socket.once('message', (data) => resolve(JSON.parse((data as Buffer).toString()) as Record<string, unknown>)),
    )
  const knock = async (
    url: string,
  ): Promise<{ socket: WebSocket; challenge: Record<string, unknown>; reply: Promise<Record<string, unknown>> }> => {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/supplier/v1`)
    onTestFinished(() => socket.terminate())
    const challenge = await first(socket)
    return { socket, challenge, reply: first(socket) }
  }

  it('are refused without a valid signature over the challenge, for another nonce or key', async () => {
    const exchange = await startTestExchange()
    const key = generateSigningKey()
    for (const text of [
      'nonsense',
      `stoker-supplier-v1\n${'A'.repeat(43)}\n${exchange.exchangeKey}\n${key.publicKey}`,
    ]) {
      const { socket, challenge, reply } = await knock(exchange.url)
      expect(challenge).toMatchObject({ t: 'challenge', protocol: 1, exchange: exchange.exchangeKey })
      socket.send(
        JSON.stringify({
          t: 'hello',
          protocol: 1,
          supplier: key.publicKey,
          sig: key.sign(text),
          name: 'x',
          client: 'x',
        }),
      )
      expect(await reply).toMatchObject({ t: 'refused', error: { code: 'SIGNATURE_INVALID' } })
    }
  })

  it('are refused for anything but a hello, for an Origin and on another path', async () => {
    const exchange = await startTestExchange()
    for (const bad of ['{', '[]', '{"t":"sync"}', 'null', '0']) {
      const { socket, reply } = await knock(exchange.url)
      socket.send(bad)
      expect(await reply).toMatchObject({ t: 'refused', error: { code: 'BAD_REQUEST' } })
    }
    for (const [path, headers, status] of [
      ['/supplier/v1', { origin: 'https://example.org' }, 403],
      ['/else', {}, 404],
      ['/supplier/v1', { host: 'example.org' }, 403],
    ] as const) {
      const socket = new WebSocket(`${exchange.url.replace('http', 'ws')}${path}`, { headers })
      socket.on('error', () => undefined)
      expect(
        await new Promise((resolve) => socket.on('unexpected-response', (_, response) => resolve(response.statusCode))),
      ).toBe(status)
    }
  })

  it('send malformed frames: a typed error each, then the socket is closed; the exchange goes on', async () => {
    const { exchange, suppliers } = await exchangeWith(1)
    const supplier = suppliers[0]!
    for (const frame of [
      { t: 'no.such' },
      { t: 'offer' },
      { t: 'job.delta', jobId: 7 },
      null,
      'text',
      { t: 'ping', n: -1 },
    ])
      supplier.send(frame as never)
    for (let count = 0; count < 6; count += 1) expect((await supplier.next('error')).error.code).toBe('BAD_REQUEST')
    for (let count = 0; count < 40; count += 1) supplier.raw('{not json')
    expect((await supplier.closed).code).toBe(1008)
    expect((await fetch(`${exchange.url}/health`)).status).toBe(200)
  })

  it('are cut off for a frame beyond the bound and for a flood', async () => {
    // On a clock that stands still: a machine too slow for a flood would never send one.
    const { suppliers } = await exchangeWith(2, { clock: new FakeClock() })
    const [big, many] = suppliers as [FakeSupplier, FakeSupplier]
    big.raw('x'.repeat(4_194_305))
    expect((await big.closed).code).toBe(1009)
    for (let count = 0; count < 8_001; count += 1) many.raw('{"seq":0,"ack":0}')
    expect((await many.closed).code).toBe(1008)
  })

  it('cannot list without a current qualification, nor below the grade’s size', async () => {
    const dir = tempDir()
    const key = generateSigningKey()
    qualify(dir, key, [NANO])
    const exchange = await startTestExchange({ dir })
    const [known, intruder] = [await FakeSupplier.connect(exchange.url, key), await FakeSupplier.connect(exchange.url)]
    onTestFinished(() => [known, intruder].forEach((one) => one.socket.terminate()))
    intruder.offer(NANO, ASK)
    expect((await intruder.next('offer.refused')).error.code).toBe('NOT_QUALIFIED')
    known.offer('practice/text-micro', ASK)
    expect((await known.next('offer.refused')).error.code).toBe('NOT_QUALIFIED')
    known.offer('practice/none', ASK)
    expect((await known.next('offer.refused')).error.code).toBe('NOT_FOUND')
    known.send({
      t: 'offer',
      instrument: NANO,
      deploymentId: 'dep_1',
      identity: { kind: 'gguf', sha256: 'ab'.repeat(32), engine: 'e', device: 'd' },
      askNanoPerMtok: ASK,
      slots: 1,
      contextTokens: 64,
      maxOutputTokens: 32,
    })
    expect((await known.next('offer.refused')).error.code).toBe('EXCHANGE_REFUSED')
  })
})
