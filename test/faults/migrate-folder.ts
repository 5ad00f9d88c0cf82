/** Brings both sides of a data folder up to date as a start does, one line before each step; then says that it is done. */
import { writeSync } from 'node:fs'
import { join } from 'node:path'

import { prepareDatabases } from '#core/core.ts'
import { bringUpToDate, progressLine } from '#db/bring-up-to-date.ts'
import type { MigrationProgress } from '#db/db-types.ts'
import { exchangeMigrations } from '#exchange-server/exchange-db/index.ts'

const dir = process.argv[2]!
const say = (progress: MigrationProgress): void => void writeSync(1, `${progressLine(progress)}\n`)

await prepareDatabases(dir, say)
await bringUpToDate({
  path: join(dir, 'exchange', 'exchange.db'),
  migrations: exchangeMigrations,
  onProgress: say,
})
writeSync(1, 'done\n')
