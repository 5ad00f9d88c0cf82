/** One copy: what it holds, when it counts, what is left of one that failed. */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'

import Database from 'better-sqlite3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { auditRig } from '#cli/audit/audit.ts'
import type { StokerError } from '#contract/errors.ts'
import { makeBackup } from '#core/backup/make-backup.store.ts'
import { sweepPartialBackups } from '#core/backup/partial-copies.ts'
import { readManifest } from '#core/backup/manifest.ts'
import { readKeyText } from '#lib/ed25519.ts'
import { temporaryFolder } from '#test/support/folder.ts'
import { tempDir } from '#test/support/temp-dir.ts'

import { damage, JOBS, plain, writeFolder } from './backup-folder.ts'

const suite = temporaryFolder()
const dataDir = join(suite.path, 'data')
beforeAll(() => writeFolder(dataDir))
afterAll(() => suite.remove())

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'no error',
    (error: StokerError) => error.reason.code,
  )
const hidden = (folder: string): string[] =>
  existsSync(folder) ? readdirSync(folder).filter((name) => name.startsWith('.')) : []

describe('a copy', () => {
  it('holds both sides, whole and checked, the keys for their owner alone, and a list of it all', async () => {
    const folder = join(tempDir(), 'copies')
    const { path, bytes, files } = await makeBackup({ ...plain, dataDir, folder })
    const manifest = readManifest(path)
    expect(manifest.files.map((file) => `${file.kind} ${file.path}`)).toEqual([
      'rig rig.db',
      'venue practice.db',
      'exchange exchange/exchange.db',
      'secret seller.key',
      'secret remote-keys.json',
      'secret exchange/exchange.key',
    ])
    expect(manifest).toMatchObject({
      app: '0.0.0',
      publicKey: readKeyText(join(dataDir, 'seller.key'))!.key.publicKey,
      notIncluded: { models: { files: 1, bytes: 5 } },
    })
    expect(files).toBe(6)
    expect(bytes).toBeGreaterThan(manifest.files.reduce((sum, file) => sum + file.bytes, 0))
    const secret = ['', 'seller.key', 'exchange/exchange.key', 'practice.db', 'manifest.json']
    expect(secret.filter((file) => (statSync(join(path, file)).mode & 0o077) !== 0)).toEqual([])
    // A copy is a data folder: the books of both sides hold, and agree.
    expect(auditRig(path)).toMatchObject({ ok: true, ours: { receipts: JOBS }, ahead: { receipts: 0, releases: 0 } })
    expect(hidden(folder)).toEqual([])
    expect(existsSync(join(dataDir, 'backup-running.json'))).toBe(false)
  })

  it('is of one moment, whoever writes meanwhile, and holds up no writer', async () => {
    const writer = new Database(join(dataDir, 'practice.db'))
    writer.exec('CREATE TABLE IF NOT EXISTS pairs (side TEXT, n INTEGER)')
    let n = 0
    const loop = setInterval(() => {
      // Two rows in one transaction: a copy that is torn holds one of them.
      writer.transaction(() => {
        n += 1
        for (const side of ['left', 'right']) writer.prepare('INSERT INTO pairs VALUES (?, ?)').run(side, n)
      })()
    }, 1)
    const before = n
    const { path } = await makeBackup({ ...plain, dataDir, folder: tempDir() })
    clearInterval(loop)
    const copy = new Database(join(path, 'practice.db'), { readonly: true })
    const { rows, odd } = copy
      .prepare(
        'SELECT count(*) AS rows, (SELECT count(*) FROM (SELECT n FROM pairs GROUP BY n HAVING count(*) <> 2)) AS odd FROM pairs',
      )
      .get() as { rows: number; odd: number }
    copy.close()
    writer.exec('DROP TABLE pairs')
    writer.close()
    expect(odd).toBe(0)
    expect(n).toBeGreaterThan(before + 5)
    expect(rows / 2).toBeLessThan(n)
  })

  it('gets a name of its own each time', async () => {
    const folder = tempDir()
    const clock = { now: () => 1_000_000 }
    const one = await makeBackup({ ...plain, clock, dataDir, folder })
    const two = await makeBackup({ ...plain, clock, dataDir, folder })
    expect(two.path).toBe(`${one.path}-2`)
  })
})

