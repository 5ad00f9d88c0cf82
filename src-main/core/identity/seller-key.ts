/**
 * The seller's key: a file of the data folder. A folder with a history goes on under the key of that history and under
 * no other, unless its owner says so in so many words (`stoker key new`).
 */
import { join } from 'node:path'

import { fail } from '#contract/errors.ts'
import { createSigningKey, generateKeyText, readKeyText, type KeyText, type SigningKey } from '#lib/ed25519.ts'
import { writeSecretFile } from '#lib/secret-file.ts'

import type { FolderHistory } from './own-keys.store.ts'

/** What of the folder decides; each is read only where it is needed. */
export interface KeyFacts {
  noted(): string[]
  history(): Pick<FolderHistory, 'keys' | 'venues'>
}

export const sellerKeyPath = (dataDir: string): string => join(dataDir, 'seller.key')

/**
 * The key that the folder's history goes on under; a new one where nothing happened yet. Errors: NOT_FOUND `key.missing`
 * and CONFLICT `key.foreignHere` where there is a history; BAD_REQUEST for a file that is no key.
 */
export function keyOfHistory(dataDir: string, facts: KeyFacts): SigningKey {
  const path = sellerKeyPath(dataDir)
  const found = readKeyText(path)
  if (found !== null && facts.noted().includes(found.key.publicKey)) return found.key
  const { keys, venues } = facts.history()
  // A key under which nothing was sold and no exam was taken is worth nothing yet.
  if (venues.length === 0) return found?.key ?? createSigningKey(path)
  if (found === null) throw fail('key.missing', { path, key: keys[0] ?? '?' })
  if (keys.length > 0 && !keys.includes(found.key.publicKey))
    throw fail('key.foreignHere', { path, found: found.key.publicKey, key: keys[0]! })
  return found.key
}

/** Puts `next` in the place of the folder's key; a key that was there stays beside it. Returns where, or null. */
export function replaceSellerKey(dataDir: string, next: KeyText, now: number): string | null {
  const path = sellerKeyPath(dataDir)
  const before = readKeyText(path)
  if (before?.key.publicKey === next.key.publicKey) return null
  let aside: string | null = null
  if (before !== null) {
    aside = `${path}.retired-${now}`
    writeSecretFile(aside, before.pem)
  }
  writeSecretFile(path, next.pem)
  return aside
}

export const newSellerKey = (): KeyText => generateKeyText()

/**
 * Refuses a key that is none of this folder's history. Error: CONFLICT `key.foreign`. Any key may come into a folder in
 * which nothing happened.
 */
export function checkOfHistory(publicKey: string, { keys, venues }: Pick<FolderHistory, 'keys' | 'venues'>): void {
  if (venues.length > 0 && keys.length > 0 && !keys.includes(publicKey))
    throw fail('key.foreign', { found: publicKey, key: keys[0]! })
}
