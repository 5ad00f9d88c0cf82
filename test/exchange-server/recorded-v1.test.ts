/**
 * Version 1 of the supplier protocol is frozen: a session recorded with the exchange of before version 2
 * (test/fixtures/recorded-v1.json, commit e1c0f2f) is played again, and both sides say the same, value for
 * value and signature for signature; the order of fields in a frame is nobody's business. Keys, clock, ids and
 * secrets stand still. With STOKER_RECORD=1 the file is written instead, which a frozen version never needs.
 */
import { createHmac } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'

import { expect, it, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'

import { canonicalJson } from '#lib/canonical.ts'
import { loadOrCreateSigningKey } from '#lib/ed25519.ts'
import { FAKE_SPEC } from '#test/support/fake-exchange.ts'
import { FakeClock } from '#test/support/fake-clock.ts'
import { tempDir } from '#test/support/temp-dir.ts'

import { admin, NANO, qualify, startTestExchange } from './exchange-support.ts'

const FILE = 'test/fixtures/recorded-v1.json'
const pem = (secretHex: string): string => {
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.from(secretHex, 'hex')])
  return `-----BEGIN PRIVATE KEY-----\n${der.toString('base64')}\n-----END PRIVATE KEY-----\n`
}
/** RFC 8032, tests 1 and 2. */
const SUPPLIER = '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60'
const EXCHANGE = '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb'

/** Nothing of chance: ids count by prefix, secrets are sevens. */
function stillIds() {
  const counts = new Map<string, number>()
  return {
    next(prefix: string): string {
      counts.set(prefix, (counts.get(prefix) ?? 0) + 1)
      return `${prefix}_${String(counts.get(prefix)).padStart(24, '0')}`
    },
    secret: (bytes: number): string => Buffer.alloc(bytes, 7).toString('base64url'),
  }
}

type Frame = Record<string, unknown> & { t: string }

/** A supplier of version 1 that notes every text of both sides. */
class NotedSupplier {
  readonly lines: string[] = []
  readonly key
  readonly #socket: WebSocket
  readonly #waiting: string[] = []
  #next: ((text: string) => void) | null = null
  #seq = 0
  received = 0

