/**
 * Hostile messages on every door of a running Stoker: each is refused or closed with the right error, and both
 * processes live on.
 */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect as connectTcp } from 'node:net'
import { join } from 'node:path'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { generateSigningKey } from '#lib/ed25519.ts'
import { hostile } from '#test/support/hostile.ts'
import { hostOf } from '#test/support/processes.ts'
import { startRig, stoker, type Rig } from '#test/support/rig.ts'
import { temporaryFolder } from '#test/support/folder.ts'

import { FRAMES, SUITE_MS } from './counts.ts'
import { connectedSupplier, opened, pelt } from './hostile-sockets.ts'

const SEED = 20_261_121
const AT_ONCE = 8
const folder = temporaryFolder()
let rig: Rig
let buyerKey: string
let exchangePid: number

beforeAll(async () => {
  rig = await startRig({ dir: folder.path, args: ['--no-practice-buyer'] })
  buyerKey = (await stoker(['buyer-key', '--data', folder.path])).stdout.trim()
  exchangePid = hostOf(rig.pid, 'exchange')!.pid
}, 180_000)

afterAll(async () => {
  await rig.stop()
  folder.remove()
})

/** The check behind every case: the same two processes still answer. */
async function expectAlive(): Promise<void> {
  expect((await rig.client.app.hello()).mode).toBe('headless')
  expect((await fetch(`${rig.exchangeUrl}/health`)).status).toBe(200)
  expect(hostOf(rig.pid, 'exchange')?.pid).toBe(exchangePid)
}

function* frames(seed: number, templates: readonly unknown[]): Generator<string | Buffer> {
  const source = hostile(seed)
  for (let index = 0; index < FRAMES; index += 1)
    yield index % 20 === 19 ? source.bytes() : source.text(source.pick(templates))
}

describe('sockets', () => {
  const calls = [
    JSON.stringify({ i: '1', p: { u: '/app/home', b: { json: {} } } }),
    JSON.stringify({ i: '2', t: 4 }),
    JSON.stringify({ i: '3', p: { u: '/jobs/list', b: { json: { limit: 5 } } } }),
    JSON.stringify({ i: '4', t: 3, p: { e: 'message', d: {} } }),
    { i: '5', p: { u: '/models/import', b: { json: { path: '/etc/passwd' } } } },
  ]

  it(
    `the console's /rpc, logged in: ${FRAMES} frames`,
    async () => {
      const url = `${rig.url.replace('http', 'ws')}/rpc`
      expect(
        await pelt(() => opened(url, { authorization: `Bearer ${rig.token}` }), frames(SEED, calls)),
      ).toBeGreaterThan(1)
      await expectAlive()
    },
    SUITE_MS,
  )

  const hello = {
    t: 'hello',
    protocol: 1,
    supplier: 'A'.repeat(43),
    sig: 'A'.repeat(86),
    name: 'x',
    client: 'x',
    resume: { session: 's', received: 0 },
  }
  it(
    `the exchange's /supplier/v1 before the handshake: ${FRAMES} frames`,
    async () => {
      const url = `${rig.exchangeUrl.replace('http', 'ws')}/supplier/v1`
      expect(await pelt(() => opened(url), frames(SEED + 1, [hello, { t: 'ping', n: 1 }]))).toBeGreaterThan(1)
      await expectAlive()
    },
    SUITE_MS,
  )

  it(
    `the exchange's /supplier/v1 as a known supplier: ${FRAMES} frames`,
    async () => {
      const key = generateSigningKey()
      const url = `${rig.exchangeUrl.replace('http', 'ws')}/supplier/v1`
      const claim = {
        v: 1,
        jobId: 'job_1',
        supplier: key.publicKey,
        instrument: 'practice/text-nano',
        specVersion: 1,
        modelSha256: 'a'.repeat(64),
        usage: { inputTokens: 1, outputTokens: 1 },
        timings: { ttftMs: 1, durationMs: 1 },
        requestMac: 'a'.repeat(64),
        answerMac: 'a'.repeat(64),
        finish: 'stop',
      }
      const identity = { kind: 'gguf', sha256: 'a'.repeat(64), engine: 'x', device: 'x' }
      const bodies = [
        { t: 'sync', afterReceiptSeq: 0, afterReleaseSeq: 0, openJobs: ['job_1'] },
        {
          t: 'offer',
          instrument: 'practice/text-nano',
          deploymentId: 'dep_1',
          identity,
          askNanoPerMtok: 1,
          slots: 1,
          contextTokens: 128,
          maxOutputTokens: 32,
        },
        {
          t: 'exam.start',
          requestId: 'r',
          instrument: 'practice/text-nano',
          deploymentId: 'dep_1',
          identity,
          slots: 1,
        },
        { t: 'job.done', jobId: 'job_1', claim, claimSig: 'A'.repeat(86) },
        { t: 'job.delta', jobId: 'job_1', text: 'x' },
        { t: 'job.accept', jobId: 'job_1' },
        { t: 'ping', n: 1 },
        { t: 'withdraw', instrument: 'practice/text-nano' },
        { t: 'exam.cancel', examId: 'exam_1' },
      ]
      expect(
        await pelt(
          () => connectedSupplier(url, key),
          frames(
            SEED + 2,
            bodies.map((frame, at) => ({ seq: at + 1, ack: 0, frame })),
          ),
        ),
      ).toBeGreaterThan(1)
      await expectAlive()
    },
    SUITE_MS,
  )
})

