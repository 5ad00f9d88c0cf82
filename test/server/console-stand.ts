/** A console over two procedures, on a clock that stands still, and what a browser sends it. */
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { join } from 'node:path'

import { onTestFinished } from 'vitest'
import { WebSocket } from 'ws'

import { StokerError } from '#contract/errors.ts'
import { PAGE_HEADER, pageFrame } from '#contract/channel/page-secret.ts'
import type { Core } from '#core/core.ts'
import { createOs } from '#core/os.ts'
import { randomIds } from '#lib/id-source.ts'
import { createLog } from '#lib/log.ts'
import { openConsole, type Console } from '#server/console.ts'
import { FakeClock } from '#test/support/fake-clock.ts'
import { tempDir } from '#test/support/temp-dir.ts'
import { apiToken } from '#server/data-dir.ts'
import { VENUE } from '#test/support/venue.ts'

const log = createLog('test')
const os = createOs(log)
/** Two procedures are enough to see calls, errors and streams go through. */
const router = {
  app: {
    onboarding: os.app.onboarding.handler(() => ({
      step: 'welcome' as const,
      skipped: false,
      startedAt: null,
      firstEarningAt: null,
    })),
    ledgerCheck: os.app.ledgerCheck.handler(() => {
      throw new StokerError('UNAVAILABLE', 'not now')
    }),
    events: os.app.events.handler(async function* ({ signal }) {
      yield { topic: 'jobs' as const, venueId: VENUE, version: 1 }
      await new Promise((resolve) => signal?.addEventListener('abort', resolve))
    }),
  },
} as unknown as Core['router']

export interface Stand {
  console: Console
  url: string
  dir: string
  token: string
  clock: FakeClock
}

/** `dir`: that of a console before it. */
export async function stand(uploadBytesMax = 1_000, dir = tempDir()): Promise<Stand> {
  const rendererDir = join(dir, 'renderer')
  mkdirSync(rendererDir, { recursive: true })
  writeFileSync(join(rendererDir, 'index.html'), '<html>')
  const clock = new FakeClock()
  const opened = await openConsole({
    dataDir: dir,
    rendererDir,
    host: '127.0.0.1',
    port: 0,
    allowHosts: [],
    router,
    clock,
    ids: randomIds(() => clock.now()),
    log,
    uploadBytesMax,
  })
  onTestFinished(() => opened.close())
  return { console: opened, url: opened.url, dir, token: apiToken(dir), clock }
}

export const codeOf = (link: string): string => new URL(link).hash.replace('#code=', '')

export interface Answer {
  status: number
  body: string
  headers: Record<string, string | string[] | undefined>
}
/** Plain node:http, because fetch may not set Host, Origin or Cookie. */
export async function send(
  url: string,
  method: string,
  headers: Record<string, string> = {},
  body = '',
): Promise<Answer> {
  const call = httpRequest(url, {
    method,
    headers: { ...headers, ...(body === '' ? {} : { 'content-length': String(Buffer.byteLength(body)) }) },
  })
  call.end(body)
  const [response] = (await once(call, 'response')) as [import('node:http').IncomingMessage]
  let text = ''
  for await (const chunk of response) text += String(chunk)
  return { status: response.statusCode ?? 0, body: text, headers: response.headers }
}

/** What a page of a signed-in browser sends. */
export interface PageHeads extends Record<string, string> {
  cookie: string
  origin: string
  [PAGE_HEADER]: string
}

export const tryLogin = (s: Stand, code: string): Promise<Answer> =>
  send(`${s.url}/auth/login`, 'POST', { origin: s.url }, JSON.stringify({ code }))

export async function login(s: Stand): Promise<PageHeads> {
  const answer = await tryLogin(s, codeOf(s.console.link()))
  const { page } = JSON.parse(answer.body) as { page: string }
  return { cookie: String(answer.headers['set-cookie']).split(';')[0] ?? '', origin: s.url, [PAGE_HEADER]: page }
}

/** A socket as a page opens it: the secret cannot be a header there, it is the first message. */
export function openAsPage(s: Stand, { cookie, origin, [PAGE_HEADER]: page }: PageHeads): WebSocket {
  const socket = new WebSocket(`${s.url.replace('http', 'ws')}/rpc`, { headers: { cookie, origin } })
  socket.once('open', () => socket.send(pageFrame(page)))
  return socket
}
