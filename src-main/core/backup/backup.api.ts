/** Handlers of contract/backup.ts. */
import type { Os } from '#core/os.ts'

import type { BackupService } from './backup-service.ts'

export const backupApi = (os: Os, backup: BackupService) => ({
  status: os.backup.status.handler(() => {
    const { restored, ...status } = backup.status()
    return {
      ...status,
      restored: restored === null ? null : { at: restored.at, madeAt: restored.madeAt, from: restored.from },
    }
  }),
  start: os.backup.start.handler(({ input }) => backup.start(input.folder)),
  change: os.backup.change.handler(({ input }) => backup.change(input)),
})
