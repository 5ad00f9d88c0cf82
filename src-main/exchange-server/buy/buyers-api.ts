/** The buyers' side over HTTP: OpenAI's chat completions and models, Bearer keys only. */
import type { HttpBindings } from '@hono/node-server'
import { Hono, type Context } from 'hono'

import type { GradeSpec } from '#contract/grades.ts'
import { jsonObjectOf } from '#lib/json-body.ts'

import { LIMITS } from '../exchange-limits.ts'
import { buyerOfKey, type Buyer } from '../store/buyers.store.ts'
import { buyerBalance } from './buyer-balance.ts'
import { readBody } from './buyer-body.ts'
import { parseChat } from './buyer-chat-request.ts'
import { complete, fetchAgain, type BuyerConnection, type CompletionDeps } from './completions.ts'
import { badKey, unknownModel } from './buyer-errors.ts'
import { callIdentities } from './idempotency.ts'

const KEY_CHARS_MAX = 200

export const bearerOf = (request: Request): string | null =>
  /^Bearer ([\x21-\x7e]+)$/i.exec(request.headers.get('authorization') ?? '')?.[1] ?? null

/** The response of node below; whole once node says that the system has all of it. */
function connectionOf({ req, env }: Context): BuyerConnection {
  const { outgoing } = env as Partial<HttpBindings>
  const socket = outgoing?.socket ?? null
  return {
    signal: req.raw.signal,
    onSent: (work) =>
      void outgoing?.once('finish', () => {
        if ((socket?.errored ?? null) === null) work()
      }),
  }
}

export function buyersApi(deps: CompletionDeps, startedAt: number): Hono {
  const { context } = deps
  const app = new Hono()
  const identify = callIdentities(context.key)
  const buyer = (request: Request): Buyer => {
    const key = bearerOf(request)
    const found = key === null || key.length > KEY_CHARS_MAX ? null : buyerOfKey(context.db.read, key)
    if (found === null) throw badKey()
    return found
  }
  const model = (spec: GradeSpec): object => ({
    id: spec.instrument,
    object: 'model',
    created: Math.floor(startedAt / 1_000),
    owned_by: `stoker-${context.terms.realm}`,
    title: spec.title,
    version: spec.version,
    context_window: spec.limits.contextTokens,
    max_output_tokens: spec.limits.outputTokens,
    provisional: spec.provisional,
  })
  app.get('/v1/models', (c) => {
    buyer(c.req.raw)
    return c.json({ object: 'list', data: [...context.specs.values()].map(model) })
  })
  app.get('/v1/models/:id{.+}', (c) => {
    buyer(c.req.raw)
    const id = c.req.param('id')
    const spec = context.specs.get(id)
    if (spec === undefined) throw unknownModel(id)
    return c.json(model(spec))
  })
  app.post('/v1/chat/completions', async (c) => {
    const { buyerId } = buyer(c.req.raw)
    const body = await readBody(c.req.raw, LIMITS.bodyBytes)
    const identity = identify(buyerId, c.req.raw.headers, body)
    return complete(deps, { buyerId, identity, chat: parseChat(jsonObjectOf(body), context.specs) }, connectionOf(c))
  })
  app.get('/v1/chat/completions/:id', (c) =>
    fetchAgain(deps, { ...buyer(c.req.raw), id: c.req.param('id') }, connectionOf(c)),
  )
  app.get('/v1/balance', (c) => c.json(buyerBalance(context, buyer(c.req.raw).buyerId)))
  return app
}
