/** The console's listener: static files, login, uploads, RPC. Everything passes the guard first; nothing here knows what a job is. */
import { createServer as createTlsServer } from 'node:https'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'

import { createAdaptorServer, type HttpBindings } from '@hono/node-server'
import { RPCHandler } from '@orpc/server/fetch'
import { Hono, type Context } from 'hono'
import { bodyLimit } from 'hono/body-limit'

import { StokerError, toErrorValue } from '#contract/errors.ts'
import { ALL_SCOPES } from '#core/rpc.ts'
import type { Core } from '#core/core.ts'
import type { Log } from '#lib/log.ts'

import type { Attempts } from './auth/attempts.ts'
import type { LoginCodes } from './auth/codes.ts'
import { headsOf, isRefusal, type Caller, type Guard, type Refusal } from './auth/guard.ts'
import { SESSION_LIFE_MS, type Sessions } from './auth/sessions.ts'
import { SECURITY_HEADERS } from './headers.ts'
import { attachRpcSocket } from './rpc-socket.ts'
import { serveStatic } from './static.ts'
import type { Uploads } from './upload.ts'

const BODY_BYTES_MAX = 4 * 2 ** 20
const LOGIN_BYTES_MAX = 4_096
const CONNECTIONS_MAX = 256
/** Six hours: a 64 GiB model over a slow home network. Headers get twenty seconds. */
const REQUEST_TIMEOUT_MS = 21_600_000

export interface HttpDeps {
  readonly guard: Guard
  readonly sessions: Sessions
  readonly codes: LoginCodes
  readonly attempts: Attempts
  readonly uploads: Uploads
  readonly router: Core['router']
  readonly rendererDir: string
  readonly log: Log
  /** A new login link; null before the listener has an address. */
  readonly link: () => string
  readonly tls?: { cert: string; key: string }
}

interface Env {
  Bindings: HttpBindings
  Variables: { caller: Caller }
}

const refuse = (c: Context<Env>, refusal: Refusal): Response => c.json({ error: { code: refusal.status === 401 ? 'UNAUTHORIZED' : 'FORBIDDEN', message: refusal.message } }, refusal.status)

const HTTP_STATUS: Readonly<Record<string, 400 | 404 | 409 | 413 | 503>> = { NOT_FOUND: 404, CONFLICT: 409, TOO_LARGE: 413, UNAVAILABLE: 503 }

function cookieValue(deps: HttpDeps, value: string, maxAgeS: number): string {
  return `${deps.sessions.cookieName}=${value}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${maxAgeS}${deps.tls === undefined ? '' : '; Secure'}`
}

/** Refuses a body over the bound with 413, whether it was declared or only sent. */
const atMost = (maxSize: number) => bodyLimit({ maxSize, onError: (c) => c.json({ error: { code: 'TOO_LARGE', message: `The body may have at most ${maxSize} bytes.` } }, 413) })

function addAuthRoutes(app: Hono<Env>, deps: HttpDeps): void {
  const { guard, sessions, codes, attempts } = deps
  app.get('/auth/state', (c) => {
    const caller = guard.caller(headsOf(c.env.incoming))
    return c.json({ loggedIn: caller !== null, by: caller?.kind ?? null })
  })
  app.post('/auth/login', atMost(LOGIN_BYTES_MAX), async (c) => {
    const origin = guard.originProblem(headsOf(c.env.incoming), true)
    if (origin !== null) return refuse(c, origin)
    if (!attempts.mayTry()) return c.json({ error: { code: 'UNAVAILABLE', message: 'Too many failed logins; wait a minute.' } }, 429)
    const body = (await c.req.json<unknown>().catch(() => null)) as { code?: unknown } | null
    if (typeof body?.code !== 'string' || body.code.length > 200 || !codes.redeem(body.code)) {
      attempts.failed()
      return c.json({ error: { code: 'UNAUTHORIZED', message: 'This login link was used already or is older than ten minutes; get a new one with: stoker link' } }, 401)
    }
    const { token } = sessions.create(c.req.header('user-agent') ?? 'unknown browser')
    c.header('set-cookie', cookieValue(deps, token, SESSION_LIFE_MS / 1_000))
    return c.json({ loggedIn: true })
  })
  app.post('/auth/logout', (c) => {
    const caller = c.get('caller')
    if (caller.kind === 'session') sessions.revoke(caller.session.id)
    c.header('set-cookie', cookieValue(deps, '', 0))
    return c.json({ loggedIn: false })
  })
  app.get('/auth/sessions', (c) => {
    const caller = c.get('caller')
    return c.json({ sessions: sessions.list().map((session) => ({ ...session, current: caller.kind === 'session' && caller.session.id === session.id })) })
  })
  app.delete('/auth/sessions/:id', (c) => (sessions.revoke(c.req.param('id')) ? c.json({ revoked: true }) : c.json({ error: { code: 'NOT_FOUND', message: 'There is no such session.' } }, 404)))
  app.post('/auth/link', (c) => (c.get('caller').kind === 'token' ? c.json({ link: deps.link() }) : refuse(c, { status: 403, message: 'Only the API token makes login links.' })))
}

