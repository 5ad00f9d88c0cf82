/**
 * A model dropped on the page: streamed to DIR/models, bounded by the disk and 64 GiB, removed again when it breaks
 * off.
 */
import { createWriteStream, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { rename, rm, statfs, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ReadableStream } from 'node:stream/web'

import { fail, StokerError } from '#contract/errors.ts'
import type { IdSource } from '#lib/id-source.ts'

const UPLOAD_BYTES_MAX = 64 * 2 ** 30
/** Left free on the disk, so that the databases never meet a full one. */
const KEEP_FREE_BYTES = 512 * 2 ** 20
const NAME_TRIES = 100
const UPLOADS_AT_ONCE = 2

/**
 * The last path segment with only letters, digits, dot, dash and underscore; never hidden, never empty, at most 120
 * characters.
 */
export function safeModelName(name: string): string {
  const last = name.split(/[/\\]/).at(-1) ?? ''
  const safe = last
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[.-]+/, '')
    .slice(-120)
  return safe === '' ? 'model.gguf' : safe
}

const tooLarge = (limit: number): StokerError => fail('upload.tooLarge', { mib: Math.floor(limit / 2 ** 20) })

function counting(limit: number): Transform {
  let bytes = 0
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length
      if (bytes > limit) done(tooLarge(limit))
      else done(null, chunk)
    },
  })
}

/** Gives the finished part its name without ever replacing another file: `name`, then `name-2`, … */
async function claimName(dir: string, part: string, name: string): Promise<string> {
  const dot = name.lastIndexOf('.')
  const [stem, end] = dot > 0 ? [name.slice(0, dot), name.slice(dot)] : [name, '']
  for (let number = 1; number <= NAME_TRIES; number += 1) {
    const path = join(dir, number === 1 ? name : `${stem}-${number}${end}`)
    try {
      await writeFile(path, '', { flag: 'wx', mode: 0o600 })
      await rename(part, path)
      return path
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
  }
  throw fail('upload.sameName', { max: NAME_TRIES, name })
}

export interface Uploads {
  /** Stores one body. Errors: TOO_LARGE, UNAVAILABLE (too many at once, disk), CANCELLED (the sender broke off). */
  store(name: string, body: ReadableStream<Uint8Array> | null, declaredBytes: number | null): Promise<{ path: string }>
}

/** `limit` is lowered by tests only. */
export function createUploads(dataDir: string, ids: IdSource, limit: number = UPLOAD_BYTES_MAX): Uploads {
  const dir = join(dataDir, 'models')
  let running = 0
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  // Parts of a process that was killed in the middle.
  for (const name of readdirSync(dir)) if (name.startsWith('.upload-')) rmSync(join(dir, name), { force: true })

  const save = async (
    name: string,
    body: ReadableStream<Uint8Array>,
    declaredBytes: number | null,
  ): Promise<{ path: string }> => {
    const { bavail, bsize } = await statfs(dir)
    const bound = Math.min(limit, Math.max(0, bavail * bsize - KEEP_FREE_BYTES))
    if (declaredBytes !== null && declaredBytes > bound) throw tooLarge(bound)
    const part = join(dir, `.upload-${ids.next('part')}`)
    try {
      await pipeline(Readable.fromWeb(body), counting(bound), createWriteStream(part, { mode: 0o600, flush: true }))
      return { path: await claimName(dir, part, safeModelName(name)) }
    } catch (error) {
      if (error instanceof StokerError) throw error
      throw fail('upload.brokeOff', {}, { cause: error })
    } finally {
      await rm(part, { force: true })
    }
  }
  return {
    async store(name, body, declaredBytes) {
      if (body === null) throw fail('upload.noBody')
      if (running >= UPLOADS_AT_ONCE) throw fail('upload.full')
      running += 1
      try {
        return await save(name, body, declaredBytes)
      } finally {
        running -= 1
      }
    },
  }
}
