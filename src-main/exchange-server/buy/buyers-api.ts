/** The buyers' side over HTTP: OpenAI's chat completions and models, Bearer keys only. */
import { Hono } from 'hono'

import type { GradeSpec } from '#contract/grades.ts'

import type { ExchangeContext } from '../exchange-context.ts'
import type { Router } from '../jobs/router.ts'
import { LIMITS } from '../exchange-limits.ts'
import { buyerOfKey, type Buyer } from '../store/buyers.store.ts'
import { readJson } from './buyer-body.ts'
import { parseChat } from './buyer-chat-request.ts'
import { complete } from './completions.ts'
import { badKey, unknownModel } from './buyer-errors.ts'

const KEY_CHARS_MAX = 200

export const bearerOf = (request: Request): string | null =>
  /^Bearer ([\x21-\x7e]+)$/i.exec(request.headers.get('authorization') ?? '')?.[1] ?? null

export function buyersApi(context: ExchangeContext, router: Router, startedAt: number): Hono {
  const app = new Hono()
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
    const chat = parseChat(await readJson(c.req.raw, LIMITS.bodyBytes), context.specs)
    return complete(context, router, buyerId, chat, c.req.raw.signal)
  })
  return app
}