describe('a copy is refused', () => {
  it('into the data folder itself, whatever name or link leads there; only nightly ones may lie in their folder', async () => {
    const link = join(tempDir(), 'link')
    symlinkSync(dataDir, link)
    for (const folder of [dataDir, join(dataDir, 'copies'), join(dataDir, 'backups'), join(link, 'deep', 'er')])
      expect(await codeOf(makeBackup({ ...plain, dataDir, folder }))).toBe('backup.intoItself')
    expect(await codeOf(makeBackup({ ...plain, dataDir, folder: join(dataDir, 'backups'), automatic: true }))).toBe(
      'no error',
    )
    expect(existsSync(join(dataDir, 'copies'))).toBe(false)
  })

  it('of a folder with nothing in it, and to a place that cannot be written', async () => {
    const file = join(tempDir(), 'file')
    writeFileSync(file, '')
    expect(await codeOf(makeBackup({ ...plain, dataDir: tempDir(), folder: tempDir() }))).toBe('backup.nothing')
    expect(await codeOf(makeBackup({ ...plain, dataDir, folder: join(file, 'x') }))).toBe('backup.notWritable')
  })

  it('of a database that is damaged: it says so, and nothing of the copy is left', async () => {
    const [damaged, folder] = [join(tempDir(), 'data'), tempDir()]
    await writeFolder(damaged, 60)
    damage(join(damaged, 'practice.db'), 'transfers')
    expect(await codeOf(makeBackup({ ...plain, dataDir: damaged, folder }))).toBe('backup.damaged')
    expect(readdirSync(folder)).toEqual([])
  })
})

describe('what a kill leaves', () => {
  it('is swept away by the next start, where the mark names it and in the folder of nightly copies', () => {
    const [data, elsewhere] = [tempDir(), tempDir()]
    const nightly = join(data, 'backups')
    const half = join(elsewhere, '.stoker-2026-11-30T03-00-00.partial')
    for (const folder of [half, join(nightly, '.stoker-2026-11-30T03-00-01.partial'), join(nightly, 'mine')]) {
      mkdirSync(folder, { recursive: true })
      writeFileSync(join(folder, 'rig.db'), 'half')
    }
    writeFileSync(join(data, 'backup-running.json'), JSON.stringify({ v: 1, partial: half }))
    sweepPartialBackups(data, nightly)
    expect([readdirSync(elsewhere), readdirSync(nightly), readdirSync(data)]).toEqual([[], ['mine'], ['backups']])
  })

  it('is swept by the next copy too, and on a disk that was away by the first that finds it', async () => {
    const [drive, folder] = [join(tempDir(), 'drive'), tempDir()]
    const half = ['00', '01'].map((at, index) =>
      join(index === 0 ? drive : folder, `.stoker-2026-11-30T03-00-${at}.partial`),
    )
    const mark = join(dataDir, 'backup-running.json')
    for (const path of half) mkdirSync(path, { recursive: true })
    writeFileSync(mark, JSON.stringify({ v: 2, partials: half }))
    renameSync(drive, `${drive}-away`)
    await makeBackup({ ...plain, dataDir, folder })
    expect(hidden(folder)).toEqual([])
    expect(JSON.parse(readFileSync(mark, 'utf8'))).toEqual({ v: 2, partials: [half[0]] })
    renameSync(`${drive}-away`, drive)
    sweepPartialBackups(dataDir, join(dataDir, 'backups'))
    expect([readdirSync(drive), existsSync(mark)]).toEqual([[], false])
  })

  it('a mark that names anything else removes nothing', () => {
    const [data, elsewhere] = [tempDir(), tempDir()]
    writeFileSync(join(elsewhere, 'dear.txt'), 'dear')
    writeFileSync(join(data, 'backup-running.json'), JSON.stringify({ v: 1, partial: elsewhere }))
    sweepPartialBackups(data, join(data, 'backups'))
    expect(readdirSync(elsewhere)).toEqual(['dear.txt'])
  })
})
