/** Reads model files: their stamp, and their SHA-256 in steps small enough to leave the event loop free. */
import { createHash } from 'node:crypto'
import { open, stat } from 'node:fs/promises'

import { fail, type StokerError } from '#contract/errors.ts'

import { sameStamp, type FileStamp, type ModelPart } from './models.ts'

/** One step of hashing: about a millisecond of work. */
const CHUNK_BYTES = 1_048_576
/** A report for every so many bytes, besides the first and the last. */
const REPORT_BYTES = 32 * CHUNK_BYTES

export type Hashing =
  | { kind: 'hashing'; doneBytes: number; totalBytes: number }
  | { kind: 'hashed'; sha256: string; stamp: FileStamp }

const unreadable = (path: string, cause: unknown): StokerError =>
  fail(
    'model.fileUnreadable',
    { path },
    {
      data: { path },
      cause,
    },
  )

/** Null when there is no regular file at the path (or none we may see). */
export async function stampOf(path: string): Promise<FileStamp | null> {
  try {
    const found = await stat(path)
    if (!found.isFile()) return null
    return { sizeBytes: found.size, mtimeMs: found.mtimeMs, ctimeMs: found.ctimeMs, inode: String(found.ino) }
  } catch {
    return null
  }
}

/**
 * Hashes the file, reporting on the way; the last value holds the SHA-256. Stops at once when `signal` aborts or the
 * reader returns. Errors: MODEL_UNREADABLE, MODEL_EMPTY, MODEL_CHANGED (it grew or was replaced while being read),
 * CANCELLED.
 */
export async function* hashFile(path: string, signal?: AbortSignal): AsyncGenerator<Hashing, void, void> {
  const before = await stampOf(path)
  if (before === null) throw unreadable(path, undefined)
  if (before.sizeBytes === 0) throw fail('model.fileEmpty', { path }, { data: { path } })
  const file = await open(path, 'r').catch((error: unknown) => {
    throw unreadable(path, error)
  })
  try {
    const hash = createHash('sha256')
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES)
    const totalBytes = before.sizeBytes
    let doneBytes = 0
    let reportAt = 0
    while (doneBytes < totalBytes) {
      if (doneBytes >= reportAt) {
        yield { kind: 'hashing', doneBytes, totalBytes }
        reportAt = doneBytes + REPORT_BYTES
      }
      if (signal?.aborted === true) throw fail('model.importStopped')
      const { bytesRead } = await file
        .read(chunk, 0, Math.min(CHUNK_BYTES, totalBytes - doneBytes), doneBytes)
        .catch((error: unknown) => {
          throw unreadable(path, error)
        })
      if (bytesRead === 0) break
      hash.update(chunk.subarray(0, bytesRead))
      doneBytes += bytesRead
    }
    const after = await stampOf(path)
    if (doneBytes !== totalBytes || after === null || !sameStamp(before, after))
      throw fail('model.changedWhileRead', { path }, { data: { path } })
    yield { kind: 'hashing', doneBytes, totalBytes }
    yield { kind: 'hashed', sha256: hash.digest('hex'), stamp: before }
  } finally {
    await file.close()
  }
}

/** The SHA-256 without the reports. Errors as hashFile. */
export async function sha256OfFile(path: string, signal?: AbortSignal): Promise<{ sha256: string; stamp: FileStamp }> {
  for await (const step of hashFile(path, signal)) if (step.kind === 'hashed') return step
  throw unreadable(path, undefined)
}

/** Of each path; null where there is no regular file. A model has at most a thousand. */
export const stampsOf = (paths: readonly string[]): Promise<(FileStamp | null)[]> => Promise.all(paths.map(stampOf))

/**
 * Hashes the files one after another and reports on all of them together; the last value holds the parts. Errors as
 * hashFile.
 */
export async function* hashFiles(
  paths: readonly string[],
  signal?: AbortSignal,
): AsyncGenerator<Extract<Hashing, { kind: 'hashing' }> | { kind: 'parts'; parts: ModelPart[] }, void, void> {
  const sizes = (await stampsOf(paths)).map((stamp) => stamp?.sizeBytes ?? 0)
  const totalBytes = sizes.reduce((sum, size) => sum + size, 0)
  const parts: ModelPart[] = []
  let before = 0
  for (const path of paths) {
    for await (const step of hashFile(path, signal)) {
      if (step.kind === 'hashed') parts.push({ path, sha256: step.sha256, ...step.stamp })
      // The end of one file is the beginning of the next.
      else if (step.doneBytes > 0 || before === 0) yield { ...step, doneBytes: before + step.doneBytes, totalBytes }
    }
    before += parts.at(-1)?.sizeBytes ?? 0
  }
  yield { kind: 'parts', parts }
}