interface Route {
  name: string
  url: () => string
  method: string
  headers: () => Record<string, string>
  template: unknown
  /** Every status an answer may have; any other, a login among them, fails the test. */
  may: readonly number[]
}
const json = { 'content-type': 'application/json' }
const asOwner = (): Record<string, string> => ({ ...json, authorization: `Bearer ${rig.token}` })
const asBuyer = (): Record<string, string> => ({ ...json, authorization: `Bearer ${buyerKey}` })
const asAdmin = (): Record<string, string> => ({
  ...json,
  authorization: `Bearer ${readFileSync(join(folder.path, 'exchange', 'admin-token'), 'utf8').trim()}`,
})
const asPage = (): Record<string, string> => ({ ...json, origin: rig.url })
const chat = {
  model: 'practice/text-nano',
  messages: [{ role: 'user', content: 'What is 1 + 1?' }],
  max_tokens: 8,
  temperature: 0,
  stream: false,
  stop: ['x'],
  response_format: { type: 'json_schema', json_schema: { schema: { type: 'object' } } },
}
const console_ = (
  path: string,
  method: string,
  headers: Route['headers'],
  template: unknown,
  may: readonly number[],
): Route => ({
  name: `console ${method} ${path}`,
  url: () => `${rig.url}${path}`,
  method,
  headers,
  template,
  may,
})
const exchange = (
  path: string,
  method: string,
  who: 'admin' | 'buyer',
  template: unknown,
  may: readonly number[],
): Route => ({
  name: `exchange ${method} ${path} as ${who}`,
  url: () => `${rig.exchangeUrl}${path}`,
  method,
  headers: who === 'admin' ? asAdmin : asBuyer,
  template,
  may,
})

const routes: Route[] = [
  console_('/auth/login', 'POST', asPage, { code: 'x' }, [401, 413, 429]),
  console_('/auth/logout', 'POST', asPage, {}, [401]),
  console_('/auth/logout', 'POST', asOwner, {}, [200]),
  console_('/auth/link', 'POST', asPage, {}, [401]),
  console_('/auth/link', 'POST', asOwner, {}, [200]),
  console_('/auth/sessions/x', 'DELETE', asOwner, {}, [404]),
  console_('/rpc-http/jobs/list', 'POST', asOwner, { json: { limit: 5, before: null, state: 'settled' } }, [200, 400]),
  console_('/rpc-http/models/inspect', 'POST', asOwner, { json: { path: '/etc/hostname' } }, [400]),
  // 409: the bound on uploads of one name, which only the full count reaches.
  console_('/upload/model', 'POST', asOwner, { a: 1 }, [200, 409, 503]),
  exchange('/v1/chat/completions', 'POST', 'buyer', chat, [400, 404, 503]),
  exchange('/v1/models/x', 'POST', 'buyer', {}, [404]),
  exchange('/admin/buyer-keys', 'POST', 'buyer', { name: 'x', creditNano: 1 }, [401]),
  exchange('/admin/buyer-keys', 'POST', 'admin', { name: 'x', creditNano: 1 }, [201, 400]),
  exchange('/admin/clock', 'POST', 'admin', { advanceMs: 1 }, [400]),
  exchange('/admin/practice-buyer', 'POST', 'buyer', { enabled: true }, [401]),
  exchange('/admin/practice-buyer', 'POST', 'admin', { enabled: 'no' }, [200, 400]),
]
/** Routes that take no body: what is hostile is the path. One of the hostile names is a model's. */
const paths: { path: string; who: string; headers: () => Record<string, string>; may: readonly number[] }[] = [
  { path: '/v1/models/', who: 'buyer', headers: asBuyer, may: [200, 400, 404] },
  { path: '/admin/supplier/', who: 'buyer', headers: asBuyer, may: [400, 401, 404] },
  { path: '/admin/supplier/', who: 'admin', headers: asAdmin, may: [400, 404] },
  { path: '/admin/receipts/', who: 'admin', headers: asAdmin, may: [200, 400, 404] },
]

