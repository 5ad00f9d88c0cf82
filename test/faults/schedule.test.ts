/**
 * Faults of a seeded schedule befall a rig of real processes that sells to real OpenAI clients: kills, stops of 1 to 40 s,
 * kills in a start, at the commit of a receipt, in a migration and in a restore, two within 100 ms. Afterwards both
 * ledgers are equal to the nano-unit, no claim is open, no call was billed that its buyer did not get and was not paid
 * back, and nothing half made and no process is left.
 */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import Database from 'better-sqlite3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { auditRig, type RigAudit } from '#cli/audit/audit.ts'
import { until } from '#cli/demo/demo-loop.ts'
import { temporaryFolder } from '#test/support/folder.ts'
import { listNano } from '#test/support/listed-rig.ts'
import { isAlive } from '#test/support/processes.ts'

import { SCHEDULE, SUITE_MS } from './counts.ts'
import { faultSchedule, type Fault } from './fault-schedule.ts'
import { FaultyRig } from './faulty-rig.ts'
import { halves, sideFolders, type SideFolders } from './side-folders.ts'
import { billedCalls, keepCalling } from './single-calls.ts'

const NANO = 'practice/text-nano'
const AT_ONCE = 3
const RECOVERY_MS = 180_000
/** A call that waits for a stopped process is not given up before it goes on. */
const CALL_MS = 120_000
/** What no fault may change. */
const UNHARMED = {
  billedTwice: 0,
  billedWithError: 0,
  answeredUnclaimed: 0,
  problems: [],
  ahead: { receipts: 0, releases: 0 },
  open: 0,
  left: [],
  halves: [],
  unmeant: [],
  code: 0,
}
const folder = temporaryFolder()
const schedule = faultSchedule(SCHEDULE).slice(SCHEDULE.from - 1)
let faulty: FaultyRig
let sides: SideFolders

beforeAll(async () => {
  sides = await sideFolders(folder.path, SCHEDULE.sideJobs)
  faulty = await FaultyRig.start(folder.path)
  const { client } = faulty.rig
  // An attempt turns a good model away one time in twenty.
  await listNano(client, { slots: 2 }).catch(() => listNano(client, { slots: 2 }))
}, SUITE_MS)

afterAll(async () => {
  await faulty?.rig.stop()
  folder.remove()
}, 180_000)

const agreed = ({ problems, notCompared, ours, ahead }: RigAudit): boolean =>
  problems.length + notCompared.length + ours.open === 0 && ahead?.receipts === 0 && ahead.releases === 0

/** Jobs of the seller by what became of them, straight from its file. */
function jobsByState(dir: string): Record<string, number> {
  const db = new Database(join(dir, 'practice.db'), { readonly: true })
  try {
    const rows = db
      .prepare<[], { state: string; n: number }>('SELECT state, count(*) AS n FROM jobs GROUP BY state ORDER BY state')
      .all()
    return Object.fromEntries(rows.map(({ state, n }) => [state, n]))
  } finally {
    db.close()
  }
}

async function sufferAll(): Promise<Record<string, number>> {
  const outcomes: Record<string, number> = {}
  for (const fault of schedule) {
    await sleep(fault.waitMs)
    const from = performance.now()
    const outcome = await suffer(fault).catch((error: unknown) => {
      throw new Error(`seed ${SCHEDULE.seed}, fault ${JSON.stringify(fault)}`, { cause: error })
    })
    const said = `${fault.kind}: ${outcome.replace(/\d+ of \d+/, 'N')}`
    outcomes[said] = (outcomes[said] ?? 0) + 1
    if (SCHEDULE.isTold) console.log(`${JSON.stringify(fault)}: ${outcome}, ${Math.round(performance.now() - from)} ms`)
  }
  return outcomes
}

const suffer = (fault: Fault): Promise<string> =>
  fault.kind === 'migration' || fault.kind === 'restore' ? sides.suffer(fault) : faulty.suffer(fault)

describe.skipIf(process.platform === 'win32')(
  `faults ${SCHEDULE.from} to ${SCHEDULE.faults} of the schedule ${SCHEDULE.seed}`,
  () => {
    it(
      'leave both ledgers equal, no claim lost, no call billed for nothing, no process and nothing half made',
      async () => {
        console.log(
          `seed ${SCHEDULE.seed}: npm run test:faults -- --seed ${SCHEDULE.seed} --faults ${SCHEDULE.faults} --from ${SCHEDULE.from}`,
        )
        const { dir } = faulty
        const exchangeUrl = (): string => faulty.exchangeUrl
        const options = { exchangeDir: join(dir, 'exchange'), exchangeUrl, model: NANO, timeoutMs: CALL_MS }
        const { calls, stop } = keepCalling(AT_ONCE, () => `${exchangeUrl()}/v1`, options)
        let outcomes: Record<string, number>
        try {
          outcomes = await sufferAll()
        } finally {
          await stop()
        }
        const before = calls.length
        const last = keepCalling(1, () => `${exchangeUrl()}/v1`, options)
        await until('a sale after all of them', () => last.calls.some(({ answered }) => answered) || null, RECOVERY_MS)
        await last.stop()
        await until('both sides to agree', () => agreed(auditRig(dir)) || null, RECOVERY_MS).catch(() => undefined)
        const ended = { unmeant: faulty.unmeant, code: await faulty.rig.stop() }
        const after = auditRig(dir)
        const found = {
          seed: SCHEDULE.seed,
          faults: schedule.length,
          outcomes,
          ...billedCalls([...calls, ...last.calls], join(dir, 'exchange')),
          jobs: jobsByState(dir),
          receipts: after.ours.receipts,
          grossNano: after.ours.grossNano,
          problems: after.problems,
          ahead: after.ahead,
          open: after.ours.open,
          left: faulty.left().filter((line) => isAlive(Number.parseInt(line, 10))),
          halves: halves(dir),
          ...ended,
        }
        console.log(JSON.stringify(found))
        expect(before).toBeGreaterThan(0)
        expect(found).toMatchObject(UNHARMED)
        expect(agreed(after)).toBe(true)
        // No claim waits for ever, and none is settled without its receipt.
        expect(found.jobs['settled'] ?? 0).toBe(after.ours.receipts)
        expect([found.jobs['claimed'] ?? 0, found.jobs['running'] ?? 0]).toEqual([0, 0])
        expect(Object.values(outcomes).reduce((sum, count) => sum + count, 0)).toBe(schedule.length)
      },
      SUITE_MS,
    )
  },
)
