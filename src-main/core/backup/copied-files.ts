/** Which files of a data folder a copy holds. */
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

import { EMBEDDED_VENUE } from '#contract/embedded-venue.ts'

export type FileKind = 'rig' | 'venue' | 'exchange' | 'secret'

/** Below the data folder, with `/`. */
export interface FolderFile {
  readonly path: string
  readonly kind: FileKind
}

const VENUES = 'venues'
const FILES_MAX = 1_000

function namesIn(dir: string): string[] {
  try {
    return readdirSync(dir).toSorted().slice(0, FILES_MAX)
  } catch {
    return []
  }
}

/** The seller's databases. */
export const sellerDatabases = (dataDir: string): FolderFile[] =>
  [
    { path: 'rig.db', kind: 'rig' as const },
    { path: EMBEDDED_VENUE.file, kind: 'venue' as const },
    ...namesIn(join(dataDir, VENUES))
      .filter((name) => name.endsWith('.db'))
      .map((name) => ({ path: `${VENUES}/${name}`, kind: 'venue' as const })),
  ].filter(({ path }) => existsSync(join(dataDir, path)))

export const exchangeDatabases = (dataDir: string): FolderFile[] =>
  [{ path: 'exchange/exchange.db', kind: 'exchange' as const }].filter(({ path }) => existsSync(join(dataDir, path)))

/** Keys, also those that were replaced, and the keys of servers the owner connected. */
export const secretFiles = (dataDir: string): FolderFile[] =>
  [
    ...namesIn(dataDir).filter((name) => name === 'seller.key' || name.startsWith('seller.key.retired-')),
    'remote-keys.json',
    'exchange/exchange.key',
  ]
    .filter((path) => existsSync(join(dataDir, path)))
    .map((path) => ({ path, kind: 'secret' as const }))

const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0

/** Bytes that a copy will take at most: a database's log is part of it. */
export const bytesToCopy = (dataDir: string): number =>
  [...sellerDatabases(dataDir), ...exchangeDatabases(dataDir), ...secretFiles(dataDir)].reduce(
    (sum, { path }) => sum + sizeOf(join(dataDir, path)) + sizeOf(join(dataDir, `${path}-wal`)),
    0,
  )

/** Uploaded model files, which no copy holds: they are large, and their hashes say which they are. */
export function modelFiles(dataDir: string): { files: number; bytes: number } {
  const sizes = namesIn(join(dataDir, 'models')).map((name) => sizeOf(join(dataDir, 'models', name)))
  return { files: sizes.length, bytes: sizes.reduce((sum, size) => sum + size, 0) }
}

/** Everything of now that a restored copy takes the place of, with logs and copies made before migrations. */
export function replacedFiles(dataDir: string): string[] {
  const isState = (name: string): boolean =>
    /^(?:.+\.db(?:-wal|-shm|\.before-\d+)?|seller\.key(?:\.retired-\d+)?|exchange\.key|remote-keys\.json|restored\.json)$/.test(
      name,
    ) && !name.startsWith('lock.db')
  const below = (dir: string): string[] =>
    namesIn(join(dataDir, dir))
      .filter(isState)
      .map((name) => (dir === '' ? name : `${dir}/${name}`))
  return [...below(''), ...below(VENUES), ...below('exchange')]
}
