/** Keys of remote servers, by address, in a file only its owner may read: never in a database, a log or an answer. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'

import { z } from 'zod'

import { fail } from '#contract/errors.ts'
import { readSecretFile, writeSecretFile } from '#lib/secret-file.ts'

const FILE = 'remote-keys.json'
/** Secret files are read up to 64 KiB. */
const BYTES_MAX = 60_000

const kept = z.object({ v: z.literal(1), keys: z.record(z.string(), z.string()) })

export interface RemoteKeys {
  of(url: string): string | null
  /** Sets the keys of these addresses, null for none. Error TOO_LARGE. */
  set(changes: ReadonlyMap<string, string | null>): void
}

export function createRemoteKeys(dataDir: string): RemoteKeys {
  const path = join(dataDir, FILE)
  const read = (): Map<string, string> => {
    const text = readSecretFile(path)
    if (text === null) return new Map()
    try {
      return new Map(Object.entries(kept.parse(JSON.parse(text)).keys))
    } catch {
      throw fail('remote.keysDamaged', { path })
    }
  }
  return {
    of: (url) => read().get(url) ?? null,
    set(changes) {
      const keys = read()
      const before = keys.size
      for (const [url, key] of changes) {
        if (key === null) keys.delete(url)
        else keys.set(url, key)
      }
      if (before === 0 && keys.size === 0) return
      if (keys.size === 0) return rmSync(path, { force: true })
      const text = JSON.stringify({ v: 1, keys: Object.fromEntries(keys) })
      if (Buffer.byteLength(text) > BYTES_MAX) throw fail('remote.keysTooLarge')
      writeSecretFile(path, text)
    },
  }
}
