/** The one sentence of the backup page. */
import type { BackupStatus } from '#contract/backup.ts'
import { age } from '#ui/format-time.ts'
import { percent } from '#ui/format.ts'
import { t } from '#ui/say.ts'

/** Past the second night in a row without one, the last copy is old. */
const OLD_MS = 50 * 3_600_000

type Facts = Pick<BackupStatus, 'running' | 'last' | 'recent' | 'settings'>

export function backupSentence({ running, last, recent, settings }: Facts, now: number): string {
  if (running !== null) return runningSentence(running)
  const newest = recent[0]
  const failedSince = newest !== undefined && newest.problem !== null
  if (failedSince && (last === null || now - last.endedAt > OLD_MS)) return t('backup.failedSentence')
  if (last === null) return settings.automatic ? t('backup.noneYet') : t('backup.noneOff')
  const words = { age: age(last.endedAt, now) }
  return settings.automatic ? t('backup.lastSentence', words) : t('backup.lastOff', words)
}

function runningSentence({ file, step, done, total }: NonNullable<BackupStatus['running']>): string {
  if (file === '') return t('backup.beginning')
  if (step === 'checking') return t('backup.checking', { file })
  return total === 0
    ? t('backup.running', { file })
    : t('backup.runningPart', { file, share: percent(done / total, 0) })
}