  constructor(url: string, key: ReturnType<typeof loadOrCreateSigningKey>) {
    this.key = key
    this.#socket = new WebSocket(`${url.replace('http', 'ws')}/supplier/v1`, { perMessageDeflate: false })
    this.#socket.on('message', (data) => {
      const text = (data as Buffer).toString()
      const next = this.#next
      this.#next = null
      if (next === null) this.#waiting.push(text)
      else next(text)
    })
    onTestFinished(() => this.#socket.terminate())
  }

  say(value: unknown): void {
    const text = JSON.stringify(value)
    this.lines.push(`supplier ${text}`)
    this.#socket.send(text)
  }

  frame(frame: Frame): void {
    this.say({ seq: (this.#seq += 1), ack: this.received, frame })
  }

  async hear(): Promise<Frame> {
    const text = this.#waiting.shift() ?? (await new Promise<string>((resolve) => (this.#next = resolve)))
    this.lines.push(`exchange ${text}`)
    const value = JSON.parse(text) as Frame & { seq?: number; frame?: Frame }
    if (value.seq !== undefined && value.seq > 0) this.received = value.seq
    return value.frame ?? value
  }

  claim(job: Frame, answer: string, finish: string): Frame {
    const mac = (text: string): string =>
      createHmac('sha256', Buffer.from(String(job['salt']), 'base64url'))
        .update(text)
        .digest('hex')
    const claim = {
      v: 1,
      jobId: job['jobId'],
      supplier: this.key.publicKey,
      instrument: NANO,
      specVersion: 1,
      modelSha256: 'ab'.repeat(32),
      usage: { inputTokens: 3, outputTokens: Math.ceil(answer.length / 4) },
      timings: { ttftMs: 40, durationMs: 55 },
      requestMac: mac(canonicalJson(job['request'])),
      answerMac: mac(answer),
      finish,
    }
    return {
      t: 'job.done',
      jobId: job['jobId'],
      claim,
      claimSig: this.key.sign(`stoker-claim-v1\n${canonicalJson(claim)}`),
    }
  }
}

async function play(): Promise<string[]> {
  const dir = tempDir()
  mkdirSync(`${dir}/keys`)
  writeFileSync(`${dir}/exchange.key`, pem(EXCHANGE), { mode: 0o600 })
  writeFileSync(`${dir}/keys/seller.key`, pem(SUPPLIER), { mode: 0o600 })
  const key = loadOrCreateSigningKey(`${dir}/keys/seller.key`)
  qualify(dir, key)
  const clock = new FakeClock()
  const exchange = await startTestExchange({
    dir,
    clock,
    virtualClock: false,
    ids: stillIds(),
    specs: [FAKE_SPEC],
    terms: { heartbeatMs: 3_600_000 },
  })
  const { key: buyer } = await admin<{ key: string }>(exchange, '/buyer-keys', {})
  const buy = (content: string): Promise<Response> =>
    fetch(`${exchange.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${buyer}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: NANO, messages: [{ role: 'user', content }], max_tokens: 16 }),
    })
  const supplier = new NotedSupplier(exchange.url, key)
  const { nonce, exchange: exchangeKey } = await supplier.hear()
  const sig = key.sign(`stoker-supplier-v1\n${String(nonce)}\n${String(exchangeKey)}\n${key.publicKey}`)
  supplier.say({ t: 'hello', protocol: 1, supplier: key.publicKey, sig, name: 'recorded', client: 'recorded 1' })
  for (const t of ['welcome', 'book']) expect((await supplier.hear()).t).toBe(t)
  supplier.frame({ t: 'sync', afterReceiptSeq: 0, afterReleaseSeq: 0, openJobs: ['job_none'] })
  await supplier.hear()
  const identity = { kind: 'gguf', sha256: 'ab'.repeat(32), engine: 'recorded', device: 'none' }
  const offer = { t: 'offer', instrument: NANO, deploymentId: 'dep_1', identity, slots: 1, contextTokens: 4_096 }
  supplier.frame({ ...offer, askNanoPerMtok: 1_234_567_891, maxOutputTokens: 4_096 })
  await supplier.hear()
  supplier.frame({ t: 'offer', instrument: 'practice/none' })
  await supplier.hear()
  supplier.frame({ t: 'ping', n: 1 })
  await supplier.hear()
  const first = buy('Hello there')
  const job = await supplier.hear()
  supplier.frame({ t: 'job.accept', jobId: job['jobId'] })
  supplier.frame({ t: 'job.delta', jobId: job['jobId'], text: 'Good ' })
  supplier.frame({ t: 'job.delta', jobId: job['jobId'], text: 'day.' })
  const done = supplier.claim(job, 'Good day.', 'stop')
  supplier.frame(done)
  await supplier.hear()
  expect(((await (await first).json()) as { choices: { message: object }[] }).choices[0]!.message).toMatchObject({
    content: 'Good day.',
  })
  // The same claim again, and a job that fails.
  supplier.frame(done)
  await supplier.hear()
  const second = buy('Hello there')
  const failing = await supplier.hear()
  supplier.frame({
    t: 'job.reject',
    jobId: failing['jobId'],
    error: { code: 'CONTEXT_TOO_LONG', message: 'too long', data: {} },
  })
  expect((await second).ok).toBe(false)
  supplier.frame({ t: 'withdraw', instrument: NANO })
  await clock.advance(31_000)
  // Books once a second at most, then the release.
  for (let heard = ''; heard !== 'released';) heard = (await supplier.hear()).t
  supplier.frame({
    t: 'sync',
    afterReceiptSeq: 0,
    afterReleaseSeq: 0,
    openJobs: [job['jobId'], failing['jobId']] as never,
  })
  await supplier.hear()
  return supplier.lines
}

/** Who speaks, then the frame in canonical form. */
const canonical = (lines: readonly string[]): string[] =>
  lines.map((line) => `${line.slice(0, 9)}${canonicalJson(JSON.parse(line.slice(9)))}`)

it('says what it said when it was recorded', async () => {
  const lines = await play()
  if (process.env['STOKER_RECORD'] === '1') writeFileSync(FILE, `${JSON.stringify(lines, null, 1)}\n`)
  expect(existsSync(FILE)).toBe(true)
  expect(canonical(lines)).toEqual(canonical(JSON.parse(readFileSync(FILE, 'utf8')) as string[]))
})
