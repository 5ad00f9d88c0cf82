/** Reads model files: their stamp, and their SHA-256 in steps small enough to leave the event loop free. */
import { createHash } from 'node:crypto'
import { open, stat } from 'node:fs/promises'

import { fail, type StokerError } from '#contract/errors.ts'
import { brandId, type ModelSha256 } from '#contract/ids.ts'

import { sameStamp, type FileStamp } from './models.ts'

/** One step of hashing: about a millisecond of work. */
const CHUNK_BYTES = 1_048_576
/** A report for every so many bytes, besides the first and the last. */
const REPORT_BYTES = 32 * CHUNK_BYTES

export type Hashing =
  | { kind: 'hashing'; doneBytes: number; totalBytes: number }
  | { kind: 'hashed'; sha256: ModelSha256; stamp: FileStamp }

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
    return found.isFile() ? { sizeBytes: found.size, mtimeMs: found.mtimeMs } : null
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
    yield { kind: 'hashed', sha256: brandId<ModelSha256>(hash.digest('hex')), stamp: before }
  } finally {
    await file.close()
  }
}

/** The SHA-256 without the reports. Errors as hashFile. */
export async function sha256OfFile(
  path: string,
  signal?: AbortSignal,
): Promise<{ sha256: ModelSha256; stamp: FileStamp }> {
  for await (const step of hashFile(path, signal)) if (step.kind === 'hashed') return step
  throw unreadable(path, undefined)
}
