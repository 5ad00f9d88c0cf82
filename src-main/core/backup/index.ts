/** Copies of the data folder: one a night, one when the owner asks, and the way back. */
import { MINUTE_MS } from '#contract/time.ts'
import type { CoreContext } from '#core/core-context.ts'
import { every, type Loop } from '#lib/every.ts'

import { backupApi } from './backup.api.ts'
import { BackupService, type BackupContext, type BackupServiceOptions } from './backup-service.ts'

export { replacedFiles } from './copied-files.ts'
export { makeBackup } from './make-backup.store.ts'
export { finishRestore, isRestoreUnfinished } from './restore-journal.ts'
export { noteRestore } from './restores.store.ts'
export { findCopy, restore } from './restore.store.ts'

/** How often is looked whether the nightly copy is due. */
const LOOK_MS = 10 * MINUTE_MS

export function createBackup(context: BackupContext & Pick<CoreContext, 'os'>, options: BackupServiceOptions = {}) {
  const { clock, os, log } = context
  const service = new BackupService(context, options)
  let loop: Loop | null = null
  return {
    service,
    api: backupApi(os, service),
    start(): void {
      service.sweep()
      loop ??= every(clock, LOOK_MS, () => service.nightly(), {
        onError: (error) => log.error({ err: error }, 'the look at the nightly copy failed'),
      })
    },
    async stop(): Promise<void> {
      loop?.stop()
      await service.stop()
      await loop?.done
    },
  }
}
