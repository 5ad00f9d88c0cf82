/**
 * kill -9 in the middle of a backup and of a restore, at seeded moments: what is called a copy is whole, the folder is as
 * it was or as it was to be, no money is lost, and the next start leaves nothing half made behind.
 */
import { spawn } from 'node:child_process'
import { cpSync, existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { auditRig } from '#cli/audit/audit.ts'
import { isCopyName } from '#core/backup/copy-names.ts'
import { makeBackup } from '#core/backup/make-backup.store.ts'
import { sweepPartialBackups } from '#core/backup/partial-copies.ts'
import { readManifest } from '#core/backup/manifest.ts'
import { prepareDatabases } from '#core/core.ts'
import { openSellerKey } from '#core/identity/index.ts'
import { systemClock } from '#lib/system-clock.ts'
import { temporaryFolder } from '#test/support/folder.ts'
import { seeded } from '#test/support/hostile.ts'

import { plain, writeFolder } from '../core/backup/backup-folder.ts'
import { COPIED_JOBS, COPY_KILLS, SUITE_MS } from './counts.ts'

const folder = temporaryFolder()
const [data, copies, pristine] = ['data', 'copies', 'pristine'].map((name) => join(folder.path, name)) as [
  string,
  string,
  string,
]
/** What the folder holds that a restore replaces. */
const OTHER_JOBS = 25
const random = seeded(62)
const ENTRY = fileURLToPath(new URL('copy-folder.ts', import.meta.url))

/** Runs it; `onLine` may kill it. True when it came to its end. */
async function run(what: string, other: string, onLine: (kill: () => void, seen: number) => void): Promise<boolean> {
  const child = spawn(process.execPath, [ENTRY, what, data, other], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  let [done, seen] = [false, 0]
  for await (const line of createInterface({ input: child.stdout })) {
    done ||= line === 'done'
    onLine(() => void child.kill('SIGKILL'), seen)
    seen += 1
  }
  await ended
  return done
}

/** Rounds until so many were really killed; `look` sees the folder after each, killed or not. */
async function killed(
  what: string,
  other: string,
  lines: number,
  look: (done: boolean) => Promise<void>,
): Promise<number> {
  let kills = 0
  for (let round = 0; kills < COPY_KILLS && round < COPY_KILLS * 5; round += 1) {
    const at = Math.floor(random() * lines)
    const laterMs = Math.floor(random() * 25)
    const done = await run(what, other, (kill, seen) => {
      if (seen === at) void sleep(laterMs).then(kill)
    })
    if (!done) kills += 1
    await look(done)
  }
  return kills
}

const halves = (path: string): string[] =>
  readdirSync(path, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /\.tmp$|\.partial|restoring\.json|backup-running/.test(name),
  )
/** What the owner's next start does before it opens anything. */
async function nextStart(): Promise<void> {
  await prepareDatabases(data, () => undefined)
  sweepPartialBackups(data, join(data, 'backups'))
  openSellerKey(data, systemClock)
}
const audited = (path: string) => {
  const { ok, problems, ours, ahead } = auditRig(path)
  return { ok, problems, receipts: ours.receipts, ahead }
}
const whole = (receipts: number) => ({ ok: true, problems: [], receipts, ahead: { receipts: 0, releases: 0 } })

beforeAll(async () => {
  await writeFolder(data, COPIED_JOBS)
  cpSync(data, pristine, { recursive: true })
}, SUITE_MS)
afterAll(() => folder.remove())

describe(`a folder of ${COPIED_JOBS} jobs`, () => {
  it(
    `is backed up under ${COPY_KILLS} kills: a name means a whole copy`,
    async () => {
      let lines = 0
      expect(await run('backup', copies, () => (lines += 1))).toBe(true)
      let seen = 1
      const kills = await killed('backup', copies, lines, async (done) => {
        const names = readdirSync(copies).filter(isCopyName)
        expect([0, 1]).toContain(names.length - seen)
        if (done) expect(names).toHaveLength(seen + 1)
        seen = names.length
        const newest = join(copies, names.toSorted().at(-1)!)
        expect(readManifest(newest).files).toHaveLength(6)
        expect(audited(newest)).toEqual(whole(COPIED_JOBS))
        await nextStart()
        expect([halves(copies), halves(data)]).toEqual([[], []])
      })
      expect(kills).toBe(COPY_KILLS)
      expect(audited(data)).toEqual(whole(COPIED_JOBS))
    },
    SUITE_MS,
  )

  it(
    `is restored under ${COPY_KILLS} kills: all of it is as before, or all of it as in the copy`,
    async () => {
      rmSync(copies, { recursive: true, force: true })
      const { path } = await makeBackup({ ...plain, dataDir: pristine, folder: copies })
      const other = join(folder.path, 'other')
      await writeFolder(other, OTHER_JOBS)
      const fresh = (): void => {
        rmSync(data, { recursive: true, force: true })
        cpSync(other, data, { recursive: true })
      }
      fresh()
      let lines = 0
      expect(await run('restore', path, () => (lines += 1))).toBe(true)
      fresh()
      const outcomes = new Set<number>()
      const kills = await killed('restore', path, lines, async (done) => {
        await nextStart()
        const { receipts } = audited(data)
        outcomes.add(receipts)
        expect(audited(data)).toEqual(whole(receipts))
        expect(done ? [COPIED_JOBS] : [OTHER_JOBS, COPIED_JOBS]).toContain(receipts)
        expect(halves(data)).toEqual([])
        // What was there is kept, whole.
        const aside = readdirSync(data).find((name) => name.startsWith('before-restore-'))
        expect(aside === undefined).toBe(receipts === OTHER_JOBS)
        if (aside !== undefined) expect(audited(join(data, aside))).toEqual(whole(OTHER_JOBS))
        fresh()
      })
      expect(kills).toBe(COPY_KILLS)
      expect(outcomes.has(OTHER_JOBS)).toBe(true)
      expect(existsSync(path)).toBe(true)
    },
    SUITE_MS,
  )
})
