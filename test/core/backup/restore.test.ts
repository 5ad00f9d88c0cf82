/** The way back: what is refused with nothing touched, what is kept aside, what a kill in the last step leaves. */
import { createHash } from 'node:crypto'
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'

import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'

import { auditRig } from '#cli/audit/audit.ts'
import type { StokerError } from '#contract/errors.ts'
import { makeBackup } from '#core/backup/make-backup.store.ts'
import { manifestText, readManifest, type Manifest } from '#core/backup/manifest.ts'
import { beginSwap, finishRestore, isRestoreUnfinished } from '#core/backup/restore-journal.ts'
import { noteRestore } from '#core/backup/restores.store.ts'
import { findCopy, restore } from '#core/backup/restore.store.ts'
import { readRestored } from '#core/backup/restored.ts'
import { realmMigrations } from '#core/realm-db/index.ts'
import { rigMigrations } from '#core/rig-db/index.ts'
import { startsOf } from '#core/venues/index.ts'
import { openDb } from '#db/open.ts'
import { exchangeMigrations } from '#exchange-server/exchange-db/index.ts'
import { countingIds } from '#test/support/counting-ids.ts'
import { temporaryFolder } from '#test/support/folder.ts'
import { tempDir } from '#test/support/temp-dir.ts'
import { VENUE } from '#test/support/venue.ts'

import { damage, JOBS, plain, writeFolder } from './backup-folder.ts'

const suite = temporaryFolder()
const dataDir = join(suite.path, 'data')
let copy = ''
beforeAll(async () => {
  await writeFolder(dataDir)
  copy = (await makeBackup({ ...plain, dataDir, folder: join(suite.path, 'copies') })).path
})
afterAll(() => suite.remove())

const NEWEST = {
  rig: rigMigrations.at(-1)!.id,
  venue: realmMigrations.at(-1)!.id,
  exchange: exchangeMigrations.at(-1)!.id,
}
const putBack = (dir: string, from = copy, newest = NEWEST) =>
  restore({ dataDir: dir, from, newest, clock: plain.clock, ids: countingIds(), onProgress: plain.onProgress })
const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'no error',
    (error: StokerError) => error.reason.code,
  )
/** A copy of the copy, changed. */
function changed(change: (dir: string) => void): string {
  const dir = join(tempDir(), 'stoker-2026-11-30T03-00-00')
  cpSync(copy, dir, { recursive: true })
  change(dir)
  return dir
}
const contents = (dir: string): string[] =>
  readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(
      (entry) =>
        `${join(entry.parentPath, entry.name).slice(dir.length + 1)} ${statSync(join(entry.parentPath, entry.name)).size}`,
    )
    .toSorted()

describe('a restore', () => {
  it('into a new folder brings back books and keys that hold, and says that it was one', async () => {
    const dir = tempDir()
    expect(await putBack(dir)).toMatchObject({ aside: null })
    expect(auditRig(dir)).toMatchObject({ ok: true, ours: { receipts: JOBS }, ahead: { receipts: 0, releases: 0 } })
    expect(readFileSync(join(dir, 'seller.key'), 'utf8')).toBe(readFileSync(join(dataDir, 'seller.key'), 'utf8'))
    expect(statSync(join(dir, 'seller.key')).mode & 0o077).toBe(0)
    expect(readRestored(dir)).toMatchObject({ from: copy, app: '0.0.0', madeAt: readManifest(copy).madeAt })
    expect(readdirSync(dir).filter((name) => /partial|restoring/.test(name))).toEqual([])
  })

  it('keeps what was there aside, and leaves models, copies and the lock where they are', async () => {
    const dir = tempDir()
    await writeFolder(dir, 40)
    mkdirSync(join(dir, 'backups', 'old'), { recursive: true })
    writeFileSync(join(dir, 'practice.db.before-70'), 'an older one')
    writeFileSync(join(dir, 'lock.db'), '')
    const key = readFileSync(join(dir, 'seller.key'), 'utf8')
    const { aside } = await putBack(dir)
    expect(auditRig(dir)).toMatchObject({ ok: true, ours: { receipts: JOBS } })
    expect(auditRig(aside!)).toMatchObject({ ok: true, ours: { receipts: 40 } })
    expect(readFileSync(join(aside!, 'seller.key'), 'utf8')).toBe(key)
    expect(readdirSync(aside!)).toContain('practice.db.before-70')
    expect(['models/own.gguf', 'backups/old', 'lock.db'].map((path) => existsSync(join(dir, path)))).toEqual([
      true,
      true,
      true,
    ])
    // Another id each time: whoever counts lives of this folder sees that it began anew.
    const first = readRestored(dir)!
    await restore({
      dataDir: dir,
      from: copy,
      newest: NEWEST,
      clock: plain.clock,
      ids: { secret: () => 'other' },
      onProgress: plain.onProgress,
    })
    expect(readRestored(dir)!.id).not.toBe(first.id)
  })

  it('finds the newest copy in a folder of copies', () => {
    const folder = tempDir()
    for (const day of [28, 30, 29]) cpSync(copy, join(folder, `stoker-2026-11-${day}T03-00-00`), { recursive: true })
    mkdirSync(join(folder, 'stoker-2026-12-01T03-00-00'))
    expect(findCopy(folder).path).toBe(join(folder, 'stoker-2026-11-30T03-00-00'))
    expect(findCopy(copy).path).toBe(copy)
  })
})

