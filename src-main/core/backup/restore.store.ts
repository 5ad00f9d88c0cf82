/**
 * Puts a copy in the place of what lies in a data folder, which is kept aside. Everything is read, checked against its
 * hash and by SQLite, and written beside the old before anything of the old is touched.
 */
import { existsSync, readFileSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'

import { fail, StokerError } from '#contract/errors.ts'
import type { Clock } from '#contract/time.ts'
import { copyDatabases, type CopyProblem, type CopyProgress, type CopyTask } from '#db/copy-databases.ts'
import { sha256Hex } from '#lib/canonical.ts'
import type { IdSource } from '#lib/id-source.ts'
import { writeSecretFile } from '#lib/secret-file.ts'

import { replacedFiles } from './copied-files.ts'
import { isFull, lackOfRoom, makeFolder, mib, syncFolder, systemCode } from './disk.ts'
import { newestCopy } from './kept-copies.ts'
import { hasManifest, readManifest, type Manifest } from './manifest.ts'
import { beginSwap, finishRestore, stagedFolder } from './restore-journal.ts'
import { RESTORED, restoredText } from './restored.ts'
import { startsHere } from './restores.store.ts'

const SECRET_BYTES_MAX = 65_536
const ID_BYTES = 16
const EXCHANGE = 'exchange/'

/** The newest format of each kind of database that this Stoker knows. */
export type KnownVersions = Readonly<Record<'rig' | 'venue' | 'exchange', number>>

export interface RestoreOptions {
  /** Locked by the caller, its exchange too. */
  dataDir: string
  /** The copy itself. */
  from: string
  newest: KnownVersions
  clock: Pick<Clock, 'now'>
  ids: Pick<IdSource, 'secret'>
  /** Leaves the embedded exchange as it is here: being newer, it gives back what happened since the copy. */
  keepExchange?: boolean
  onProgress: (progress: CopyProgress) => void
  signal?: AbortSignal
}

export interface RestoreDone {
  manifest: Manifest
  /** Where what was here is kept; null where there was nothing. */
  aside: string | null
}

/** The copy that a path names: itself, or the newest one in it. Errors: NOT_FOUND; those of `readManifest`. */
export function findCopy(path: string): { path: string; manifest: Manifest } {
  const found = hasManifest(path) ? path : newestCopy(path)
  if (found === null) throw fail('restore.none', { path })
  return { path: found, manifest: readManifest(found) }
}

/**
 * Errors, all of them with the folder as it was: DB_FROM_FUTURE (written by a newer Stoker), BAD_REQUEST (changed,
 * incomplete), DB_CORRUPT, UNAVAILABLE (no room, not writable).
 */
export async function restore(options: RestoreOptions): Promise<RestoreDone> {
  const { dataDir, from, newest, clock } = options
  finishRestore(dataDir)
  const whole = readManifest(from)
  const isTaken = (path: string): boolean => options.keepExchange !== true || !path.startsWith(EXCHANGE)
  const manifest = { ...whole, files: whole.files.filter(({ path }) => isTaken(path)) }
  checkFiles(from, manifest, newest)
  const staged = stagedFolder(dataDir)
  const bytes = manifest.files.reduce((sum, file) => sum + file.bytes, 0)
  const lack = lackOfRoom(dataDir, bytes)
  if (lack !== null) throw fail('restore.diskFull', { path: dataDir, ...lack })
  try {
    rmSync(staged, { recursive: true, force: true })
    makeFolder(staged)
    await stage(options, manifest, staged)
  } catch (error) {
    rmSync(staged, { recursive: true, force: true })
    throw asFailure(error, dataDir, bytes)
  }
  // A key that no copy brings back stays where it is.
  const bringsKey = manifest.files.some(({ path }) => path === SELLER_KEY)
  const outgoing = replacedFiles(dataDir).filter((path) => isTaken(path) && (bringsKey || path !== SELLER_KEY))
  const aside = asideName(dataDir, clock.now())
  beginSwap(dataDir, { aside, outgoing, incoming: [...manifest.files.map(({ path }) => path), RESTORED] })
  finishRestore(dataDir)
  return { manifest, aside: outgoing.length === 0 ? null : join(dataDir, aside) }
}

const SELLER_KEY = 'seller.key'
const ASIDE_MAX = 100

/** A folder of its own for what was here, in the data folder: models and the window's own files stay where they are. */
function asideName(dataDir: string, now: number): string {
  const first = `before-restore-${new Date(now).toISOString().slice(0, 19).replaceAll(':', '-')}`
  for (let number = 1; number < ASIDE_MAX; number += 1) {
    const name = number === 1 ? first : `${first}-${number}`
    if (!existsSync(join(dataDir, name))) return name
  }
  throw fail('restore.notWritable', { path: dataDir, error: 'EEXIST' })
}

/** What can be told without reading gigabytes. */
function checkFiles(from: string, { files, app }: Manifest, newest: KnownVersions): void {
  for (const { path, kind, version, bytes } of files) {
    const known = kind === 'secret' ? null : newest[kind]
    if (known !== null && version !== null && version > known)
      throw fail('restore.newer', { file: path, version, newest: known, app })
    const stat = statSync(join(from, path), { throwIfNoEntry: false })
    if (stat === undefined) throw fail('restore.fileMissing', { file: path })
    if (stat.size !== bytes) throw fail('restore.changed', { file: path })
  }
}

async function stage(options: RestoreOptions, manifest: Manifest, staged: string): Promise<void> {
  const { from, onProgress, signal, clock, ids } = options
  for (const { path } of manifest.files) makeFolder(dirname(join(staged, path)))
  const databases = manifest.files.filter(({ kind }) => kind !== 'secret')
  const tasks = databases.map(({ path, sha256 }): CopyTask => ({
    kind: 'file',
    from: join(from, path),
    to: join(staged, path),
    sha256,
  }))
  const outcome = await copyDatabases({
    groups: tasks.length === 0 ? [] : [tasks],
    onProgress,
    ...(signal === undefined ? {} : { signal }),
  })
  if ('problem' in outcome) throw failureOf(outcome.problem, options)
  for (const { path, kind, sha256 } of manifest.files) if (kind === 'secret') stageSecret(from, staged, path, sha256)
  const { madeAt, app } = manifest
  writeSecretFile(
    join(staged, RESTORED),
    restoredText({ id: ids.secret(ID_BYTES), at: clock.now(), madeAt, from, app, starts: startsHere(options.dataDir) }),
  )
  for (const folder of new Set(manifest.files.map(({ path }) => dirname(join(staged, path))))) syncFolder(folder)
  syncFolder(staged)
}

function stageSecret(from: string, staged: string, path: string, sha256: string): void {
  const source = join(from, path)
  const text = statSync(source).size > SECRET_BYTES_MAX ? '' : readFileSync(source, 'utf8')
  if (sha256Hex(text) !== sha256) throw fail('restore.changed', { file: path })
  writeSecretFile(join(staged, path), text)
}

class Full extends Error {}

function failureOf({ kind, file, detail }: CopyProblem, { dataDir }: RestoreOptions): Error {
  if (kind === 'full') return new Full()
  if (kind === 'changed') return fail('restore.changed', { file })
  if (kind === 'damaged') return fail('restore.damaged', { file, problem: detail })
  return fail('restore.notWritable', { path: dataDir, error: `${file}: ${detail}` })
}

function asFailure(error: unknown, dataDir: string, bytes: number): unknown {
  if (error instanceof Full || isFull(error))
    return fail('restore.diskFull', {
      path: dataDir,
      ...(lackOfRoom(dataDir, bytes) ?? { neededMib: mib(bytes), freeMib: 0 }),
    })
  if (error instanceof StokerError) return error
  if (!existsSync(dataDir) || (error as { code?: string }).code !== undefined)
    return fail('restore.notWritable', { path: dataDir, error: systemCode(error) }, { cause: error })
  return error
}
