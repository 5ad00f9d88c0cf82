/**
 * The one listener: buyers and admin over HTTP, suppliers by upgrade. Loopback names only by default; no browser page
 * may call it.
 */
import type { IncomingMessage, Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'

import { createAdaptorServer } from '@hono/node-server'
import { Hono } from 'hono'
import { WebSocketServer, type WebSocket } from 'ws'

import { fail } from '#contract/errors.ts'
import { SUPPLIER_PATH } from '#contract/supplier.ts'
import { SUPPLIER_PATH_V2, type SupplierProtocol } from '#contract/supplier-v2.ts'
import { AddressCounts } from '#lib/by-address.ts'
import { systemClock } from '#lib/system-clock.ts'
import { allowedNames, isLoopback, shownHost } from '#lib/host-names.ts'
import type { Log } from '#lib/log.ts'
import { errorBody, refused, retryHeaders } from '#lib/openai-error.ts'

import { apiErrorOf } from './buy/buyer-errors.ts'
import { LIMITS } from './exchange-limits.ts'

const HEADERS_MS = 10_000
/**
 * For answers on their way when it closes. By the system's clock, as sockets are, whatever clock the exchange keeps.
 */
const CLOSING_MS = 1_000
const CLOSING_LOOK_MS = 5

export interface Listener {
  url: string
  close(): Promise<void>
}

export interface ListenOptions {
  host: string
  port: number
  /** Where it is taken, take any free one. */
  orAnyPort: boolean
  /** The option that names it, for who reads that it is taken. */
  portOption: string
  /** Further names a Host header may carry. */
  allowHosts: readonly string[]
  buyers: Hono
  admin: Hono
  log: Log
  /** Whether connections are bounded by address. */
  perAddress: boolean
  onSupplier(socket: WebSocket, protocol: SupplierProtocol, address: string): void
  /** Lowered by tests only. */
  requestMs?: number
}

/** Error: UNAVAILABLE when the address is taken. */
export async function listen(options: ListenOptions): Promise<Listener> {
  const { host, port, log, requestMs = LIMITS.requestMs } = options
  const allowed = new Set(allowedNames(host, options.allowHosts))
  const server = createAdaptorServer({
    fetch: appOf(options, allowed).fetch,
    overrideGlobalObjects: false,
    serverOptions: {
      headersTimeout: Math.min(HEADERS_MS, requestMs),
      requestTimeout: requestMs,
      connectionsCheckingInterval: Math.min(LIMITS.requestCheckMs, requestMs),
      maxHeaderSize: 16_384,
    },
  }) as Server
  server.maxConnections = LIMITS.connections * 2
  if (options.perAddress) boundConnections(server, LIMITS.connectionsPerAddress)
  // One frame of a socket a turn of the event loop: many small ones in one packet hold up nobody else.
  const upgrades = new WebSocketServer({
    noServer: true,
    maxPayload: LIMITS.supplierFrameBytes,
    perMessageDeflate: false,
    allowSynchronousEvents: false,
  })
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy())
    const address = request.socket.remoteAddress ?? ''
    const asked = upgradeOf(request, allowed)
    if (typeof asked === 'number')
      upgrades.handleUpgrade(request, socket, head, (upgraded) => options.onSupplier(upgraded, asked, address))
    else socket.end(`HTTP/1.1 ${asked}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
  })
  await bind(server, host, port).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EADDRINUSE') throw error
    if (options.orAnyPort) return bind(server, host, 0)
    throw fail('exchange.portTaken', { port, host, option: options.portOption }, { cause: error })
  })
  server.on('error', (error) => log.error({ err: error }, 'the listener failed'))
  const at = server.address() as AddressInfo
  return {
    url: `http://${shownHost(at.address)}:${at.port}`,
    async close() {
      upgrades.close()
      const state = { open: true }
      const closed = new Promise<void>((resolve) =>
        server.close(() => {
          state.open = false
          resolve()
        }),
      )
      // Answers that are ready get out: a connection ends once it is idle, and after a bounded time anyway.
      const endsAt = systemClock.mono() + CLOSING_MS
      while (state.open && systemClock.mono() < endsAt) {
        server.closeIdleConnections()
        await Promise.race([closed, systemClock.sleep(CLOSING_LOOK_MS)])
      }
      server.closeAllConnections()
      await closed
    },
  }
}

/** One address beyond its share is cut off before anything of it is read. */
function boundConnections(server: Server, max: number): void {
  const counts = new AddressCounts(max)
  server.on('connection', (socket) => {
    const leave = counts.enter(socket.remoteAddress ?? '')
    if (leave === null) socket.destroy()
    else socket.once('close', leave)
  })
}

function bind(server: Server, host: string, port: number): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

function appOf({ buyers, admin, log }: ListenOptions, allowed: ReadonlySet<string>): Hono {
  const app = new Hono()
  app.use('*', async (c, next) => {
    if (!allowed.has(hostName(c.req.header('host'))))
      throw refused(
        403,
        'this Host is not one the exchange answers to; use its loopback address or add the name with --allow-host',
        'host_not_allowed',
      )
    if (c.req.header('origin') !== undefined)
      throw refused(403, 'pages in a browser may not call the exchange', 'origin_not_allowed')
    await next()
  })
  app.get('/health', (c) => c.json({ ok: true }))
  app.route('/', buyers)
  app.route('/admin', admin)
  app.notFound((c) =>
    c.json(
      errorBody({
        status: 404,
        message: `there is no ${c.req.method} ${c.req.path.slice(0, 100)} here`,
        type: 'invalid_request_error',
        param: null,
        code: 'not_found',
      }),
      404,
    ),
  )
  app.onError((error, c) => {
    const failure = apiErrorOf(error)
    if (failure.status === 500) log.error({ err: error }, 'a request failed')
    return c.json(errorBody(failure), failure.status, retryHeaders(failure))
  })
  return app
}

/** Name of a Host header without its port, lower case; '' when there is none. */
const hostName = (header: string | undefined): string =>
  /^(\[[0-9a-f:.]+\]|[^:]+)(:\d+)?$/i.exec(header ?? '')?.[1]?.toLowerCase() ?? ''

/** The protocol of the path, or how the request is refused. */
function upgradeOf(request: IncomingMessage, allowed: ReadonlySet<string>): SupplierProtocol | string {
  if (!allowed.has(hostName(request.headers.host))) return '403 Forbidden'
  if (request.headers.origin !== undefined) return '403 Forbidden'
  const path = (request.url ?? '').split('?')[0]
  if (path === SUPPLIER_PATH_V2) return 2
  if (path !== SUPPLIER_PATH) return '404 Not Found'
  return isFromThisMachine(request) ? 1 : '403 Forbidden'
}

/**
 * Version 1 proves the exchange's key to nobody, so it is for this machine alone: nothing of it came through a proxy or
 * under another name.
 */
function isFromThisMachine({ socket, headers }: IncomingMessage): boolean {
  const proxied = ['forwarded', 'x-forwarded-for', 'x-real-ip', 'via'].some((name) => headers[name] !== undefined)
  const name = hostName(headers.host).replace(/^\[|\]$/g, '')
  return !proxied && isLoopback(name) && isLoopback((socket.remoteAddress ?? '').replace(/^::ffff:/, ''))
}
