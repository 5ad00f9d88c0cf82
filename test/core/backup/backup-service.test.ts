/** Copies of a folder in use: one at a time, by hand and by night, with bounds; what came of each is noted. */
import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

import { describe, expect, it, onTestFinished } from 'vitest'

import type { StokerError } from '#contract/errors.ts'
import { DAY_MS, HOUR_MS } from '#contract/time.ts'
import { BackupService } from '#core/backup/backup-service.ts'
import { isCopyName } from '#core/backup/copy-names.ts'
import { createSigningKey } from '#lib/ed25519.ts'
import { rigContext } from '#test/support/rig-context.ts'
import { tempDir } from '#test/support/temp-dir.ts'

const COPY_MS = 60_000

function service(hour = 4) {
  const rig = rigContext()
  const told: string[] = []
  const copies = new BackupService(
    {
      ...rig,
      key: createSigningKey(join(rig.dataDir, 'seller.key')),
      host: { mode: 'headless', notify: (title) => void told.push(title) },
      version: '0.0.0',
    },
    { hourOf: () => hour },
  )
  onTestFinished(async () => {
    await copies.stop()
    rig.dispose()
  })
  const ended = () => expect.poll(() => copies.status().running, { timeout: COPY_MS }).toBeNull()
  return { ...rig, copies, told, ended, nightly: join(rig.dataDir, 'backups') }
}
const reasonOf = (work: () => unknown): string => {
  try {
    work()
    return 'no error'
  } catch (error) {
    return (error as StokerError).reason.code
  }
}
const named = (folder: string): string[] => (existsSync(folder) ? readdirSync(folder).filter(isCopyName) : [])

describe('a copy by hand', () => {
  it('is made while the databases are in use, one at a time, and noted with place and size', async () => {
    const { copies, ended, changes } = service()
    const folder = tempDir()
    copies.start(folder)
    expect(copies.status().running).toMatchObject({ path: folder })
    expect(reasonOf(() => copies.start(folder))).toBe('backup.running')
    await ended()
    const { last, recent } = copies.status()
    expect(last).toMatchObject({ automatic: false, path: join(folder, named(folder)[0]!), problem: null })
    expect([recent.length, last!.bytes > 10_000, changes.includes('backup')]).toEqual([1, true, true])
  })

  it('is refused at once where it cannot be, and nothing is noted of it', () => {
    const { copies, dataDir } = service()
    expect(reasonOf(() => copies.start('relative'))).toBe('backup.relative')
    expect(reasonOf(() => copies.start(join(dataDir, 'models')))).toBe('backup.intoItself')
    expect(copies.status()).toMatchObject({ running: null, recent: [] })
  })

  it('that is called off by the end of the process leaves nothing, and says why', async () => {
    const { copies, rigDb } = service()
    const folder = tempDir()
    copies.start(folder)
    await copies.stop()
    expect(readdirSync(folder)).toEqual([])
    expect(copies.status().recent[0]?.problem?.code).toBe('backup.interrupted')
    expect(rigDb.read.prepare('SELECT count(*) AS n FROM backups').get()).toEqual({ n: 1 })
    expect(reasonOf(() => copies.start(folder))).toBe('backup.interrupted')
  })
})

describe('nightly copies', () => {
  it('come by themselves, one a night, and the oldest go beyond the bound; copies by hand stay', async () => {
    const { copies, clock, nightly, ended } = service()
    copies.change({ keep: 2 })
    for (let night = 0; night < 4; night += 1) {
      await copies.nightly()
      await copies.nightly()
      await clock.advance(DAY_MS)
    }
    expect(named(nightly)).toHaveLength(2)
    expect(copies.status()).toMatchObject({ kept: { copies: 2 }, elsewhere: false })
    const elsewhere = tempDir()
    copies.start(elsewhere)
    await ended()
    expect(copies.change({ folder: elsewhere }).folder).toBe(elsewhere)
    for (let night = 0; night < 3; night += 1) {
      await clock.advance(DAY_MS)
      await copies.nightly()
    }
    expect(named(elsewhere)).toHaveLength(3)
    expect(named(nightly)).toHaveLength(2)
  })

  it('are not those of "Back up now": it stands beside them, is not removed by their bound and puts none off', async () => {
    const { copies, clock, nightly, ended } = service()
    copies.change({ keep: 1 })
    copies.start(undefined)
    await ended()
    const byHand = copies.status().last!
    expect([byHand.automatic, named(nightly).length, copies.status().kept.copies]).toEqual([false, 1, 0])
    for (let night = 0; night < 3; night += 1) {
      await copies.nightly()
      await clock.advance(DAY_MS)
    }
    expect(copies.status()).toMatchObject({ kept: { copies: 1 }, last: { automatic: true } })
    expect([named(nightly).length, existsSync(byHand.path)]).toEqual([2, true])
  })

  it('can be switched off, and wait for the night or for half an hour by day', async () => {
    const byDay = service(12)
    await byDay.copies.nightly()
    expect(named(byDay.nightly)).toEqual([])
    await byDay.clock.advance(HOUR_MS)
    await byDay.copies.nightly()
    expect(named(byDay.nightly)).toHaveLength(1)
    const off = service()
    off.copies.change({ automatic: false })
    await off.copies.nightly()
    expect(named(off.nightly)).toEqual([])
  })

  it('that would pass the bound of bytes are not made: noted each time, told once, tried an hour later', async () => {
    const { copies, clock, nightly, told } = service()
    copies.change({ bytesMax: 1_000 })
    await copies.nightly()
    await copies.nightly()
    await clock.advance(2 * HOUR_MS)
    await copies.nightly()
    expect(named(nightly)).toEqual([])
    expect(copies.status().recent.map(({ problem }) => problem?.code)).toEqual(['backup.tooLarge', 'backup.tooLarge'])
    expect(told).toHaveLength(1)
    copies.change({ bytesMax: 1e9 })
    await clock.advance(2 * HOUR_MS)
    await copies.nightly()
    expect(named(nightly)).toHaveLength(1)
  })

  it('may not go into the data folder under another name', () => {
    const { copies, dataDir } = service()
    mkdirSync(join(dataDir, 'x'))
    expect(reasonOf(() => copies.change({ folder: join(dataDir, 'x') }))).toBe('backup.intoItself')
    expect(reasonOf(() => copies.change({ folder: '../x' }))).toBe('backup.relative')
    expect(copies.settings()).toEqual({ automatic: true, folder: null, keep: 7, bytesMax: 20_000_000_000 })
  })
})
