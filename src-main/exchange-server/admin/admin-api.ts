/**
 * The owner's side over HTTP, under /admin with the admin token as Bearer: keys, checks, the virtual clock, the
 * practice buyer.
 */
import { Hono } from 'hono'
import { z } from 'zod'

import { fail } from '#contract/errors.ts'
import { nano, NANO_LIMIT } from '#contract/money.ts'
import { PUBLIC_KEY_PATTERN } from '#contract/ids.ts'
import { sameSecret } from '#lib/canonical.ts'
import { invalid, keyRefused } from '#lib/openai-error.ts'

import { readJson } from '../buy/buyer-body.ts'
import { createBuyer, DEFAULT_CREDIT } from '../buy/buyers.ts'
import { bearerOf } from '../buy/buyers-api.ts'
import type { PracticeBuyer } from '../buy/practice-buyer.ts'
import type { VirtualClock } from '../exchange-clocks.ts'
import type { ExchangeContext } from '../exchange-context.ts'
import { LIMITS } from '../exchange-limits.ts'
import { callWindow } from '../store/calls.store.ts'
import { countJobs } from '../store/buyer-jobs.store.ts'
import { examsOf } from '../store/supplier-exams.store.ts'
import { checkExchangeFile } from './exchange-check.ts'
import { receiptPage, supplierView } from './supplier-view.ts'

const ADVANCE_MAX_MS = 366 * 86_400_000
const WINDOW_MS = 86_400_000
const buyerKeyBody = z.strictObject({
  name: z.string().min(1).max(80).default('buyer'),
  creditNano: z.number().int().min(0).max(NANO_LIMIT).default(DEFAULT_CREDIT),
})
const clockBody = z.strictObject({ advanceMs: z.number().int().min(0).max(ADVANCE_MAX_MS) })
const practiceBody = z.strictObject({ enabled: z.boolean() })

export interface AdminApiDeps {
  context: ExchangeContext
  token: string
  practiceBuyer: PracticeBuyer
  /** Null when the clock is the real one. */
  virtual: VirtualClock | null
  /** Moves the virtual clock and releases what became due; returns how many. */
  advance: (ms: number) => number
}

export function adminApi({ context, token, practiceBuyer, virtual, advance }: AdminApiDeps): Hono {
  const app = new Hono()
  app.use('*', async (c, next) => {
    const given = bearerOf(c.req.raw)
    if (given === null || !sameSecret(given, token))
      throw keyRefused(
        'the admin token is missing or wrong; it is in the file admin-token of the exchange folder',
        'invalid_admin_token',
      )
    await next()
  })
  app.post('/buyer-keys', async (c) => {
    const { name, creditNano } = await bodyOf(c.req.raw, buyerKeyBody)
    return c.json(createBuyer(context, { name, creditNano: nano(creditNano) }), 201)
  })
  app.get('/check', async (c) =>
    c.json({
      ...(await checkExchangeFile(context.db.path, context.books, context.key.publicKey, { signal: c.req.raw.signal })),
      jobs: countJobs(context.db.read),
    }),
  )
  app.post('/clock', async (c) => {
    if (virtual === null)
      throw invalid(
        'this exchange runs on the real clock; only one started with a virtual clock can be moved',
        null,
        'real_clock',
      )
    const { advanceMs } = await bodyOf(c.req.raw, clockBody)
    const released = advance(advanceMs)
    return c.json({ now: virtual.now(), released })
  })
  app.post('/practice-buyer', async (c) => {
    practiceBuyer.setEnabled((await bodyOf(c.req.raw, practiceBody)).enabled)
    return c.json({ enabled: practiceBuyer.enabled })
  })
  supplierRoutes(app, context)
  return app
}

/** What the exchange knows of one supplier, and its chain of receipts page by page. */
function supplierRoutes(app: Hono, context: ExchangeContext): void {
  app.get('/supplier/:key', (c) => {
    const key = keyOf(c.req.param('key'))
    const view = supplierView(context.db.read, context.books, key)
    if (view === null) throw fail('exchange.supplierUnknown')
    const from = context.clock.now() - WINDOW_MS
    const windows = [...context.specs.keys()].map((instrument) => ({
      instrument,
      from,
      ...callWindow(context.db.read, key, instrument, from),
    }))
    const exams = examsOf(context.db.read, key).map(
      ({ examId, instrument, state, attempt, startedAt, endedAt, validUntil }) => ({
        examId,
        instrument,
        state,
        attempt,
        startedAt,
        endedAt,
        validUntil,
      }),
    )
    return c.json({ ...view, windows, exams })
  })
  app.get('/receipts/:key', (c) => {
    const after = Number(c.req.query('after') ?? 0)
    if (!Number.isSafeInteger(after) || after < 0) throw invalid('after is a receipt number, 0 or above', 'after')
    return c.json(receiptPage(context.db.read, keyOf(c.req.param('key')), after))
  })
}

function keyOf(text: string): string {
  if (!PUBLIC_KEY_PATTERN.test(text)) throw fail('exchange.supplierKey')
  return text
}

async function bodyOf<T>(request: Request, schema: z.ZodType<T>): Promise<T> {
  const parsed = schema.safeParse(await readJson(request, LIMITS.adminBodyBytes))
  if (!parsed.success)
    throw invalid(
      `the body is not valid: ${parsed.error.issues[0]?.path.join('.') ?? ''} ${parsed.error.issues[0]?.message ?? ''}`,
    )
  return parsed.data
}
