/**
 * Calls of real OpenAI clients with their default retries, each by a buyer of its own, so that what a call cost is what
 * that buyer paid and did not get back.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import OpenAI from 'openai'

import { until } from '#cli/demo/demo-loop.ts'
import { openDb } from '#db/open.ts'
import { exchangeMigrations } from '#exchange-server/exchange-db/index.ts'

const KEY_WITHIN_MS = 120_000
/** An exchange that is stopped answers nothing for so long. */
const KEY_ANSWER_MS = 45_000

export interface Call {
  buyerId: string
  kind: 'plain' | 'streamed' | 'keyed'
  /** The client has the whole answer. */
  answered: boolean
  error: string
}

export interface CallsOptions {
  /** The exchange's own folder. */
  exchangeDir: string
  /** Asked for every key; undefined while it is down. */
  exchangeUrl: () => string | undefined
  model: string
  /** As long as OpenAI's client waits when left out, ms. */
  timeoutMs?: number
}

/** A key of a new buyer; asked again while the exchange is down. */
const newBuyer = ({ exchangeDir, exchangeUrl }: CallsOptions): Promise<{ buyerId: string; key: string }> =>
  until(
    'a buyer’s key',
    async () => {
      const url = exchangeUrl()
      if (url === undefined) return null
      const token = readFileSync(join(exchangeDir, 'admin-token'), 'utf8').trim()
      const response = await fetch(`${url}/admin/buyer-keys`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: '{}',
        signal: AbortSignal.timeout(KEY_ANSWER_MS),
      }).catch(() => null)
      return response?.ok === true ? ((await response.json()) as { buyerId: string; key: string }) : null
    },
    KEY_WITHIN_MS,
  )

/** One call as an application makes it: the client of the registry, its own retries, little set but address and key. */
export async function buy(index: number, baseURL: () => string, options: CallsOptions): Promise<Call> {
  const { buyerId, key } = await newBuyer(options)
  const kind = (['plain', 'streamed', 'keyed', 'streamed'] as const)[index % 4]!
  const timeout = options.timeoutMs === undefined ? {} : { timeout: options.timeoutMs }
  const client = new OpenAI({ apiKey: key, baseURL: baseURL(), ...timeout })
  const request = {
    model: options.model,
    messages: [{ role: 'user' as const, content: `Say it, ${index}.` }],
    max_tokens: 24,
  }
  try {
    let finish: string | null = null
    if (kind === 'streamed')
      for await (const chunk of await client.chat.completions.create({ ...request, stream: true }))
        finish = chunk.choices[0]?.finish_reason ?? finish
    else {
      const headers = kind === 'keyed' ? { 'Idempotency-Key': `call-${index}` } : {}
      const answer = await client.chat.completions.create(request, { headers })
      finish = answer.choices[0]!.finish_reason
    }
    return { buyerId, kind, answered: finish !== null, error: '' }
  } catch (error) {
    return { buyerId, kind, answered: false, error: (error as Error).constructor.name }
  }
}

/** Of each buyer: jobs with a receipt that costs, and those of them that were not paid back. */
function billsOf(exchangeDir: string): Map<string, { receipts: number; paid: number }> {
  const db = openDb({ path: join(exchangeDir, 'exchange.db'), migrations: exchangeMigrations, readOnly: true })
  try {
    const rows = db.read
      .prepare<{ buyer: string; receipts: number; paid: number }>(
        `SELECT j.buyer_id AS buyer, count(*) AS receipts, count(*) FILTER (WHERE f.job_id IS NULL) AS paid
         FROM receipts r JOIN jobs j ON j.job_id = r.job_id LEFT JOIN refunds f ON f.job_id = r.job_id
         WHERE r.gross_nano > 0 GROUP BY j.buyer_id`,
      )
      .all()
    return new Map(rows.map(({ buyer, ...bills }) => [buyer, bills]))
  } finally {
    db.close()
  }
}

export interface BilledCalls {
  calls: number
  answered: number
  billedTwice: number
  billedWithError: number
  /** Paid back though they were answered. */
  answeredFree: number
  /** Answered whole, and the seller never got a receipt: its claim is lost. */
  answeredUnclaimed: number
}

/** What the exchange's books say about calls that are over. */
export function billedCalls(calls: readonly Call[], exchangeDir: string): BilledCalls {
  const bills = billsOf(exchangeDir)
  const of = (call: Call): number => bills.get(call.buyerId)?.paid ?? 0
  const count = (holds: (call: Call) => boolean): number => calls.filter(holds).length
  return {
    calls: calls.length,
    answered: count(({ answered }) => answered),
    billedTwice: count((call) => of(call) > 1),
    billedWithError: count((call) => !call.answered && of(call) > 0),
    answeredFree: count((call) => call.answered && of(call) === 0),
    answeredUnclaimed: count(({ answered, buyerId }) => answered && !bills.has(buyerId)),
  }
}

/** `atOnce` buyers that buy one call after the other until stopped. */
export function keepCalling(
  atOnce: number,
  baseURL: () => string,
  options: CallsOptions,
): { calls: readonly Call[]; stop(): Promise<void> } {
  const calls: Call[] = []
  const stopping = new AbortController()
  let next = 0
  const buying = Array.from({ length: atOnce }, async () => {
    while (!stopping.signal.aborted) {
      next += 1
      calls.push(await buy(next, baseURL, options))
    }
  })
  return {
    calls,
    async stop() {
      stopping.abort()
      await Promise.all(buying)
    },
  }
}
