/**
 * The contract over WebSocket at /rpc: guarded before the handshake, bounded in frames, calls, silence and unread
 * bytes.
 */
import { STATUS_CODES, type IncomingMessage, type Server } from 'node:http'
import type { Duplex } from 'node:stream'

import { RPCHandler } from '@orpc/server/message-port'
import { WebSocketServer, type WebSocket } from 'ws'

import type { Channel } from '#contract/channel/channel.ts'
import { channelAsPort, type RpcPort } from '#contract/channel/rpc.ts'
import { pageOf } from '#contract/channel/page-secret.ts'
import { webSocketChannel } from '#contract/channel/web-socket.ts'
import type { Clock } from '#contract/time.ts'
import { ALL_SCOPES } from '#core/os.ts'
import type { Core } from '#core/core.ts'
import { every } from '#lib/every.ts'
import type { Log } from '#lib/log.ts'

import { headsOf, isRefusal, type Guard } from './auth/guard.ts'
import type { BrowserSessions, SessionView } from './auth/browser-sessions.ts'
import type { Connections } from './connections.ts'
import { countCalls } from './rpc-calls.ts'

const FRAME_BYTES_MAX = 4 * 2 ** 20
const SOCKETS_MAX = 32
/** A page that leaves this much unread is closed; it reconnects and reads the state afresh. */
const UNREAD_BYTES_MAX = 8 * 2 ** 20
const HEARTBEAT_MS = 15_000
/** A page sends its secret at once. */
const PAGE_MS = 5_000
const NOT_LOGGED_IN = 4_401

interface SocketDeps {
  readonly guard: Guard
  readonly sessions: BrowserSessions
  readonly connections: Connections
  readonly router: Core['router']
  readonly clock: Clock
  readonly log: Log
}

function refuseUpgrade(socket: Duplex, status: number, message: string): void {
  const body = Buffer.from(message)
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Refused'}\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${body.length}\r\n\r\n${message}`,
  )
}

/** Answers the calls of one socket until it closes. What is no call closes it (contract/channel/rpc.ts). */
function serveChannel(channel: Channel, { router, log }: Pick<SocketDeps, 'router' | 'log'>): void {
  const port = channelAsPort(channel, 'server')
  const bounded: RpcPort = {
    ...port,
    postMessage(message) {
      if (channel.bufferedBytes > UNREAD_BYTES_MAX) channel.close('too much is unread')
      port.postMessage(message)
    },
  }
  new RPCHandler(router, { rootInterceptors: [countCalls(channel, log)] }).upgrade(bounded, {
    context: { scopes: ALL_SCOPES },
  })
}

/**
 * Lets a page's socket in by its first message. `onSession` runs within that message's turn, so that the one behind it
 * finds its listener; a socket whose message is late, or names no session, is closed.
 */
function admitPage(
  socket: WebSocket,
  confirm: (secret: string) => SessionView | null,
  clock: Clock,
  onSession: (session: SessionView) => void,
): void {
  const decided = new AbortController()
  const refuse = (): void => socket.close(NOT_LOGGED_IN, 'not logged in')
  socket.once('close', () => decided.abort())
  socket.once('message', (data: Buffer, isBinary: boolean) => {
    if (decided.signal.aborted) return
    decided.abort()
    const secret = isBinary ? null : pageOf(data.toString('utf8'))
    const session = secret === null ? null : confirm(secret)
    if (session === null) refuse()
    else onSession(session)
  })
  clock.sleep(PAGE_MS, { signal: decided.signal, unref: true }).then(
    () => {
      decided.abort()
      refuse()
    },
    () => undefined,
  )
}

/** Ends sockets that stopped answering pings. */
function keepAlive(server: WebSocketServer, { clock, log }: Pick<SocketDeps, 'clock' | 'log'>): () => void {
  const silent = new WeakSet<WebSocket>()
  server.on('connection', (socket: WebSocket) => socket.on('pong', () => silent.delete(socket)))
  const ping = (): void => {
    for (const socket of server.clients) {
      if (silent.has(socket)) socket.terminate()
      else {
        silent.add(socket)
        socket.ping()
      }
    }
  }
  return every(clock, HEARTBEAT_MS, ping, {
    onError: (error) => log.warn({ err: error }, 'a console socket could not be pinged'),
  }).stop
}

/** Handles every upgrade of the listener; returns what closes all sockets. */
export function attachRpcSocket(server: Server, deps: SocketDeps): () => void {
  const { guard, sessions, connections, clock, log } = deps
  const sockets = new WebSocketServer({ noServer: true, maxPayload: FRAME_BYTES_MAX, perMessageDeflate: false })
  /** Which session opened a socket, so that revoking it closes them. */
  const sessionOf = new Map<WebSocket, string>()
  /** Sockets that were let in. */
  const serving = new Set<WebSocket>()
  const stopKeepAlive = keepAlive(sockets, deps)
  const stopRevoked = sessions.onRevoked((id) => {
    for (const [socket, session] of sessionOf) if (session === id) socket.close(NOT_LOGGED_IN, 'logged out')
  })
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy())
    const admitted = guard.admitSocket(headsOf(request))
    if (isRefusal(admitted)) return refuseUpgrade(socket, admitted.status, admitted.message)
    if ((request.url ?? '').split('?')[0] !== '/rpc') return refuseUpgrade(socket, 404, 'The socket is at /rpc.')
    if (serving.size >= SOCKETS_MAX) return refuseUpgrade(socket, 503, 'Too many consoles are open at once.')
    sockets.handleUpgrade(request, socket, head, (webSocket) => {
      webSocket.on('error', (error) => log.info({ err: error }, 'a console socket failed'))
      const serve = (): void => {
        if (serving.size >= SOCKETS_MAX) return webSocket.close(1_013, 'too many consoles are open at once')
        connections.proved(request.socket)
        serving.add(webSocket)
        webSocket.on('close', () => serving.delete(webSocket))
        serveChannel(webSocketChannel(webSocket), deps)
      }
      if (admitted.kind === 'token') serve()
      else
        admitPage(
          webSocket,
          (secret) => admitted.confirm(secret),
          clock,
          ({ id }) => {
            sessionOf.set(webSocket, id)
            webSocket.on('close', () => sessionOf.delete(webSocket))
            serve()
          },
        )
      sockets.emit('connection', webSocket, request)
    })
  })
  return () => {
    stopKeepAlive()
    stopRevoked()
    for (const socket of sockets.clients) socket.terminate()
    sockets.close()
  }
}
