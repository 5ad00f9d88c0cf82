/**
 * Faults of a schedule that need a folder of their own: kills of a migration and of a restore. After each, the owner's
 * next start comes up, the books hold, and nothing half made is left.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, readdirSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'

import { auditRig } from '#cli/audit/audit.ts'
import { until } from '#cli/demo/demo-loop.ts'
import { makeBackup } from '#core/backup/make-backup.store.ts'
import { stagedFolder } from '#core/backup/restore-journal.ts'
import { startRig } from '#test/support/rig.ts'

import { writeEarlierFolder } from '../../tools/earlier-folder.ts'
import { plain, writeFolder } from '../core/backup/backup-folder.ts'
import type { Fault } from './fault-schedule.ts'

const MAIN = resolve(import.meta.dirname, '../../src-main/cli/main.ts')
const MIGRATE = resolve(import.meta.dirname, 'migrate-folder.ts')
const AGREED_MS = 90_000
/** Whoever is quicker than the kill has not been killed. */
const TRIES = 6
/** Jobs of what a restore replaces. */
const OTHER_JOBS = 25

/** Names below `dir` that only a half-made thing has. */
export const halves = (dir: string): string[] =>
  readdirSync(dir, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /\.tmp$|\.partial|restoring\.json|backup-running/.test(name),
  )

export interface SideFolders {
  suffer(fault: Extract<Fault, { kind: 'migration' | 'restore' }>): Promise<string>
}

/** Starts a rig on `dir`, waits for books that agree, ends it; the receipts that both sides have. */
async function receiptsAfterStart(dir: string): Promise<number> {
  const rig = await startRig({ dir, args: ['--no-practice-buyer'] })
  await until('books that agree', () => agrees(dir) || null, AGREED_MS).catch(() => undefined)
  const code = await rig.stop()
  if (code !== 0) throw new Error(`a start after the fault ended with ${code}: ${rig.stderr()}`)
  const { problems, ours, ahead, notCompared } = auditRig(dir)
  if (!agrees(dir)) throw new Error(`after the fault: ${JSON.stringify({ problems, notCompared, ours, ahead })}`)
  const left = halves(dir)
  if (left.length > 0) throw new Error(`left behind: ${left.join()}`)
  return ours.receipts
}

function agrees(dir: string): boolean {
  const { ok, ours, ahead } = auditRig(dir)
  return ok && ours.open === 0 && ahead?.receipts === 0 && ahead.releases === 0
}

/** Runs the migration, killed `laterMs` after its line `at`; its lines, and whether it came to its end. */
async function migrate(dir: string, at: number, laterMs: number): Promise<{ lines: number; done: boolean }> {
  const child = spawn(process.execPath, [MIGRATE, dir], { stdio: ['ignore', 'pipe', 'inherit'] })
  const exit = once(child, 'exit')
  let [lines, done] = [0, false]
  for await (const line of createInterface({ input: child.stdout })) {
    done ||= line === 'done'
    if (lines === at) void sleep(laterMs).then(() => child.kill('SIGKILL'))
    lines += 1
  }
  await exit
  return { lines, done }
}

/** Runs `stoker restore`, killed `afterMs` after it began to write; how long it wrote, and whether it came to its end. */
async function restore(dir: string, copies: string, afterMs: number): Promise<{ tookMs: number; done: boolean }> {
  const child = spawn(process.execPath, [MAIN, 'restore', copies, '--data', dir, '--yes', '--json'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const exit = once(child, 'exit')
  let done = false
  child.stdout.once('data', () => (done = true))
  const ended = (): boolean => child.exitCode !== null || child.signalCode !== null
  while (!existsSync(stagedFolder(dir)) && !ended()) await sleep(1)
  const from = performance.now()
  if (Number.isFinite(afterMs)) {
    await sleep(afterMs)
    child.kill('SIGKILL')
  }
  if (!ended()) await exit
  return { tookMs: performance.now() - from, done }
}

/** `folder` gets a folder of an earlier version, one of this version, copies of it, and what the faults befall. */
export async function sideFolders(folder: string, jobs: number): Promise<SideFolders> {
  const [earlier, other, copied, copies, side] = ['earlier', 'other', 'copied', 'copies', 'side'].map((name) =>
    join(folder, name),
  ) as [string, string, string, string, string]
  writeEarlierFolder(earlier, jobs)
  await writeFolder(other, OTHER_JOBS)
  await writeFolder(copied, jobs)
  await makeBackup({ ...plain, dataDir: copied, folder: copies })
  const fresh = (from: string): void => {
    rmSync(side, { recursive: true, force: true })
    cpSync(from, side, { recursive: true })
  }
  fresh(earlier)
  const { lines } = await migrate(side, Infinity, 0)
  fresh(other)
  const { tookMs } = await restore(side, copies, Infinity)
  const killed = async (from: string, run: (nth: number) => Promise<boolean>): Promise<void> => {
    for (let nth = 1; nth <= TRIES; nth += 1) {
      fresh(from)
      if (!(await run(nth))) return
    }
    throw new Error(`came to its end before each of ${TRIES} kills`)
  }
  return {
    async suffer(fault) {
      if (fault.kind === 'migration') {
        const at = Math.floor(fault.share * (lines - 1))
        await killed(earlier, async (nth) => (await migrate(side, at, fault.laterMs / nth)).done)
        const receipts = await receiptsAfterStart(side)
        if (receipts !== jobs) throw new Error(`${receipts} receipts of ${jobs} after a killed migration`)
        return `killed at line ${at + 1} of ${lines}`
      }
      await killed(other, async (nth) => (await restore(side, copies, (fault.share * tookMs) / nth)).done)
      const receipts = await receiptsAfterStart(side)
      if (receipts !== jobs && receipts !== OTHER_JOBS)
        throw new Error(`${receipts} receipts after a killed restore: neither what was there nor the copy`)
      return receipts === jobs ? 'killed, and the copy is there' : 'killed, and all is as before'
    },
  }
}
