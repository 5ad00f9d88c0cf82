/** Restores of this folder that were taken note of. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'

import type { EpochMs } from '#contract/time.ts'
import { raiseEpochs } from '#core/venues/index.ts'
import { rigMigrations } from '#core/rig-db/index.ts'
import { int, text } from '#db/column.ts'
import type { Db } from '#db/db-types.ts'
import { openDb } from '#db/open.ts'
import { defineTable } from '#db/table.ts'

import { readRestored } from './restored.ts'

export const restores = defineTable('restores', { id: text(), notedAt: int() })

/**
 * Starts that the folder may have had between the copy and its restore. The restored folder stands before the one it was
 * copied from, wherever that may still run: at its next start that one is told that another has its key.
 */
const STARTS_AHEAD = 1_000

/**
 * How often the folder has started, at most: the highest count of its venues, and what a restore that no start has
 * noted yet will make of it. 0 where there is no rig.
 */
export function startsHere(dataDir: string): number {
  const path = join(dataDir, 'rig.db')
  if (!existsSync(path)) return 0
  const pending = readRestored(dataDir)
  const ahead = pending === null ? 0 : pending.starts + STARTS_AHEAD
  try {
    const db = openDb({ path, migrations: rigMigrations, readOnly: true })
    try {
      const row = db.read.prepare<{ starts: number | null }>('SELECT max(epoch) AS starts FROM venues').get()
      return Math.max(row?.starts ?? 0, ahead)
    } finally {
      db.close()
    }
  } catch {
    // Damaged, or of before starts were counted: a restore is what mends it.
    return ahead
  }
}

/**
 * At the first start after a restore the epochs of all venues are raised, once; true then. `before` comes first, with
 * the time of the copy: a start that is killed in it, or after it, does it again.
 */
export function noteRestore(
  rigDb: Db,
  dataDir: string,
  now: EpochMs,
  before: (madeAt: EpochMs) => void = () => undefined,
): boolean {
  const restored = readRestored(dataDir)
  if (restored === null) return false
  const known = restores.get(rigDb.read, `SELECT ${restores.columns} FROM restores WHERE id = ?`, restored.id)
  if (known !== null) return false
  before(restored.madeAt)
  rigDb.tx((db) => {
    restores.insert(db, { id: restored.id, notedAt: now })
    raiseEpochs(db, restored.starts, STARTS_AHEAD)
  })
  return true
}