describe('a restore is refused, with nothing touched', () => {
  const rewrite = (dir: string, change: (manifest: Manifest) => Manifest): void => {
    const { format: _, sha256: __, ...facts } = change(readManifest(dir))
    writeFileSync(join(dir, 'manifest.json'), manifestText(facts))
  }
  const flip = (path: string): void => {
    const bytes = readFileSync(path)
    bytes[bytes.length - 100]! ^= 1
    writeFileSync(path, bytes)
  }
  it.each<[string, string, (dir: string) => void]>([
    ['a bit of a database that changed', 'restore.changed', (dir) => flip(join(dir, 'practice.db'))],
    ['a key that changed', 'restore.changed', (dir) => flip(join(dir, 'seller.key'))],
    ['a file that grew', 'restore.changed', (dir) => appendFileSync(join(dir, 'rig.db'), 'x')],
    ['a file that is missing', 'restore.fileMissing', (dir) => rmSync(join(dir, 'exchange', 'exchange.db'))],
    ['no list', 'restore.none', (dir) => rmSync(join(dir, 'manifest.json'))],
    ['a list that was cut off', 'restore.manifest', (dir) => writeFileSync(join(dir, 'manifest.json'), '{"format":1,')],
    [
      'a list that was changed',
      'restore.manifest',
      (dir) =>
        writeFileSync(
          join(dir, 'manifest.json'),
          readFileSync(join(dir, 'manifest.json'), 'utf8').replace('"app": "0', '"app": "1'),
        ),
    ],
    ['another format', 'restore.newerFormat', (dir) => writeFileSync(join(dir, 'manifest.json'), '{"format":2}')],
    [
      'a path that leads out of it',
      'restore.manifest',
      (dir) =>
        rewrite(dir, (one) => ({ ...one, files: one.files.map((file) => ({ ...file, path: `../${file.path}` })) })),
    ],
  ])('%s', async (_what, code, change) => {
    const dir = tempDir()
    await writeFolder(dir, 20)
    const before = contents(dir)
    expect(await codeOf(putBack(dir, changed(change)))).toBe(code)
    expect(contents(dir)).toEqual(before)
  })

  it('a copy by a newer Stoker, by its list and by the database itself', async () => {
    const dir = tempDir()
    expect(await codeOf(putBack(dir, copy, { ...NEWEST, venue: NEWEST.venue - 10 }))).toBe('restore.newer')
    expect(await codeOf(putBack(dir, copy, { ...NEWEST, exchange: 60 }))).toBe('restore.newer')
    expect(readdirSync(dir)).toEqual([])
  })

  it('a database that has its hash and is damaged all the same', async () => {
    const dir = tempDir()
    const bad = changed((one) => damage(join(one, 'practice.db'), 'transfers'))
    const bytes = readFileSync(join(bad, 'practice.db'))
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    rewrite(bad, (one) => ({
      ...one,
      files: one.files.map((file) => (file.path === 'practice.db' ? { ...file, sha256, bytes: bytes.length } : file)),
    }))
    expect(await codeOf(putBack(dir, bad))).toBe('restore.damaged')
    expect(readdirSync(dir)).toEqual([])
  })
})

