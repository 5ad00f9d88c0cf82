/**
 * Backs a data folder up, or restores into it, as the commands do; a line at the beginning of each file and step, and one
 * when it is done. Killed by copies.test.ts.
 */
import { writeSync } from 'node:fs'

import { restore } from '#core/backup/restore.store.ts'
import { makeBackup } from '#core/backup/make-backup.store.ts'
import { realmMigrations } from '#core/realm-db/index.ts'
import { rigMigrations } from '#core/rig-db/index.ts'
import type { CopyProgress } from '#db/copy-databases.ts'
import { exchangeMigrations } from '#exchange-server/exchange-db/index.ts'
import { randomIds } from '#lib/id-source.ts'
import { systemClock } from '#lib/system-clock.ts'

const [, , what, dataDir, other] = process.argv as [string, string, string, string, string]
let told = ''
const onProgress = ({ file, step }: CopyProgress): void => {
  const line = `${file} ${step}\n`
  if (line !== told) writeSync(1, line)
  told = line
}
writeSync(1, 'begin\n')
if (what === 'backup')
  await makeBackup({ dataDir, folder: other, automatic: false, app: '0.0.0', clock: systemClock, onProgress })
else
  await restore({
    dataDir,
    from: other,
    newest: {
      rig: rigMigrations.at(-1)!.id,
      venue: realmMigrations.at(-1)!.id,
      exchange: exchangeMigrations.at(-1)!.id,
    },
    clock: systemClock,
    ids: randomIds(() => systemClock.now()),
    onProgress,
  })
writeSync(1, 'done\n')
