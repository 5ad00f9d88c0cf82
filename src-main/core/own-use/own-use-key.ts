/** The owner's key: shown once, kept as a hash. 256 random bits need no slow hash. */
import { createHash, timingSafeEqual } from 'node:crypto'

import type { IdSource } from '#lib/id-source.ts'

const SECRET_BYTES = 32

export const newKey = (ids: IdSource): string => `sk-own-${ids.secret(SECRET_BYTES)}`

/** SHA-256 in hex. */
export const keyHash = (key: string): string => createHash('sha256').update(key, 'utf8').digest('hex')

/** In constant time; false where there is no key. */
export const sameKey = (key: string, hash: string | null): boolean =>
  hash !== null && timingSafeEqual(createHash('sha256').update(key, 'utf8').digest(), Buffer.from(hash, 'hex'))
