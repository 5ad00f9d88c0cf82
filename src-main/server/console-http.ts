/**
 * The console's listener: static files, login, uploads, RPC. Everything passes the guard first; nothing here knows what
 * a job is.
 */
import type { Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'

import { createAdaptorServer } from '@hono/node-server'
import { Hono } from 'hono'

import { fail, StokerError, toErrorValue } from '#contract/errors.ts'

import { addAuthRoutes } from './auth-routes.ts'
import { headsOf, isRefusal } from './auth/guard.ts'
import { SECURITY_HEADERS } from './headers.ts'
import { refuse, type Env, type HttpDeps } from './http-parts.ts'
import { attachRpcSocket } from './rpc-socket.ts'
import { serveStatic } from './static-files.ts'
import { addWorkRoutes } from './work-routes.ts'

const CONNECTIONS_MAX = 256
/** Six hours: a 64 GiB model over a slow home network. Headers get twenty seconds. */
const REQUEST_TIMEOUT_MS = 21_600_000

const HTTP_STATUS: Readonly<Record<string, 400 | 404 | 408 | 409 | 413 | 503>> = {
  NOT_FOUND: 404,
  CONFLICT: 409,
  TIMEOUT: 408,
  TOO_LARGE: 413,
  UNAVAILABLE: 503,
}

/** Which paths answer without a login: what the login page itself needs. */
const isOpen = (method: string, path: string): boolean =>
  method === 'GET' || method === 'HEAD' ? !path.startsWith('/auth/sessions') : path === '/auth/login'

function createApp(deps: HttpDeps): Hono<Env> {
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
      deps.connections.proved(c.env.incoming.socket)
    }
    return next()
  })
  app.get('/healthz', (c) => c.json({ ok: true }))
  addAuthRoutes(app, deps)
  addWorkRoutes(app, deps)
  app.get('*', async (c) => {
    const response = await serveStatic(deps.rendererDir, c.req.path, {
      acceptEncoding: c.req.header('accept-encoding'),
      ifNoneMatch: c.req.header('if-none-match'),
    })
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.headers.set(name, value)
    return response
  })
  app.notFound((c) => c.json({ error: { code: 'NOT_FOUND', message: 'There is nothing here.' } }, 404))
  app.onError((error, c) => {
    if (!(error instanceof StokerError)) deps.log.error({ err: error }, 'a request failed')
    const value = toErrorValue(error)
    // Of a body that does not come nothing more is awaited.
    if (value.code === 'TIMEOUT') c.header('connection', 'close')
    return c.json(
      { error: { code: value.code, message: value.message } },
      error instanceof StokerError ? (HTTP_STATUS[value.code] ?? 400) : 500,
    )
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
  const secure =
    deps.tls === undefined
      ? {}
      : { createServer: createTlsServer, serverOptions: { cert: deps.tls.cert, key: deps.tls.key } }
  const server = createAdaptorServer({ fetch: app.fetch, overrideGlobalObjects: false, ...secure }) as Server
  server.maxConnections = CONNECTIONS_MAX
  server.requestTimeout = REQUEST_TIMEOUT_MS
  server.headersTimeout = 20_000
  server.on('connection', (socket: Socket) => deps.connections.opened(socket))
  const closeSockets = attachRpcSocket(server, deps)
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) =>
      reject(
        fail(
          'console.cannotListen',
          { host, port, error: (error as NodeJS.ErrnoException).code ?? 'unknown' },
          {
            cause: error,
          },
        ),
      ),
    )
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