function addWorkRoutes(app: Hono<Env>, deps: HttpDeps): void {
  const rpc = new RPCHandler(deps.router)
  app.post('/rpc-http/*', atMost(BODY_BYTES_MAX), async (c) => {
    if (c.get('caller').kind !== 'token') return refuse(c, { status: 403, message: 'This door is for programs with the API token; pages use the WebSocket at /rpc.' })
    const { matched, response } = await rpc.handle(c.req.raw, { prefix: '/rpc-http', context: { scopes: ALL_SCOPES } })
    return matched ? response : c.json({ error: { code: 'NOT_FOUND', message: 'There is no such method.' } }, 404)
  })
  app.post('/upload/model', async (c) => {
    const declared = Number(c.req.header('content-length') ?? Number.NaN)
    return c.json(await deps.uploads.store(c.req.query('name') ?? '', c.req.raw.body as never, Number.isFinite(declared) ? declared : null))
  })
}

/** Which paths answer without a login: what the login page itself needs. */
const isOpen = (method: string, path: string): boolean => (method === 'GET' || method === 'HEAD' ? !path.startsWith('/auth/sessions') : path === '/auth/login')

export function createApp(deps: HttpDeps): Hono<Env> {
  const app = new Hono<Env>()
  app.use(async (c, next) => {
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) c.header(name, value)
    if (!c.req.path.startsWith('/assets/')) c.header('cache-control', 'no-store')
    const heads = headsOf(c.env.incoming)
    const host = deps.guard.hostProblem(heads)
    if (host !== null) return refuse(c, host)
    if (!isOpen(c.req.method, c.req.path)) {
      const admitted = deps.guard.admit(heads, c.req.method !== 'GET' && c.req.method !== 'HEAD')
      if (isRefusal(admitted)) return refuse(c, admitted)
      c.set('caller', admitted)
    }
    return next()
  })
  app.get('/healthz', (c) => c.json({ ok: true }))
  addAuthRoutes(app, deps)
  addWorkRoutes(app, deps)
  app.get('*', async (c) => {
    const response = await serveStatic(deps.rendererDir, c.req.path)
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.headers.set(name, value)
    return response
  })
  app.notFound((c) => c.json({ error: { code: 'NOT_FOUND', message: 'There is nothing here.' } }, 404))
  app.onError((error, c) => {
    if (!(error instanceof StokerError)) deps.log.error({ err: error }, 'a request failed')
    const value = toErrorValue(error)
    return c.json({ error: { code: value.code, message: value.message } }, error instanceof StokerError ? (HTTP_STATUS[value.code] ?? 400) : 500)
  })
  return app
}

export interface HttpServer {
  readonly port: number
  /** Ends every connection; resolves when the listener is closed. */
  close(): Promise<void>
}

/** Listens, then resolves. Error: UNAVAILABLE when the address cannot be had. */
export async function listenHttp(deps: HttpDeps, host: string, port: number): Promise<HttpServer> {
  const app = createApp(deps)
  const secure = deps.tls === undefined ? {} : { createServer: createTlsServer, serverOptions: { cert: deps.tls.cert, key: deps.tls.key } }
  const server = createAdaptorServer({ fetch: app.fetch, overrideGlobalObjects: false, ...secure }) as Server
  server.maxConnections = CONNECTIONS_MAX
  server.requestTimeout = REQUEST_TIMEOUT_MS
  server.headersTimeout = 20_000
  const closeSockets = attachRpcSocket(server, deps)
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(new StokerError('UNAVAILABLE', `cannot listen on ${host} port ${port} (${(error as NodeJS.ErrnoException).code}); choose another with --port, or --port 0 for any`, { cause: error })))
    server.listen(port, host, resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      closeSockets()
      await new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
    },
  }
}
