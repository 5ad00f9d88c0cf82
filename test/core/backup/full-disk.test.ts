/** No room for a copy, before it begins and in its middle: words with the figures, and no half copy. Needs root on Linux. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { auditRig } from '#cli/audit/audit.ts'
import type { StokerError } from '#contract/errors.ts'
import { makeBackup } from '#core/backup/make-backup.store.ts'
import { restore } from '#core/backup/restore.store.ts'
import { countingIds } from '#test/support/counting-ids.ts'
import { temporaryFolder } from '#test/support/folder.ts'

import { JOBS, plain, writeFolder } from './backup-folder.ts'

const suite = temporaryFolder()
const dataDir = join(suite.path, 'data')
const disk = mkdtempSync(join(tmpdir(), 'stoker-disk-'))
const run = (command: string, ...args: string[]): boolean => {
  try {
    execFileSync(command, args, { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
const mounted = run('mount', '-t', 'tmpfs', '-o', 'size=80m', 'tmpfs', disk)
/** Leaves so many MiB, or less where somebody else writes meanwhile. */
function fill(left: number): void {
  const { bsize, bavail } = statfsSync(disk)
  try {
    writeFileSync(join(disk, 'ballast'), Buffer.alloc(Math.max(0, bsize * bavail - left * 1_048_576)))
  } catch {
    // As much as there was.
  }
}
const reasonOf = (work: Promise<unknown>) =>
  work.then(
    () => null,
    (error: StokerError) => error.reason,
  )

beforeAll(() => writeFolder(dataDir))
afterAll(() => {
  if (mounted) run('umount', '-l', disk)
  rmSync(disk, { recursive: true, force: true })
  suite.remove()
})

describe.skipIf(!mounted)('a disk of 80 MiB', () => {
  it('that is full refuses a copy before anything is written, with what is needed and what is free', async () => {
    fill(10)
    const folder = join(disk, 'copies')
    const reason = await reasonOf(makeBackup({ ...plain, dataDir, folder }))
    expect(reason).toMatchObject({ code: 'backup.diskFull', params: { path: folder, freeMib: 10 } })
    expect(Number(reason!.params['neededMib'])).toBeGreaterThan(64)
    expect(readdirSync(disk)).toEqual(['ballast'])
    rmSync(join(disk, 'ballast'))
  })

  it('that fills up in the middle ends the copy in the same words, and nothing of it is left', async () => {
    const folder = join(disk, 'copies')
    let isFilled = false
    const onProgress = (): void => {
      if (!isFilled) fill(0)
      isFilled = true
    }
    const reason = await reasonOf(makeBackup({ ...plain, dataDir, folder, onProgress }))
    expect([isFilled, reason?.code]).toEqual([true, 'backup.diskFull'])
    expect(readdirSync(folder)).toEqual([])
    rmSync(join(disk, 'ballast'))
    expect(await reasonOf(makeBackup({ ...plain, dataDir, folder }))).toBeNull()
    rmSync(folder, { recursive: true })
  })

  it('takes no restore, and keeps what was there', async () => {
    const { path } = await makeBackup({ ...plain, dataDir, folder: join(suite.path, 'copies') })
    const target = join(disk, 'data')
    await writeFolder(target, 20)
    const put = (onProgress: () => void) =>
      reasonOf(
        restore({
          dataDir: target,
          from: path,
          newest: { rig: 9_990, venue: 9_990, exchange: 9_990 },
          clock: plain.clock,
          ids: countingIds(),
          onProgress,
        }),
      )
    fill(20)
    expect((await put(() => undefined))?.code).toBe('restore.diskFull')
    rmSync(join(disk, 'ballast'))
    let isFilled = false
    const inTheMiddle = await put(() => {
      if (!isFilled) fill(0)
      isFilled = true
    })
    expect([isFilled, inTheMiddle?.code]).toEqual([true, 'restore.diskFull'])
    rmSync(join(disk, 'ballast'))
    expect(readdirSync(target).filter((name) => /partial|restor/.test(name))).toEqual([])
    expect(auditRig(target)).toMatchObject({ ok: true, ours: { receipts: 20 } })
    expect(await put(() => undefined)).toBeNull()
    expect(auditRig(target)).toMatchObject({ ok: true, ours: { receipts: JOBS } })
  })
})
