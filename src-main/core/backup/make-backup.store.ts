/**
 * Makes one copy of a data folder, in use or at rest: the seller's databases, then the exchange's, then the keys, then
 * the list that makes it a copy. It has its name only when it is whole; a kill leaves a folder that is swept away later.
 */
import { existsSync, renameSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

import { fail, StokerError } from '#contract/errors.ts'
import type { Clock, EpochMs } from '#contract/time.ts'
import {
  copyDatabases,
  type CopiedFile,
  type CopyProblem,
  type CopyProgress,
  type CopyTask,
} from '#db/copy-databases.ts'
import { sha256Hex } from '#lib/canonical.ts'
import { readKeyText } from '#lib/ed25519.ts'
import { readSecretFile, writeSecretFile } from '#lib/secret-file.ts'

import {
  bytesToCopy,
  exchangeDatabases,
  modelFiles,
  secretFiles,
  sellerDatabases,
  type FolderFile,
} from './copied-files.ts'
import { copyName, partialName } from './copy-names.ts'
import { isFull, isWithin, lackOfRoom, makeFolder, syncFolder, systemCode } from './disk.ts'
import { MANIFEST, manifestText, type Manifest } from './manifest.ts'
import { markPartial } from './partial-copies.ts'

/** Of the data folder: where automatic copies lie unless the owner names a place. */
export const AUTOMATIC_FOLDER = 'backups'
const NAMES_MAX = 100

export interface MakeBackupOptions {
  dataDir: string
  /** Absolute; made when it does not exist. */
  folder: string
  automatic: boolean
  /** It goes where the automatic ones go, so the folder of the data folder that is theirs is no mistake. */
  inOwnPlace?: boolean
  /** Of this Stoker. */
  app: string
  clock: Pick<Clock, 'now'>
  onProgress: (progress: CopyProgress) => void
  signal?: AbortSignal
}

export interface MadeBackup {
  path: string
  bytes: number
  files: number
}

/**
 * Refuses what cannot become a copy, before anything is written. Errors: BAD_REQUEST (into the data folder itself; only
 * the folder of automatic copies may lie there), NOT_FOUND (nothing to copy), UNAVAILABLE (no room).
 */
export function checkBackup({
  dataDir,
  folder,
  automatic,
  inOwnPlace = automatic,
}: Pick<MakeBackupOptions, 'dataDir' | 'folder' | 'automatic' | 'inOwnPlace'>) {
  const isOwnPlace = inOwnPlace && folder === join(dataDir, AUTOMATIC_FOLDER)
  if (!isOwnPlace && isWithin(folder, dataDir)) throw fail('backup.intoItself', { path: folder, dataDir })
  const bytes = bytesToCopy(dataDir)
  if (bytes === 0) throw fail('backup.nothing', { dataDir })
  const lack = lackOfRoom(folder, bytes)
  if (lack !== null) throw fail('backup.diskFull', { path: folder, ...lack })
}

/**
 * Errors: those of `checkBackup`; UNAVAILABLE (disk full meanwhile, not writable, a file that cannot be read),
 * DB_CORRUPT (a copy that does not pass its check). Nothing is left of a copy that failed.
 */
export async function makeBackup(options: MakeBackupOptions): Promise<MadeBackup> {
  const { dataDir, folder, clock } = options
  checkBackup(options)
  const startedAt = clock.now()
  const target = freeName(folder, startedAt)
  const partial = join(folder, partialName(basename(target)))
  let clear = (): void => undefined
  try {
    try {
      clear = markPartial(dataDir, partial)
      makeFolder(folder)
      rmSync(partial, { recursive: true, force: true })
      makeFolder(partial)
      const files = await copyAll(options, partial)
      const bytes = writeManifest(options, { partial, startedAt, files })
      renameSync(partial, target)
      syncFolder(folder)
      return { path: target, bytes, files: files.length }
    } catch (error) {
      throw asFailure(error, options)
    }
  } finally {
    // After the rename there is none.
    clear()
  }
}

function freeName(folder: string, at: EpochMs): string {
  const first = join(folder, copyName(at))
  for (let number = 1; number < NAMES_MAX; number += 1) {
    const path = number === 1 ? first : `${first}-${number}`
    if (!existsSync(path)) return path
  }
  throw fail('backup.notWritable', { path: folder, error: 'EEXIST' })
}

type ManifestFile = Manifest['files'][number]

async function copyAll(options: MakeBackupOptions, partial: string): Promise<ManifestFile[]> {
  const { dataDir, onProgress, signal } = options
  const groups = [sellerDatabases(dataDir), exchangeDatabases(dataDir)]
  for (const { path } of groups.flat()) makeFolder(dirname(join(partial, path)))
  const taskOf = ({ path }: FolderFile): CopyTask => ({
    kind: 'snapshot',
    from: join(dataDir, path),
    to: join(partial, path),
  })
  const outcome = await copyDatabases({
    groups: groups.map((group) => group.map(taskOf)),
    onProgress,
    ...(signal === undefined ? {} : { signal }),
  })
  if ('problem' in outcome) throw failureOf(outcome.problem, options)
  const copied = new Map(outcome.copied.map((file): [string, CopiedFile] => [file.to, file]))
  const databases = groups.flat().map(({ path, kind }): ManifestFile => {
    const { bytes, sha256, version } = copied.get(join(partial, path))!
    return { path, kind, bytes, sha256, version }
  })
  return [...databases, ...copySecrets(dataDir, partial)]
}

/** After the databases: a key is never newer than the history it is copied with. */
function copySecrets(dataDir: string, partial: string): ManifestFile[] {
  return secretFiles(dataDir).map(({ path, kind }): ManifestFile => {
    const text = readSecretFile(join(dataDir, path)) ?? ''
    makeFolder(dirname(join(partial, path)))
    writeSecretFile(join(partial, path), text)
    return { path, kind, bytes: Buffer.byteLength(text), sha256: sha256Hex(text), version: null }
  })
}

function writeManifest(
  { dataDir, automatic, app, clock }: MakeBackupOptions,
  { partial, startedAt, files }: { partial: string; startedAt: EpochMs; files: ManifestFile[] },
): number {
  const text = manifestText({
    app,
    startedAt,
    madeAt: clock.now(),
    automatic,
    publicKey: readKeyText(join(dataDir, 'seller.key'))?.key.publicKey ?? null,
    files,
    notIncluded: { models: modelFiles(dataDir) },
  })
  writeSecretFile(join(partial, MANIFEST), text)
  for (const folder of new Set(files.map(({ path }) => dirname(join(partial, path))))) syncFolder(folder)
  syncFolder(partial)
  return files.reduce((sum, { bytes }) => sum + bytes, Buffer.byteLength(text))
}

function diskFull({ dataDir, folder }: MakeBackupOptions): StokerError {
  const bytes = bytesToCopy(dataDir)
  const lack = lackOfRoom(folder, bytes) ?? { neededMib: Math.ceil(bytes / 1_048_576), freeMib: 0 }
  return fail('backup.diskFull', { path: folder, ...lack })
}

function failureOf({ kind, file, detail }: CopyProblem, options: MakeBackupOptions): StokerError {
  if (kind === 'full') return diskFull(options)
  if (kind === 'damaged') return fail('backup.damaged', { file, problem: detail })
  return fail('backup.readFailed', { file, error: detail })
}

function asFailure(error: unknown, options: MakeBackupOptions): unknown {
  if (options.signal?.aborted === true) return error
  if (isFull(error)) return diskFull(options)
  if (error instanceof StokerError) return error
  return fail('backup.notWritable', { path: options.folder, error: systemCode(error) }, { cause: error })
}
