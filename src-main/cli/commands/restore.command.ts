/** `stoker restore`: puts a copy in the place of what lies in the data folder, which is kept aside. */
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'

import type { Command } from 'commander'

import { fail } from '#contract/errors.ts'
import { findCopy, finishRestore, replacedFiles, restore as putBack } from '#core/backup/index.ts'
import { readFolderHistory } from '#core/identity/index.ts'
import { realmMigrations } from '#core/realm-db/index.ts'
import { rigMigrations } from '#core/rig-db/index.ts'
import type { CopyProgress } from '#db/copy-databases.ts'
import { acquireLock, type Lock } from '#db/lock.ts'
import type { Migration } from '#db/db-types.ts'
import { exchangeMigrations } from '#exchange-server/exchange-db/index.ts'
import { randomIds } from '#lib/id-source.ts'
import { systemClock } from '#lib/system-clock.ts'
import { ensureDataDir } from '#server/data-dir.ts'

import { confirm } from '../terminal-questions.ts'
import { tellProgress } from '../copy-progress.ts'
import { note, printJson, printLine } from '../output.ts'
import { DATA_OPTION } from '../shared-options.ts'

interface Options {
  data: string
  json?: boolean
  yes?: boolean
  keepExchange?: boolean
}

const newestOf = (migrations: readonly Migration[]): number => migrations.at(-1)?.id ?? 0
const NEWEST = {
  rig: newestOf(rigMigrations),
  venue: newestOf(realmMigrations),
  exchange: newestOf(exchangeMigrations),
}

/** The folder and its exchange, which may run alone. Errors: DATA_LOCKED. */
function lockBoth(dataDir: string): Lock[] {
  const locks = [acquireLock(join(dataDir, 'lock.db'))]
  try {
    const exchange = join(dataDir, 'exchange', 'lock.db')
    if (existsSync(exchange)) locks.push(acquireLock(exchange))
    return locks
  } catch (error) {
    for (const lock of locks) lock.release()
    throw error
  }
}

const moment = (at: number): string => `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`

/** What stands in the folder now, where it can be read: a damaged one is why many a copy is put back. */
function jobsHere(dataDir: string): number | null {
  try {
    return readFolderHistory(dataDir, systemClock.now()).venues.reduce((sum, { jobs }) => sum + jobs, 0)
  } catch {
    return null
  }
}

const since = ({ keepExchange }: Options): string =>
  keepExchange === true
    ? 'The practice exchange stays as it is, so its jobs since the copy come back at the next start.'
    : 'The practice exchange is part of the copy: what was sold on it since then is gone from both sides (--keep-exchange leaves it as it is). Other exchanges give back what they still have.'

async function restore(dir: string, options: Options): Promise<void> {
  const dataDir = resolve(options.data)
  if (resolve(dir) === dataDir) throw fail('restore.itself', { path: dataDir })
  const { path: from, manifest } = findCopy(resolve(dir))
  ensureDataDir(dataDir)
  const locks = lockBoth(dataDir)
  try {
    finishRestore(dataDir)
    const bytes = manifest.files.reduce((sum, file) => sum + file.bytes, 0)
    note(
      `The copy ${from} of ${moment(manifest.startedAt)}, ${(bytes / 1e6).toFixed(1)} MB, by Stoker ${manifest.app}, key ${manifest.publicKey ?? 'none'}.`,
    )
    const jobs = jobsHere(dataDir)
    // Settings, keys and uploads without a job are content too.
    if (jobs !== 0 || replacedFiles(dataDir).length > 0) {
      note(
        `It takes the place of what is in ${dataDir} now${jobs === null ? '' : ` (${jobs} jobs)`}, which is kept aside there. ${since(options)}`,
      )
      if (!(await confirm('Put the copy in its place?', options.yes))) return
    }
    let progress: CopyProgress | null = null
    const telling = tellProgress(systemClock, 'Restoring', () => progress, note)
    const { aside } = await putBack({
      dataDir,
      from,
      newest: NEWEST,
      clock: systemClock,
      ids: randomIds(() => systemClock.now()),
      ...(options.keepExchange === true ? { keepExchange: true } : {}),
      onProgress: (next) => (progress = next),
    }).finally(() => telling.stop())
    if (options.json === true) return printJson({ from, madeAt: manifest.madeAt, aside })
    printLine(`Restored into ${dataDir}.`)
    if (aside !== null) printLine(`What was there is in ${aside}; remove it when you no longer want it.`)
    printLine(
      manifest.publicKey === null
        ? 'The copy held no seller.key: put the file back, or import it (stoker key import), before you start Stoker.'
        : 'Start Stoker as ever: exchanges elsewhere, and one that was kept, are asked for what happened since the copy. Its listings are paused: look at their asks, then resume them.',
    )
  } finally {
    for (const lock of locks.toReversed()) lock.release()
  }
}

export function addRestore(program: Command): void {
  program
    .command('restore')
    .description('put a copy in the place of the data folder, which is kept aside; Stoker must be stopped')
    .argument('<dir>', 'a copy, or a folder with copies: then the newest')
    .option(...DATA_OPTION)
    .option('--keep-exchange', 'leave the embedded exchange as it is; it gives back what happened since the copy')
    .option('--yes', 'do it without asking')
    .option('--json', 'print one line {"from","madeAt","aside"}')
    .action(restore)
}
