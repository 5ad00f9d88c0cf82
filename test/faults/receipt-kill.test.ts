/**
 * SIGKILL of the exchange at the commit of a receipt, again and again, while real OpenAI clients buy with their default
 * retries. Catches: a call billed twice, a call billed whose buyer got an error and no refund, books that differ. Every
 * call has a buyer of its own, so that what it cost is what that buyer paid.
 */
import { writeFileSync } from 'node:fs'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { auditRig } from '#cli/audit/audit.ts'
import { until } from '#cli/demo/demo-loop.ts'
import type { Core } from '#core/core.ts'
import { temporaryFolder } from '#test/support/folder.ts'
import { seeded } from '#test/support/hostile.ts'

import { RECEIPT_KILLS, SUITE_MS } from './counts.ts'
import type { KillPlan } from './kill-at-commit.ts'
import { keepExchange, NANO, openDoor, sellOn, type KeptExchange } from './kept-exchange.ts'
import { billedCalls, keepCalling } from './single-calls.ts'

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

describe(`kill -9 of the exchange at the commit of a receipt, ${RECEIPT_KILLS} times`, () => {
  it(
    'bills no call twice, and none that its buyer did not get and was not paid back',
    async () => {
      const random = seeded(SEED)
      const { calls, stop } = keepCalling(AT_ONCE, () => `${door.url}/v1`, {
        exchangeDir: exchange.dir,
        exchangeUrl: () => exchange.ready()?.url,
        model: NANO,
      })
      for (let kill = 1; kill <= RECEIPT_KILLS; kill += 1) {
        const draw = random()
        const at = draw < 0.2 ? 'before' : draw < 0.7 ? 'after' : Math.floor(random() * 12)
        const plan: KillPlan = { receipts: 1 + Math.floor(random() * 6), at }
        writeFileSync(exchange.planPath, JSON.stringify(plan))
        await exchange.deaths(kill)
      }
      await stop()
      const after = await until(
        'both sides to agree',
        () => {
          const now = auditRig(folder.path)
          return now.ours.open === 0 && now.ahead?.receipts === 0 ? now : null
        },
        RECOVERY_MS,
      ).catch(() => auditRig(folder.path))
      const found = {
        kills: exchange.died(),
        ...billedCalls(calls, exchange.dir),
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
