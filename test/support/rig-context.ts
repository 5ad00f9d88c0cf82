/**
 * Real rig.db in a folder of its own, a fake clock, counted ids and the real bus: what a domain of the seller's core
 * needs.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { createEvents } from '#core/events/index.ts'
import { rigMigrations } from '#core/rig-db/index.ts'
import { createOs } from '#core/os.ts'
import { openDb } from '#db/open.ts'
import { createLog } from '#lib/log.ts'
import type { Topic } from '#contract/app.ts'

import { countingIds } from './counting-ids.ts'
import { FakeClock } from './fake-clock.ts'

export function rigContext() {
  const dataDir = mkdtempSync(join(tmpdir(), 'stoker-rig-'))
  const log = createLog('test')
  log.level = 'silent'
  const clock = new FakeClock()
  const events = createEvents()
  const changes: Topic[] = []
  events.on((topic) => changes.push(topic))
  const rigDb = openDb({ path: join(dataDir, 'rig.db'), migrations: rigMigrations })
  return {
    dataDir,
    log,
    clock,
    events,
    rigDb,
    ids: countingIds(),
    os: createOs(log),
    /** Topics told, oldest first. */
    changes,
    dispose() {
      rigDb.close()
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}
export type RigContext = ReturnType<typeof rigContext>
