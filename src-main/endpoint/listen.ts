/** The HTTP listener: this machine only, the owner's key on every call, no browser pages. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

import { fail } from '#contract/errors.ts'
import { refused } from '#lib/openai-error.ts'

import { badKey } from './endpoint-errors.ts'
import { LIMITS } from './endpoint-limits.ts'

export const HOST = '127.0.0.1'

/** Throws ApiFailure 403 or 401 for a call that is not the owner's. */
export function admit(request: IncomingMessage, accepts: (key: string) => boolean): void {
  // A page whose host name resolves to this machine (DNS rebinding) sends its own name.
  if (!/^(127\.0\.0\.1|localhost)(:\d{1,5})?$/i.test(request.headers.host ?? ''))
    throw refused(403, 'this endpoint answers to 127.0.0.1 and localhost only', 'host_not_allowed')
  if (request.headers.origin !== undefined)
    throw refused(403, 'pages in a browser may not call this endpoint', 'origin_not_allowed')
  const key = /^Bearer +([\x21-\x7e]+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? null
  if (key === null || key.length > LIMITS.keyChars || !accepts(key)) throw badKey()
}

/** Error UNAVAILABLE when the port is taken or may not be opened. */
export async function listen(
  port: number,
  handle: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<{ server: Server; port: number }> {
  const server = createServer(
    {
      headersTimeout: LIMITS.headersMs,
      requestTimeout: LIMITS.requestMs,
      keepAliveTimeout: LIMITS.keepAliveMs,
      maxHeaderSize: 16_384,
      noDelay: true,
    },
    handle,
  )
  server.maxConnections = LIMITS.connections
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        error.code === 'EADDRINUSE' || error.code === 'EACCES'
          ? fail(
              error.code === 'EACCES' ? 'ownUse.portDenied' : 'ownUse.portTaken',
              { port, host: HOST },
              { cause: error },
            )
          : error,
      ),
    )
    server.listen(port, HOST, resolve)
  })
  return { server, port: (server.address() as AddressInfo).port }
}
