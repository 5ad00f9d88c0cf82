/**
 * Watches open databases: are they there, can they be written, is there room, are their pages whole? Looks every two
 * seconds without writing; only where the last write failed, one that changes nothing is tried. Pages are checked in a
 * thread: at the start where the last end was not clean, and daily.
 */
import { accessSync, constants, existsSync, statfsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

import { fail, type StokerError } from '#contract/errors.ts'
import { DAY_MS, SECOND_MS, type Clock } from '#contract/time.ts'
import { diskFailure } from '#lib/disk-failure.ts'
import { every } from '#lib/every.ts'
import type { Log } from '#lib/log.ts'

import { checkFile } from './check-file.ts'
import { copyAdvice } from './copies.ts'
import type { Db } from './db-types.ts'

export interface FileHealth {
  /** What stands in the way of using this database, or any of them; null when nothing does. */
  trouble(db?: Db): StokerError | null
  /** The same, looked at now; where the last write failed, one that changes nothing is tried. */
  look(db: Db): StokerError | null
  start(): void
  stop(): void
}

export interface FileHealthOptions {
  dbs: readonly Db[]
  clock: Clock
  log: Log
  /** Files that need no check at the start. */
  isClean: (path: string) => boolean
  /** Told after every change of one database; null when it is well again. */
  onChange: (trouble: StokerError | null, db: Db) => void
}

const LOOK_MS = 2 * SECOND_MS
/** A job's rows and the log of a commit need some; so much must be free again before work goes on. */
const ROOM_BYTES = { stop: 1 << 20, go: 4 << 20 } as const

/** Bytes that this process may still write; null where the system does not say. */
function roomAt(folder: string): number | null {
  try {
    const { bsize, blocks, bavail, bfree } = statfsSync(folder)
    // Some file systems of networks say nothing.
    if (blocks === 0) return null
    return bsize * (process.getuid?.() === 0 ? bfree : bavail)
  } catch {
    return null
  }
}

/** What stays when a file is renamed, and is another when it is made anew; null where there is none. */
function identityOf(path: string): string | null {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false })
  return found === undefined ? null : `${found.dev}:${found.ino}`
}

/** Found without a write. `opened` is the file that was opened: another one in its place is not ours. */
function outside(path: string, opened: string | null, room: number): StokerError | null {
  try {
    if (!existsSync(dirname(path))) return fail('disk.gone', { path: dirname(path) })
    if (identityOf(path) !== opened) return fail('disk.gone', { path })
    for (const file of [path, `${path}-wal`, `${path}-shm`]) if (existsSync(file)) accessSync(file, constants.W_OK)
  } catch (error) {
    return diskFailure(error, path)
  }
  const left = roomAt(dirname(path))
  return left !== null && left < room ? fail('disk.full', { path: dirname(path) }) : null
}

export function watchFiles({ dbs, clock, log, isClean, onChange }: FileHealthOptions): FileHealth {
  const opened = new Map(dbs.map((db) => [db, identityOf(db.path)]))
  const found = new Map<Db, StokerError>()
  const damaged = new Map<Db, StokerError>()
  const stopping = new AbortController()

  const find = (db: Db): StokerError | null => {
    const lasting = damaged.get(db)
    if (lasting !== undefined) return lasting
    const known = found.get(db)
    const room = known?.code === 'DISK_FULL' ? ROOM_BYTES.go : ROOM_BYTES.stop
    const reason = outside(db.path, opened.get(db) ?? null, room)
    if (reason !== null) return reason
    const failed = db.trouble()
    return failed === null || (failed.code !== 'DB_CORRUPT' && db.tryWrite()) ? null : failed
  }
  const set = (db: Db, trouble: StokerError | null): void => {
    const before = found.get(db)
    if (before?.message === trouble?.message) return
    if (trouble === null) found.delete(db)
    else found.set(db, trouble)
    if (trouble === null) log.warn({ path: db.path }, 'the database can be used again')
    else log.error({ err: trouble }, 'a database cannot be used')
    onChange(trouble, db)
  }
  const look = (db: Db): StokerError | null => {
    const trouble = find(db)
    set(db, trouble)
    return trouble
  }
  const lookAtAll = (): void => {
    for (const db of dbs) look(db)
  }
  const checkPages = async (which: readonly Db[]): Promise<void> => {
    for (const db of which) {
      const { path } = db
      if (damaged.has(db) || !existsSync(path)) continue
      const [problem] = await checkFile(path, 'quick', { signal: stopping.signal })
      if (problem === undefined) continue
      damaged.set(db, fail('db.damaged', { path, problem, advice: copyAdvice(path) }, { data: { path } }))
      look(db)
    }
  }
  const onError = (error: unknown): void => {
    if (!stopping.signal.aborted) log.warn({ err: error }, 'the databases could not be looked at; it is tried again')
  }
  return {
    trouble: (db) => (db === undefined ? [...found.values()][0] : found.get(db)) ?? null,
    look,
    start() {
      every(clock, LOOK_MS, lookAtAll, { signal: stopping.signal, onError })
      every(clock, DAY_MS, () => checkPages(dbs), { signal: stopping.signal, onError })
      const unclean = dbs.filter(({ path }) => !isClean(path))
      if (unclean.length > 0) checkPages(unclean).catch(onError)
    },
    stop: () => stopping.abort(new Error('the databases are closed')),
  }
}
