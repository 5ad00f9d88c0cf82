/**
 * SIGKILL of the exchange at the commit of a receipt, again and again, while real OpenAI clients buy with their default
 * retries. Catches: a call billed twice, a call billed whose buyer got an error and no refund, books that differ. Every
 * call has a buyer of its own, so that what it cost is what that buyer paid.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { auditRig } from '#cli/audit/audit.ts'
import { until } from '#cli/demo/demo-loop.ts'
import type { Core } from '#core/core.ts'
import { openDb } from '#db/open.ts'
import { exchangeMigrations } from '#exchange-server/exchange-db/index.ts'
import { temporaryFolder } from '#test/support/folder.ts'
import { seeded } from '#test/support/hostile.ts'

import { RECEIPT_KILLS, SUITE_MS } from './counts.ts'
import type { KillPlan } from './kill-at-commit.ts'
import { keepExchange, NANO, openDoor, sellOn, type KeptExchange } from './kept-exchange.ts'

const AT_ONCE = 4
const RECOVERY_MS = 60_000
const SEED = Number(process.env['STOKER_FAULTS_SEED'] ?? 11)
const folder = temporaryFolder()
let exchange: KeptExchange
let core: Core
let door: Awaited<ReturnType<typeof openDoor>>

beforeAll(async () => {
  exchange = await keepExchange(folder.path)
  core = await sellOn(exchange, folder.path)
  door = await openDoor(exchange, core)
}, SUITE_MS)

afterAll(async () => {
  await door?.close()
  await core?.stop()
  await exchange?.stop()
  folder.remove()
}, 180_000)

interface Call {
  buyerId: string
  kind: 'plain' | 'streamed' | 'keyed'
  /** The client has the whole answer. */
  answered: boolean
  error: string
}

/** A key of a new buyer; asked again while the exchange is down. */
const newBuyer = (): Promise<{ buyerId: string; key: string }> =>
  until(
    'a buyer’s key',
    async () => {
      const url = exchange.ready()?.url
      if (url === undefined) return null
      const token = readFileSync(join(exchange.dir, 'admin-token'), 'utf8').trim()
      const response = await fetch(`${url}/admin/buyer-keys`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: '{}',
      }).catch(() => null)
      return response?.ok === true ? ((await response.json()) as { buyerId: string; key: string }) : null
    },
    RECOVERY_MS,
  )

/** One call as an application makes it: the client of the registry, its own retries, nothing set but address and key. */
async function buy(index: number, baseURL: string): Promise<Call> {
  const { buyerId, key } = await newBuyer()
  const kind = (['plain', 'streamed', 'keyed', 'streamed'] as const)[index % 4]!
  const client = new OpenAI({ apiKey: key, baseURL })
  const request = { model: NANO, messages: [{ role: 'user' as const, content: `Say it, ${index}.` }], max_tokens: 24 }
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

/** Jobs that each buyer has paid and not got back. */
function paidBy(): Map<string, number> {
  const db = openDb({ path: join(exchange.dir, 'exchange.db'), migrations: exchangeMigrations, readOnly: true })
  try {
    const hasRefunds = db.read.prepare(`SELECT 1 FROM sqlite_schema WHERE name = 'refunds'`).get() !== undefined
    const rows = db.read
      .prepare<{ buyer: string; paid: number }>(
        `SELECT j.buyer_id AS buyer, count(*) AS paid FROM receipts r JOIN jobs j ON j.job_id = r.job_id
         WHERE r.gross_nano > 0 ${hasRefunds ? 'AND NOT EXISTS (SELECT 1 FROM refunds f WHERE f.job_id = r.job_id)' : ''}
         GROUP BY j.buyer_id`,
      )
      .all()
    return new Map(rows.map(({ buyer, paid }) => [buyer, paid]))
  } finally {
    db.close()
  }
}

describe(`kill -9 of the exchange at the commit of a receipt, ${RECEIPT_KILLS} times`, () => {
  it(
    'bills no call twice, and none that its buyer did not get and was not paid back',
    async () => {
      const random = seeded(SEED)
      const baseURL = `${door.url}/v1`
      const calls: Call[] = []
      const stopping = new AbortController()
      let next = 0
      const buying = Array.from({ length: AT_ONCE }, async () => {
        while (!stopping.signal.aborted) {
          next += 1
          calls.push(await buy(next, baseURL))
        }
      })
      for (let kill = 1; kill <= RECEIPT_KILLS; kill += 1) {
        const draw = random()
        const at = draw < 0.2 ? 'before' : draw < 0.7 ? 'after' : Math.floor(random() * 12)
        const plan: KillPlan = { receipts: 1 + Math.floor(random() * 6), at }
        writeFileSync(exchange.planPath, JSON.stringify(plan))
        await exchange.deaths(kill)
      }
      stopping.abort()
      await Promise.all(buying)
      const after = await until(
        'both sides to agree',
        () => {
          const now = auditRig(folder.path)
          return now.ours.open === 0 && now.ahead?.receipts === 0 ? now : null
        },
        RECOVERY_MS,
      ).catch(() => auditRig(folder.path))
      const paid = paidBy()
      const of = (call: Call): number => paid.get(call.buyerId) ?? 0
      const found = {
        kills: exchange.died(),
        calls: calls.length,
        answered: calls.filter(({ answered }) => answered).length,
        billedTwice: calls.filter((call) => of(call) > 1).length,
        billedWithError: calls.filter((call) => !call.answered && of(call) > 0).length,
        answeredFree: calls.filter((call) => call.answered && of(call) === 0).length,
        problems: after.problems,
      }
      console.log(JSON.stringify(found))
      expect(found).toMatchObject({ kills: RECEIPT_KILLS, billedTwice: 0, billedWithError: 0, problems: [] })
      expect({ open: after.ours.open, ahead: after.ahead?.receipts }).toEqual({ open: 0, ahead: 0 })
      expect(found.answered).toBeGreaterThan(0)
    },
    SUITE_MS,
  )
})
