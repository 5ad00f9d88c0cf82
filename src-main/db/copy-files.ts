/**
 * Copies databases, checks and hashes them: what the thread of `copyDatabases` does. It opens connections of its own and
 * tells how far it is.
 */
import { createHash } from 'node:crypto'
import { closeSync, fsyncSync, openSync, readSync, statSync, writeSync } from 'node:fs'
import { basename } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'

import Database from 'better-sqlite3'

import { checkNow } from './check-file.ts'
import { copyPages } from './copy-pages.ts'
import type { CopiedFile, CopyOutcome, CopyProblem, CopyProgress, CopyTask } from './copy-tasks.ts'
import type { CopyGroupsTask } from './db-task.ts'
import { BUSY_TIMEOUT_MS } from './open.ts'

const CHUNK_BYTES = 1_048_576
const TELL_EVERY_MS = 100

type OnProgress = (progress: CopyProgress) => void

/** At most ten times a second. */
function seldom(onProgress: OnProgress): OnProgress {
  let toldAt = -TELL_EVERY_MS
  return (progress) => {
    const now = performance.now()
    if (now - toldAt < TELL_EVERY_MS) return
    toldAt = now
    onProgress(progress)
  }
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
  const sqlite = new Database(path, { readonly: true, fileMustExist: true, timeout: BUSY_TIMEOUT_MS })
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

async function copySnapshot(source: Database.Database, { from, to }: CopyTask, onProgress: OnProgress): Promise<void> {
  const file = basename(from)
  closeSync(openSync(to, 'wx', 0o600))
  await copyPages(source, to, (done, total) => onProgress({ file, step: 'copying', done, total }))
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

async function copyFile({ from, to, sha256 }: CopyTask, onProgress: OnProgress): Promise<void> {
  const file = basename(from)
  const total = statSync(from).size
  const hash = createHash('sha256')
  const target = openSync(to, 'wx', 0o600)
  try {
    await eachChunk(from, (chunk, done) => {
      hash.update(chunk)
      for (let written = 0; written < chunk.length;) written += writeSync(target, chunk, written)
      onProgress({ file, step: 'copying', done, total })
    })
    fsyncSync(target)
  } finally {
    closeSync(target)
  }
  if (sha256 !== undefined && hash.digest('hex') !== sha256) throw new Refused('changed', 'sha256')
}

async function check({ from, to }: CopyTask, onProgress: OnProgress): Promise<CopiedFile> {
  onProgress({ file: basename(from), step: 'checking', done: 0, total: 0 })
  await turn()
  const found = checkNow({ kind: 'check', path: to, depth: 'quick' })
  if (found.length > 0) throw new Refused('damaged', found.join('; ').replaceAll(/\s+/g, ' ').slice(0, 200))
  const version = versionOf(to)
  const hash = createHash('sha256')
  await eachChunk(to, (chunk) => hash.update(chunk))
  const copy = openSync(to, 'r+')
  fsyncSync(copy)
  closeSync(copy)
  return { to, bytes: statSync(to).size, sha256: hash.digest('hex'), version }
}

/** Its `user_version`. */
function versionOf(path: string): number {
  const sqlite = new Database(path, { readonly: true, fileMustExist: true })
  try {
    return sqlite.pragma('user_version', { simple: true }) as number
  } finally {
    sqlite.close()
  }
}

async function copyGroup(group: readonly CopyTask[], onProgress: OnProgress): Promise<CopyOutcome> {
  const snapshots = new Map<CopyTask, Database.Database>()
  const copied: CopiedFile[] = []
  const telling = seldom(onProgress)
  let file = ''
  try {
    for (const task of group) {
      file = basename(task.from)
      if (task.kind === 'snapshot') snapshots.set(task, snapshotOf(task.from))
    }
    for (const task of group) {
      file = basename(task.from)
      const source = snapshots.get(task)
      if (source === undefined) await copyFile(task, telling)
      else await copySnapshot(source, task, telling)
      source?.close()
      copied.push(await check(task, onProgress))
    }
    return { copied }
  } catch (error) {
    return { problem: problemOf(error, file) }
  } finally {
    for (const source of snapshots.values()) if (source.open) source.close()
  }
}

/** Group by group, up to the first problem. */
export async function copyNow({ groups }: CopyGroupsTask, onProgress: OnProgress): Promise<CopyOutcome> {
  const copied: CopiedFile[] = []
  for (const group of groups) {
    const outcome = await copyGroup(group, onProgress)
    if ('problem' in outcome) return outcome
    copied.push(...outcome.copied)
  }
  return { copied }
}
