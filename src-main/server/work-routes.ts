/** Doors for work: the contract over HTTP for programs, and uploads. */
import { RPCHandler } from '@orpc/server/fetch'
import type { Hono } from 'hono'

import { ALL_SCOPES } from '#core/os.ts'

import { atMost, refuse, type Env, type HttpDeps } from './http-parts.ts'

const BODY_BYTES_MAX = 4 * 2 ** 20

export function addWorkRoutes(app: Hono<Env>, deps: HttpDeps): void {
  const rpc = new RPCHandler(deps.router)
  app.post('/rpc-http/*', atMost(BODY_BYTES_MAX), async (c) => {
    if (c.get('caller').kind !== 'token')
      return refuse(c, {
        status: 403,
        message: 'This door is for programs with the API token; pages use the WebSocket at /rpc.',
      })
    const { matched, response } = await rpc.handle(c.req.raw, { prefix: '/rpc-http', context: { scopes: ALL_SCOPES } })
    return matched ? response : c.json({ error: { code: 'NOT_FOUND', message: 'There is no such method.' } }, 404)
  })
  app.post('/upload/model', async (c) => {
    const declared = Number(c.req.header('content-length') ?? Number.NaN)
    return c.json(
      await deps.uploads.store(
        c.req.query('name') ?? '',
        c.req.raw.body as never,
        Number.isFinite(declared) ? declared : null,
      ),
    )
  })
}
