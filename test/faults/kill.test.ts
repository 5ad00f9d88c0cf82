/** kill -9 of each process while jobs run: afterwards both books hold, agree, and have lost or doubled nothing. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { auditRig, type RigAudit } from '#cli/audit/audit.ts'
import { until } from '#cli/demo/demo-loop.ts'
import { startBuyers, type Buyers } from '#test/support/buyers.ts'
import { temporaryFolder } from '#test/support/folder.ts'
import { seeded } from '#test/support/hostile.ts'
import { listNano } from '#test/support/listed-rig.ts'
import { hostOf, isAlive } from '#test/support/processes.ts'
import { startRig, stoker, type Rig } from '#test/support/rig.ts'

import { ROUNDS, SUITE_MS } from './counts.ts'

const AT_ONCE = 4
const RECOVERY_MS = 60_000
const folder = temporaryFolder()
const random = seeded(7)
let rig: Rig
let key: string
let buyers: Buyers
/**
 * Receipts there were when these buyers began, with nothing on its way: an audit while they buy would count answers
 * they have not noticed yet.
 */
let receiptsAtStart = 0

/** An attempt turns a good model away one time in twenty; two attempts in a row, one in 400. */
async function listed(): Promise<void> {
  await listNano(rig.client, { slots: 2 }).catch(() => listNano(rig.client, { slots: 2 }))
}

beforeAll(async () => {
  rig = await startRig({ dir: folder.path, args: ['--no-practice-buyer'] })
  key = (await stoker(['buyer-key', '--data', folder.path])).stdout.trim()
  await listed()
  buyers = startBuyers({ exchangeUrl: () => rig.exchangeUrl, key, atOnce: AT_ONCE, seed: 'faults' })
  await buyers.more(2)
}, SUITE_MS)

afterAll(async () => {
  await buyers.stop()
  await rig.stop()
  folder.remove()
}, 180_000)

/** Kills `pid` once some deltas have arrived, so that jobs are in the middle. */
async function killMidJob(pid: number): Promise<void> {
  await buyers.deltas(1 + Math.floor(random() * 12))
  process.kill(pid, 'SIGKILL')
}

/** Stops buying, waits until nothing is on its way, audits, and buys on. */
async function auditAtRest(): Promise<RigAudit> {
  await buyers.more(AT_ONCE)
  await buyers.stop()
  const finished = buyers.finished()
  const after = await until(
    'both sides to agree',
    () => {
      const now = auditRig(folder.path)
      return now.ours.open === 0 && now.ahead?.receipts === 0 && now.ahead.releases === 0 ? now : null
    },
    RECOVERY_MS,
  ).catch(() => auditRig(folder.path))
  expect(after.problems).toEqual([])
  expect({ open: after.ours.open, ahead: after.ahead }).toEqual({ open: 0, ahead: { receipts: 0, releases: 0 } })
  // Every answer a buyer got whole was paid for exactly once; one whose end was lost on the way may have been paid for
  // too.
  expect(after.ours.receipts - receiptsAtStart).toBeGreaterThanOrEqual(finished)
  expect(after.ours.receipts - receiptsAtStart).toBeLessThanOrEqual(finished + buyers.failed())
  receiptsAtStart = after.ours.receipts
  buyers = startBuyers({
    exchangeUrl: () => rig.exchangeUrl,
    key,
    atOnce: AT_ONCE,
    seed: `faults-${after.ours.receipts}`,
  })
  return after
}

/**
 * Runs the rounds of one victim, each audited; returns what the last audit finds. `kill` returns when it was killed
 * and, where that is the test's job, started again.
 */
async function rounds(kill: () => Promise<void>): Promise<string[]> {
  for (let round = 0; round < ROUNDS; round += 1) {
    await kill()
    await auditAtRest()
  }
  return auditRig(folder.path).problems
}

describe(`kill -9 in the middle of jobs, ${ROUNDS} times each`, () => {
  it(
    'of the engine host: its jobs fail, it comes back by itself',
    async () => {
      const problems = await rounds(async () => {
        const { pid } = await until('the engine host', () => hostOf(rig.pid, 'engine') ?? null, RECOVERY_MS)
        await killMidJob(pid)
        await until(
          'another engine host',
          () => ((hostOf(rig.pid, 'engine')?.pid ?? pid) === pid ? null : true),
          RECOVERY_MS,
        )
      })
      expect(problems).toEqual([])
    },
    SUITE_MS,
  )

  it(
    'of the exchange host: it comes back at the same address',
    async () => {
      const problems = await rounds(async () => {
        const { pid } = await until('the exchange host', () => hostOf(rig.pid, 'exchange') ?? null, RECOVERY_MS)
        await killMidJob(pid)
        await until(
          'another exchange host',
          () => ((hostOf(rig.pid, 'exchange')?.pid ?? pid) === pid ? null : true),
          RECOVERY_MS,
        )
      })
      expect(problems).toEqual([])
    },
    SUITE_MS,
  )

  it(
    'of the core: no child outlives it, and a new start picks everything up',
    async () => {
      const problems = await rounds(async () => {
        const children = [hostOf(rig.pid, 'engine'), hostOf(rig.pid, 'exchange')].flatMap((child) =>
          child === undefined ? [] : [child.pid],
        )
        expect(children).toHaveLength(2)
        await killMidJob(rig.pid)
        await until('its children to end', () => (children.some(isAlive) ? null : true), RECOVERY_MS)
        rig = await startRig({ dir: folder.path, args: ['--no-practice-buyer'] })
      })
      expect(problems).toEqual([])
    },
    SUITE_MS,
  )
})
