/** `stoker backup`: a copy of the data folder, made by the running Stoker, or here when none runs. */
import { join, resolve } from 'node:path'

import type { Command } from 'commander'

import type { BackupEntry } from '#contract/backup.ts'
import { fail, fromErrorValue } from '#contract/errors.ts'
import { findCopy, isRestoreUnfinished, makeBackup } from '#core/backup/index.ts'
import type { CopyProgress } from '#db/copy-databases.ts'
import { acquireLock } from '#db/lock.ts'
import { systemClock } from '#lib/system-clock.ts'
import { liveOwner } from '#server/data-dir.ts'

import { tellProgress } from '../copy-progress.ts'
import { note, printJson, printLine } from '../output.ts'
import { needOwner, type RunningOwner } from '../owner.ts'
import { DATA_OPTION } from '../shared-options.ts'
import { VERSION } from '../version.ts'

interface Options {
  data: string
  json?: boolean
}

type Made = Pick<BackupEntry, 'path' | 'bytes'>
const WHAT = 'Copying'
const ASK_EVERY_MS = 500

/** Through the owner: it makes it beside what it does. */
async function throughOwner({ client }: Pick<RunningOwner, 'client'>, folder: string): Promise<Made> {
  const { startedAt } = await client.backup.start({ folder })
  let progress: CopyProgress | null = null
  const telling = tellProgress(systemClock, WHAT, () => progress, note)
  try {
    for (;;) {
      const { running, recent } = await client.backup.status()
      progress = running?.file === '' ? null : running
      if (running === null || running.startedAt !== startedAt) {
        const mine = recent.find((entry) => entry.startedAt === startedAt)
        if (mine === undefined) throw fail('backup.interrupted')
        if (mine.problem !== null)
          throw fromErrorValue({ code: 'UNAVAILABLE', message: '', data: {}, reason: mine.problem })
        return mine
      }
      await systemClock.sleep(ASK_EVERY_MS)
    }
  } finally {
    telling.stop()
  }
}

/** Holds the folder meanwhile, so that nobody changes it. */
async function here(dataDir: string, folder: string): Promise<Made> {
  const lock = acquireLock(join(dataDir, 'lock.db'))
  let progress: CopyProgress | null = null
  const telling = tellProgress(systemClock, WHAT, () => progress, note)
  try {
    if (isRestoreUnfinished(dataDir)) throw fail('restore.unfinished', { dataDir })
    return await makeBackup({
      dataDir,
      folder,
      automatic: false,
      app: VERSION,
      clock: systemClock,
      onProgress: (next) => (progress = next),
    })
  } finally {
    telling.stop()
    lock.release()
  }
}

async function backup(dir: string, { data, json }: Options): Promise<void> {
  // An unset variable of a script must not put keys into the folder it happens to run in.
  if (dir.trim() === '') throw fail('backup.relative', { path: dir })
  const [dataDir, folder] = [resolve(data), resolve(dir)]
  const running = liveOwner(dataDir) !== null
  const { path, bytes } = running ? await throughOwner(await needOwner(dataDir), folder) : await here(dataDir, folder)
  if (json === true) return printJson({ path, bytes, running })
  printLine(`A checked copy of ${dataDir} is in ${path} (${(bytes / 1e6).toFixed(1)} MB).`)
  printLine(
    findCopy(path).manifest.publicKey === null
      ? 'NOT IN IT: seller.key, which is missing here: who restores this copy cannot sell as you before the key is put back. It holds the books and settings. Model files are not in it.'
      : 'It holds the books, settings and the keys this rig sells with: whoever can read it can sell as you. Model files are not in it.',
  )
}

export function addBackup(program: Command): void {
  program
    .command('backup')
    .description('make a checked copy of the data folder in a folder elsewhere, also while Stoker runs')
    .argument('<dir>', 'where the copy goes; it gets a folder of its own there')
    .option(...DATA_OPTION)
    .option('--json', 'print one line {"path","bytes","running"}')
    .action(backup)
}
