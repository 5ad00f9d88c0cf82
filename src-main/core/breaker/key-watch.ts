/** Whether the file of the seller's key still is there, looked at beside everything else: its disk may hang. */
import { existsSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'

import { SECOND_MS } from '#contract/time.ts'
import { parseKeyText } from '#lib/ed25519.ts'

/** The file of the key this rig sells under. */
export interface SellerKeyFile {
  path: string
  publicKey: string
}

export const KEY_LOOK_MS = 2 * SECOND_MS
/** A key's file has 119 bytes. */
const KEY_BYTES_MAX = 65_536

/** Whether the file holds this key; false also where it cannot be read. */
async function holdsKey({ path, publicKey }: SellerKeyFile): Promise<boolean> {
  try {
    if ((await stat(path)).size > KEY_BYTES_MAX) return false
    return parseKeyText(await readFile(path, 'utf8'), path).key.publicKey === publicKey
  } catch {
    return false
  }
}

/**
 * From now on; the returned look resolves to the path where the key was there and is not now, to null when it stands.
 * Where it never was a file (a key that was handed in) there is nothing to miss.
 */
export function watchKey(file: SellerKeyFile): () => Promise<string | null> {
  const had = existsSync(file.path)
  return async () => (had && !(await holdsKey(file)) ? file.path : null)
}
