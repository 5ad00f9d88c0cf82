/** The row that a self-check writes: a commit of its own, in whichever database it is about. */
import { defaulted, int } from '#db/column.ts'
import type { WriteDb } from '#db/db-types.ts'
import { defineTable } from '#db/table.ts'

export const breakerChecks = defineTable('breaker_checks', { id: defaulted(int()), checkedAt: int() })
const write = breakerChecks.inserter({ conflict: 'ON CONFLICT (id) DO UPDATE SET checked_at = excluded.checked_at' })

/** One row, always another value than before: a commit that changes nothing writes nothing. */
export const markChecked = (db: WriteDb, checkedAt: number): number => write(db, { id: 1, checkedAt })