describe('HTTP routes', () => {
  it.each(routes)(
    `$name: ${FRAMES} bodies, and only the answers it may give`,
    async ({ url, method, headers, template, may }) => {
      const source = hostile(SEED + 3)
      const statuses = new Map<number, number>()
      const one = async (): Promise<void> => {
        const body = source.text(template)
        const query = method === 'POST' ? `?name=${encodeURIComponent(source.pick(['a', '../b', '\u0000']))}` : ''
        const response = await fetch(`${url()}${query}`, { method, headers: headers(), body })
        statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1)
        await response.arrayBuffer()
      }
      for (let sent = 0; sent < FRAMES; sent += AT_ONCE) await Promise.all(Array.from({ length: AT_ONCE }, one))
      expect([...statuses].filter(([status]) => !may.includes(status))).toEqual([])
      await expectAlive()
    },
    SUITE_MS,
  )

  it.each(paths)(
    `exchange GET $path as $who: ${FRAMES} hostile names`,
    async ({ path, headers, may }) => {
      const source = hostile(SEED + 6)
      const statuses = new Map<number, number>()
      for (let sent = 0; sent < FRAMES; sent += 1) {
        const name = encodeURIComponent(source.text('A'.repeat(43)).toWellFormed().slice(0, 500))
        const response = await fetch(
          `${rig.exchangeUrl}${path}${source.pick([name, 'A'.repeat(43), '%00', '%', '%2e%2e'])}?after=${source.pick(['0', '-1', 'x', '1e9', ''])}`,
          {
            headers: headers(),
          },
        )
        statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1)
        await response.arrayBuffer()
      }
      expect([...statuses].filter(([status]) => !may.includes(status))).toEqual([])
      await expectAlive()
    },
    SUITE_MS,
  )

  it(
    `no URL path leaves the folder of the page: ${FRAMES} paths`,
    async () => {
      const source = hostile(SEED + 4)
      for (let sent = 0; sent < FRAMES; sent += 1) {
        const path = Array.from({ length: 4 }, () =>
          source.pick(['..', '%2e%2e', '.', 'assets', 'index.html', '%00', '%', 'api-token', '..%2f', '\\', '']),
        ).join('/')
        const response = await fetch(`${rig.url}/${path}`, { redirect: 'manual' }).catch(() => null)
        if (response === null) continue
        expect([200, 400, 404, 503]).toContain(response.status)
        expect((await response.text()).includes(rig.token)).toBe(false)
      }
    },
    SUITE_MS,
  )

  it(
    'bytes that are no HTTP at all',
    async () => {
      const source = hostile(SEED + 5)
      for (let sent = 0; sent < Math.min(FRAMES, 1_000); sent += 1) {
        const { hostname, port } = new URL(sent % 2 === 0 ? rig.url : rig.exchangeUrl)
        const socket = connectTcp(Number(port), hostname)
        socket.on('error', () => undefined)
        const closed = once(socket, 'close')
        socket.end(
          Buffer.concat([
            Buffer.from(
              source.pick([
                'GET / HTTP/1.1\r\n',
                'POST /rpc HTTP/9\r\n',
                'GET /rpc HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n',
                '',
              ]),
            ),
            source.bytes(),
            Buffer.from('\r\n\r\n'),
          ]),
        )
        socket.resume()
        await closed
      }
      await expectAlive()
      expect((await fetch(`${rig.url}/healthz`)).status).toBe(200)
    },
    SUITE_MS,
  )

  it.each([
    [
      'an oversize body on the exchange',
      413,
      () =>
        fetch(`${rig.exchangeUrl}/v1/chat/completions`, {
          method: 'POST',
          headers: asBuyer(),
          body: 'x'.repeat(2_000_000),
        }),
    ],
    [
      'an oversize call on the console',
      413,
      () => fetch(`${rig.url}/rpc-http/app/home`, { method: 'POST', headers: asOwner(), body: 'x'.repeat(5_000_000) }),
    ],
    [
      'an unknown model',
      404,
      () =>
        fetch(`${rig.exchangeUrl}/v1/chat/completions`, {
          method: 'POST',
          headers: asBuyer(),
          body: JSON.stringify({ ...chat, response_format: undefined, model: 'practice/none' }),
        }),
    ],
    [
      'a context too long',
      400,
      () =>
        fetch(`${rig.exchangeUrl}/v1/chat/completions`, {
          method: 'POST',
          headers: asBuyer(),
          body: JSON.stringify({
            ...chat,
            response_format: undefined,
            messages: [{ role: 'user', content: 'x'.repeat(4_000) }],
          }),
        }),
    ],
    [
      'a wrong buyer key',
      401,
      () => fetch(`${rig.exchangeUrl}/v1/models`, { headers: { authorization: 'Bearer sk-practice-wrong' } }),
    ],
    [
      'a page that calls the exchange',
      403,
      () => fetch(`${rig.exchangeUrl}/v1/models`, { headers: { ...asBuyer(), origin: rig.url } }),
    ],
  ])('%s is refused with %i', async (_what, status, call) => {
    expect((await call()).status).toBe(status)
  })
})
