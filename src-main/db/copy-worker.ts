/**
 * The thread that copies databases: reading, writing, checking and hashing gigabytes would hold whoever else lives in
 * the process. It opens connections of its own and tells how far it is.
 */
import { createHash } from 'node:crypto'
import { closeSync, fsyncSync, openSync, readSync, statSync, writeSync } from 'node:fs'
import { basename } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'

import Database from 'better-sqlite3'

import type { CopiedFile, CopyGroups, CopyMessage, CopyProblem, CopyProgress, CopyTask } from './copy-tasks.ts'

/** Pages of one call: 8 MB where a page has 4 KiB. Between two calls the thread can be ended. */
const SLICE_PAGES = 2_000
const CHUNK_BYTES = 1_048_576
const BUSY_MS = 5_000
/** Lines of quick_check that are looked at: one is enough to refuse. */
const PROBLEMS = 3
const TELL_EVERY_MS = 100

const tell = (message: CopyMessage): void => parentPort?.postMessage(message)

let toldAt = 0
function tellProgress(progress: CopyProgress, always = false): void {
  const now = performance.now()
  if (!always && now - toldAt < TELL_EVERY_MS) return
  toldAt = now
  tell({ t: 'progress', progress })
}

/** A refusal of the copy; what SQLite or the system throws is told apart by its code. */
class Refused extends Error {
  readonly problem: Pick<CopyProblem, 'kind' | 'detail'>
  constructor(kind: CopyProblem['kind'], detail: string) {
    super(detail)
    this.problem = { kind, detail }
  }
}

function problemOf(error: unknown, file: string): CopyProblem {
  if (error instanceof Refused) return { ...error.problem, file }
  const { code = '', message = '' } = error as { code?: string; message?: string }
  const detail = code === '' ? message.slice(0, 200) : code
  if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'SQLITE_FULL') return { kind: 'full', file, detail }
  const isDamaged = code === 'SQLITE_NOTADB' || code.startsWith('SQLITE_CORRUPT')
  return { kind: isDamaged ? 'damaged' : 'failed', file, detail }
}

/** A connection whose read transaction holds the database as it is now, whoever writes meanwhile. */
function snapshotOf(path: string): Database.Database {
  const sqlite = new Database(path, { readonly: true, fileMustExist: true, timeout: BUSY_MS })
  try {
    sqlite.exec('BEGIN')
    // The first read takes the snapshot.
    sqlite.prepare('SELECT count(*) FROM sqlite_schema').get()
    return sqlite
  } catch (error) {
    sqlite.close()
    throw error
  }
}

async function copySnapshot(source: Database.Database, { from, to }: CopyTask): Promise<void> {
  const file = basename(from)
  closeSync(openSync(to, 'wx', 0o600))
  await source.backup(to, {
    progress({ totalPages, remainingPages }) {
      tellProgress({ file, step: 'copying', done: totalPages - remainingPages, total: totalPages })
      return SLICE_PAGES
    },
  })
  leaveWal(to)
}

/** The copy of a file in WAL mode says that it is one; a file alone is read by whoever cannot write beside it. */
function leaveWal(path: string): void {
  const sqlite = new Database(path)
  try {
    sqlite.pragma('journal_mode = DELETE')
  } finally {
    sqlite.close()
  }
}

/** Reads all of it, a chunk at a time. */
async function eachChunk(path: string, work: (chunk: Buffer, done: number) => void): Promise<void> {
  const source = openSync(path, 'r')
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES)
  try {
    let done = 0
    for (let read = 1; read > 0;) {
      read = readSync(source, buffer, 0, CHUNK_BYTES, null)
      done += read
      if (read > 0) work(buffer.subarray(0, read), done)
      await turn()
    }
  } finally {
    closeSync(source)
  }
}

async function copyFile({ from, to, sha256 }: CopyTask): Promise<void> {
  const file = basename(from)
  const total = statSync(from).size
  const hash = createHash('sha256')
  const target = openSync(to, 'wx', 0o600)
  try {
    await eachChunk(from, (chunk, done) => {
      hash.update(chunk)
      for (let written = 0; written < chunk.length;) written += writeSync(target, chunk, written)
      tellProgress({ file, step: 'copying', done, total })
    })
    fsyncSync(target)
  } finally {
    closeSync(target)
  }
  if (sha256 !== undefined && hash.digest('hex') !== sha256) throw new Refused('changed', 'sha256')
}

async function check({ from, to }: CopyTask): Promise<CopiedFile> {
  const file = basename(from)
  tellProgress({ file, step: 'checking', done: 0, total: 0 }, true)
  await turn()
  const sqlite = new Database(to, { readonly: true, fileMustExist: true })
  let version = 0
  try {
    const found = sqlite.prepare(`PRAGMA quick_check(${PROBLEMS})`).pluck().all() as string[]
    if (found[0] !== 'ok') throw new Refused('damaged', found.join('; ').replaceAll(/\s+/g, ' ').slice(0, 200))
    version = sqlite.pragma('user_version', { simple: true }) as number
  } finally {
    sqlite.close()
  }
  const hash = createHash('sha256')
  await eachChunk(to, (chunk) => hash.update(chunk))
  const copy = openSync(to, 'r+')
  fsyncSync(copy)
  closeSync(copy)
  return { to, bytes: statSync(to).size, sha256: hash.digest('hex'), version }
}

async function copyGroup(group: readonly CopyTask[]): Promise<CopyProblem | null> {
  const snapshots = new Map<CopyTask, Database.Database>()
  let file = ''
  try {
    for (const task of group) {
      file = basename(task.from)
      if (task.kind === 'snapshot') snapshots.set(task, snapshotOf(task.from))
    }
    for (const task of group) {
      file = basename(task.from)
      const source = snapshots.get(task)
      if (source === undefined) await copyFile(task)
      else await copySnapshot(source, task)
      source?.close()
      tell({ t: 'copied', file: await check(task) })
    }
    return null
  } catch (error) {
    return problemOf(error, file)
  } finally {
    for (const source of snapshots.values()) if (source.open) source.close()
  }
}

for (const group of workerData as CopyGroups) {
  const problem = await copyGroup(group)
  if (problem === null) continue
  tell({ t: 'problem', problem })
  break
}
