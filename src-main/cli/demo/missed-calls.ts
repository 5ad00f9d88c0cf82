/** Did every call of a run end at its first asking? Only then does an equal seed give an equal run. */
import { join } from 'node:path'

import { openDb } from '#db/open.ts'
import { exchangeMigrations } from '#exchange-server/exchange-db/index.ts'

/**
 * Calls of all time, exam calls included, that the exchange counts as missed: past their deadline, failed, or dropped.
 * A call sent again was one of them first.
 */
export function missedCalls(dir: string): number {
  const db = openDb({ path: join(dir, 'exchange', 'exchange.db'), migrations: exchangeMigrations, readOnly: true })
  try {
    return (
      db.read
        .prepare<{ missed: number }>("SELECT count(*) AS missed FROM calls WHERE outcome NOT IN ('done', 'cancelled')")
        .get()?.missed ?? 0
    )
  } finally {
    db.close()
  }
}
