/**
 * Serves out/renderer and a FakeCore over WebSocket on 127.0.0.1, as the headless server does; every page is signed in
 * unless told otherwise.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { resolve } from 'node:path'

import { WebSocketServer } from 'ws'

import { serveStatic } from '#server/static-files.ts'

import { createFakeCore, type FakeCoreOptions } from './fake-core.ts'
import { fakeAuth, serveCore } from './fake-session.ts'

export interface FakeServer {
  readonly url: string
  close(): Promise<void>
}

/** One world per server: what a page changes stays changed until it closes. */
export async function startFakeServer(
  options: FakeCoreOptions & { port?: number; loggedIn?: boolean; root?: string },
): Promise<FakeServer> {
  const root = options.root ?? resolve(import.meta.dirname, '../../out/renderer')
  const core = createFakeCore(options)
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://fake').pathname
    const auth = fakeAuth(path, options.loggedIn ?? true)
    if (auth !== null)
      return void response.writeHead(auth.status, { 'content-type': 'application/json' }).end(JSON.stringify(auth.body))
    const { 'accept-encoding': acceptEncoding, 'if-none-match': ifNoneMatch } = request.headers
    void serveStatic(root, path, { acceptEncoding, ifNoneMatch }).then(async (answer) =>
      response
        .writeHead(answer.status, Object.fromEntries(answer.headers))
        .end(Buffer.from(await answer.arrayBuffer())),
    )
  })
  const sockets = new WebSocketServer({ server, path: '/rpc' })
  sockets.on('connection', (socket) => serveCore(core, socket))
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
