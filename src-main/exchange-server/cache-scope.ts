/**
 * Whose prefixes a job may share: an HMAC of the buyer under a secret of the exchange that changes with the day, so that a
 * supplier can tell a buyer's jobs of one day apart from others' and no more. docs/protocol.md, Jobs.
 */
import { DAY_MS } from '#contract/time.ts'
import { hmacSha256Hex } from '#lib/canonical.ts'

import type { ExchangeContext } from './exchange-context.ts'
import { readMeta, writeMeta } from './store/buyers.store.ts'

const SECRET_META = 'cache-scope-secret'
const SECRET_BYTES = 32

/** 64 hexadecimal characters. */
export function cacheScopeOf(context: ExchangeContext, buyerId: string): string {
  return hmacSha256Hex(secretOf(context), `${Math.floor(context.clock.now() / DAY_MS)}\n${buyerId}`)
}

function secretOf({ db, ids }: ExchangeContext): string {
  const stored = readMeta(db.read, SECRET_META)
  if (stored !== null) return stored
  const made = ids.secret(SECRET_BYTES)
  db.tx((write) => writeMeta(write, SECRET_META, made))
  return made
}
