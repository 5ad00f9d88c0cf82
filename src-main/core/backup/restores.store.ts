/** Restores of this folder that were taken note of. */
import type { EpochMs } from '#contract/time.ts'
import { raiseEpochs } from '#core/venues/index.ts'
import { int, text } from '#db/column.ts'
import type { Db } from '#db/db-types.ts'
import { defineTable } from '#db/table.ts'

import { readRestored } from './restored.ts'

export const restores = defineTable('restores', { id: text(), notedAt: int() })

/**
 * Starts that the folder may have had between the copy and its restore. The restored folder stands before the one it was
 * copied from, wherever that may still run: at its next start that one is told that another has its key.
 */
const STARTS_AHEAD = 1_000

/** At the first start after a restore the epochs of all venues are raised, once; true then. */
export function noteRestore(rigDb: Db, dataDir: string, now: EpochMs): boolean {
  const restored = readRestored(dataDir)
  if (restored === null) return false
  const known = restores.get(rigDb.read, `SELECT ${restores.columns} FROM restores WHERE id = ?`, restored.id)
  if (known !== null) return false
  rigDb.tx((db) => {
    restores.insert(db, { id: restored.id, notedAt: now })
    raiseEpochs(db, STARTS_AHEAD)
  })
  return true
}
