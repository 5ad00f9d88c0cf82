/**
 * The exchange's key: a file of its folder. Books that hold what a key signed go on under that key and no other: its
 * suppliers have pinned it, and their receipts are checked against it.
 */
import { join } from 'node:path'

import { fail } from '#contract/errors.ts'
import type { ReadDb } from '#db/db-types.ts'
import { createSigningKey, readKeyText, type SigningKey } from '#lib/ed25519.ts'

import { hasExamResults } from './store/supplier-exams.store.ts'
import { lastReceiptSigner } from './store/suppliers.store.ts'

export const exchangeKeyPath = (dir: string): string => join(dir, 'exchange.key')

/**
 * The key of these books; a new one where nothing was signed yet. Errors: NOT_FOUND `exchange.keyMissing` and CONFLICT
 * `exchange.keyForeign` where something was; BAD_REQUEST for a file that is no key.
 */
export function keyOfBooks(dir: string, db: ReadDb): SigningKey {
  const path = exchangeKeyPath(dir)
  const found = readKeyText(path)?.key
  const signer = lastReceiptSigner(db)
  if (found === undefined) {
    if (signer === null && !hasExamResults(db)) return createSigningKey(path)
    throw fail('exchange.keyMissing', { path, dir })
  }
  if (signer !== null && signer !== found.publicKey)
    throw fail('exchange.keyForeign', { path, dir, found: found.publicKey, key: signer })
  return found
}
