/** backup: a copy takes some seconds; settings really change. */
import type { BackupEntry, BackupSettings, BackupStatus } from '#contract/backup.ts'
import { because } from '#contract/reasons.ts'
import { DAY_MS, HOUR_MS } from '#contract/time.ts'

import { os, type World } from './world.ts'

const OWN = '/home/seller/.local/share/stoker/backups'
const COPY_MS = 6_000

const entry = (
  at: number,
  automatic: boolean,
  folder: string,
  problem: BackupEntry['problem'] = null,
): BackupEntry => ({
  startedAt: at - 4_200,
  endedAt: at,
  automatic,
  path: problem === null ? `${folder}/stoker-${new Date(at).toISOString().slice(0, 19).replaceAll(':', '-')}` : folder,
  bytes: problem === null ? 18_412_544 : 0,
  problem,
})

export function backupPart({ full }: World) {
  const now = Date.now()
  let settings: BackupSettings = { automatic: true, folder: null, keep: 7, bytesMax: 20_000_000_000 }
  let started: { at: number; folder: string; automatic: boolean } | null = null
  let recent: BackupEntry[] = full
    ? [
        entry(now - 9 * HOUR_MS, true, OWN),
        entry(now - 20 * HOUR_MS, false, '/media/seller/archive'),
        entry(now - 33 * HOUR_MS, true, OWN),
        entry(now - 57 * HOUR_MS, true, OWN, because('backup.diskFull', { path: OWN, neededMib: 82, freeMib: 41 })),
        entry(now - 3 * DAY_MS - 9 * HOUR_MS, true, OWN),
      ]
    : []
  const running = (): BackupStatus['running'] => {
    if (started === null) return null
    const part = (Date.now() - started.at) / COPY_MS
    if (part < 1)
      return {
        startedAt: started.at,
        path: started.folder,
        file: 'practice.db',
        step: part < 0.8 ? 'copying' : 'checking',
        done: Math.floor(part * 4_495),
        total: 3_600,
      }
    recent = [entry(Date.now(), started.automatic, started.folder), ...recent]
    started = null
    return null
  }
  return {
    status: os.backup.status.handler(() => {
      const copying = running()
      const folder = settings.folder ?? OWN
      const kept = recent.filter(({ automatic, problem }) => automatic && problem === null)
      return {
        settings,
        folder,
        elsewhere: folder !== OWN,
        running: copying,
        last: recent.find(({ problem }) => problem === null) ?? null,
        recent,
        kept: { copies: kept.length, bytes: kept.reduce((sum, { bytes }) => sum + bytes, 0) },
        models: full ? { files: 1, bytes: 4_920_000_000 } : { files: 0, bytes: 0 },
        restored: null,
      }
    }),
    start: os.backup.start.handler(({ input }) => {
      started = {
        at: Date.now(),
        folder: input.folder ?? settings.folder ?? OWN,
        automatic: input.folder === undefined,
      }
      return { startedAt: started.at }
    }),
    change: os.backup.change.handler(
      ({ input }) =>
        (settings = {
          ...settings,
          ...(Object.fromEntries(
            Object.entries(input).filter(([, value]) => value !== undefined),
          ) as Partial<BackupSettings>),
        }),
    ),
  }
}
