/**
 * Databases watched. Catches: damage that is only seen by whoever reads that page, a check although the last end was
 * clean, one that is left out, a file in the place of ours taken for ours, trouble told twice or never over.
 */
import { copyFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { describe, expect, it, onTestFinished } from 'vitest'

import type { StokerError } from '#contract/errors.ts'
import { DAY_MS } from '#contract/time.ts'
import { watchFiles } from '#db/file-health.ts'
import { openDb } from '#db/open.ts'
import type { Db, Migration } from '#db/db-types.ts'
import { createLog } from '#lib/log.ts'
import { FakeClock } from '#test/support/fake-clock.ts'
import { tempDir } from '#test/support/temp-dir.ts'
import { rest, until } from '#test/support/until.ts'

const notes: Migration = {
  id: 10,
  name: 'notes',
  up: (exec) => exec('CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT'),
}

/** About 200 pages, closed. */
function filled(): string {
  const path = join(tempDir(), 'a.db')
  const db = openDb({ path, migrations: [notes] })
  db.tx((write) => {
    for (let id = 0; id < 800; id += 1) write.prepare('INSERT INTO notes (text) VALUES (?)').run('n'.repeat(900))
  })
  db.close()
  return path
}
function damage(path: string): void {
  const bytes = readFileSync(path)
  // The root of the only table, an inner page.
  bytes.fill(0x5a, bytes.readUInt16BE(16) + 12, bytes.readUInt16BE(16) + 76)
  writeFileSync(path, bytes)
}

function watched(path: string, isClean: boolean) {
  const clock = new FakeClock()
  const log = createLog('test')
  log.level = 'silent'
  const told: (string | null)[] = []
  const db: Db = openDb({ path, migrations: [notes] })
  const onChange = (trouble: StokerError | null): void => void told.push(trouble?.reason.code ?? null)
  const health = watchFiles({ dbs: [db], clock, log, isClean: () => isClean, onChange })
  health.start()
  onTestFinished(() => {
    health.stop()
    db.close()
  })
  return { clock, db, health, told }
}

describe('a database that is watched', () => {
  it('is checked at a start after an unclean end, and stays damaged', async () => {
    const path = filled()
    damage(path)
    const { clock, health, told } = watched(path, false)
    await until('the damage', () => told.length > 0)
    expect([told, health.trouble()?.code]).toEqual([['db.damaged'], 'DB_CORRUPT'])
    await clock.advance(60_000)
    expect(told).toEqual(['db.damaged'])
  })

  it('is not checked after a clean end, and daily all the same', async () => {
    const path = filled()
    damage(path)
    const { clock, told } = watched(path, true)
    await clock.advance(60_000)
    await rest()
    expect(told).toEqual([])
    await clock.advance(DAY_MS)
    await until('the damage', () => told.length > 0)
    expect(told).toEqual(['db.damaged'])
  })

  it('whose file is taken away, or another one in its place, is gone; brought back, it is there', async () => {
    const path = filled()
    const { clock, told } = watched(path, true)
    renameSync(path, `${path}.away`)
    await clock.advance(2_000)
    copyFileSync(`${path}.away`, path)
    await clock.advance(2_000)
    expect(told).toEqual(['disk.gone'])
    renameSync(`${path}.away`, path)
    await clock.advance(2_000)
    expect(told).toEqual(['disk.gone', null])
  })
})
