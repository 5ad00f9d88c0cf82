/**
 * Serves out/renderer and a FakeCore over WebSocket on 127.0.0.1, as the headless server does; every page is signed in
 * unless told otherwise.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { resolve } from 'node:path'

import { RPCHandler } from '@orpc/server/message-port'
import { WebSocketServer } from 'ws'

import { channelAsPort } from '#contract/channel/rpc.ts'
import { webSocketChannel } from '#contract/channel/web-socket.ts'
import { serveStatic } from '#server/static-files.ts'

import { createFakeCore, type FakeCoreOptions } from './fake-core.ts'

export interface FakeServer {
  readonly url: string
  close(): Promise<void>
}

const SESSIONS = {
  sessions: [
    { id: 'ses_1', createdAt: 1_795_000_000_000, label: 'Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0', current: true },
  ],
}

/** One world per server: what a page changes stays changed until it closes. */
export async function startFakeServer(
  options: FakeCoreOptions & { port?: number; loggedIn?: boolean; root?: string },
): Promise<FakeServer> {
  const root = options.root ?? resolve(import.meta.dirname, '../../out/renderer')
  const handler = new RPCHandler(createFakeCore(options))
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://fake').pathname
    const json = (body: unknown, status = 200): void =>
      void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    if (path === '/auth/state') return json({ loggedIn: options.loggedIn ?? true, by: 'session' })
    if (path === '/auth/sessions') return json(SESSIONS)
    if (path === '/auth/login')
      return json(
        {
          error: {
            code: 'UNAUTHORIZED',
            message: 'This login link was used already or is older than ten minutes; get a new one with: stoker link',
          },
        },
        401,
      )
    void serveStatic(root, path).then(async (answer) =>
      response
        .writeHead(answer.status, Object.fromEntries(answer.headers))
        .end(Buffer.from(await answer.arrayBuffer())),
    )
  })
  const sockets = new WebSocketServer({ server, path: '/rpc' })
  sockets.on('connection', (socket) =>
    handler.upgrade(channelAsPort(webSocketChannel(socket), 'server'), { context: {} }),
  )
  await new Promise<void>((done) => server.listen(options.port ?? 0, '127.0.0.1', done))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    async close() {
      for (const socket of sockets.clients) socket.terminate()
      sockets.close()
      server.closeAllConnections()
      await new Promise<void>((done) => server.close(() => done()))
    },
  }
}