describe('a kill in the last step', () => {
  const FILES = ['rig.db', 'practice.db', 'seller.key', 'exchange/exchange.db', 'restored.json']
  /** A folder in which everything is written down and staged, and nothing was moved yet. */
  function staged(): string {
    const dir = tempDir()
    for (const [place, mark] of [
      ['', 'old'],
      ['restore.partial', 'new'],
    ] as const)
      for (const file of FILES) {
        if (place === '' && file === 'restored.json') continue
        mkdirSync(join(dir, place, file, '..'), { recursive: true })
        writeFileSync(join(dir, place, file), `${mark} ${file}`)
      }
    writeFileSync(join(dir, 'practice.db-wal'), 'old log')
    beginSwap(dir, {
      aside: 'before-restore-x',
      outgoing: ['rig.db', 'practice.db', 'practice.db-wal', 'seller.key', 'exchange/exchange.db'],
      incoming: FILES,
    })
    return dir
  }
  const expectDone = (dir: string): void => {
    for (const file of FILES) expect(readFileSync(join(dir, file), 'utf8')).toBe(`new ${file}`)
    expect(readFileSync(join(dir, 'before-restore-x', 'practice.db'), 'utf8')).toBe('old practice.db')
    expect(readFileSync(join(dir, 'before-restore-x', 'practice.db-wal'), 'utf8')).toBe('old log')
    expect(existsSync(join(dir, 'practice.db-wal'))).toBe(false)
    expect([isRestoreUnfinished(dir), existsSync(join(dir, 'restore.partial'))]).toEqual([false, false])
  }

  it('is gone on with from any move on, by whoever comes next', () => {
    const moves = ['rig.db', 'practice.db', 'practice.db-wal', 'seller.key', 'exchange/exchange.db'].map(
      (file): [string, string] => [file, `before-restore-x/${file}`],
    )
    for (let done = 0; done <= moves.length; done += 1) {
      const dir = staged()
      for (const [from, to] of moves.slice(0, done)) {
        mkdirSync(join(dir, to, '..'), { recursive: true })
        renameSync(join(dir, from), join(dir, to))
      }
      expect(finishRestore(dir)).toBe(true)
      expectDone(dir)
      expect(finishRestore(dir)).toBe(false)
    }
    // In the second half the journal says so: what came in is not taken out again.
    for (let done = 0; done <= FILES.length; done += 1) {
      const dir = staged()
      for (const [from, to] of moves) {
        mkdirSync(join(dir, to, '..'), { recursive: true })
        renameSync(join(dir, from), join(dir, to))
      }
      const path = join(dir, 'restoring.json')
      writeFileSync(path, readFileSync(path, 'utf8').replace('"phase":"out"', '"phase":"in"'))
      for (const file of FILES.slice(0, done)) renameSync(join(dir, 'restore.partial', file), join(dir, file))
      expect(finishRestore(dir)).toBe(true)
      expectDone(dir)
    }
  })

  it('before that step leaves the folder as it was, without the half copy', () => {
    const dir = tempDir()
    mkdirSync(join(dir, 'restore.partial'))
    writeFileSync(join(dir, 'restore.partial', 'rig.db'), 'half')
    writeFileSync(join(dir, 'rig.db'), 'old')
    expect(finishRestore(dir)).toBe(false)
    expect(contents(dir)).toEqual(['rig.db 3'])
  })
})

describe('the first start after a restore', () => {
  it('raises the epochs once, so that the folder it was copied from is told apart', async () => {
    const dir = tempDir()
    await putBack(dir)
    const rigDb = openDb({ path: join(dir, 'rig.db'), migrations: rigMigrations })
    onTestFinished(() => rigDb.close())
    const before = startsOf(rigDb.read, VENUE)
    expect(noteRestore(rigDb, dir, 1)).toBe(true)
    expect(noteRestore(rigDb, dir, 2)).toBe(false)
    expect(startsOf(rigDb.read, VENUE)).toBe(before + 1_000)
    // Another restore is another one.
    rigDb.close()
    const ids = { secret: () => 'other' }
    await restore({ dataDir: dir, from: copy, newest: NEWEST, clock: plain.clock, ids, onProgress: plain.onProgress })
    const again = openDb({ path: join(dir, 'rig.db'), migrations: rigMigrations })
    // Put back once more, it stands before the first restore too: the exchange has seen that one.
    expect([noteRestore(again, dir, 3), startsOf(again.read, VENUE)]).toEqual([true, before + 2_000])
    again.close()
  })
})

describe('a restore that leaves the embedded exchange', () => {
  it('takes the seller’s side alone, so that a newer exchange gives back what happened since', async () => {
    const dir = tempDir()
    await writeFolder(dir, 40)
    const kept = ['exchange/exchange.key', 'exchange/exchange.db'].map((file) => readFileSync(join(dir, file)))
    const options = { dataDir: dir, from: copy, newest: NEWEST, clock: plain.clock, ids: countingIds() }
    const { aside } = await restore({ ...options, onProgress: plain.onProgress, keepExchange: true })
    expect(['exchange/exchange.key', 'exchange/exchange.db'].map((file) => readFileSync(join(dir, file)))).toEqual(kept)
    expect(existsSync(join(aside!, 'exchange'))).toBe(false)
    expect(readFileSync(join(dir, 'seller.key'), 'utf8')).toBe(readFileSync(join(dataDir, 'seller.key'), 'utf8'))
  })
})
