/** One-time login codes: ten minutes, single use, kept as hashes in memory only. */
import { sha256Hex } from '#lib/canonical.ts'
import type { IdSource } from '#lib/id-source.ts'
import { MINUTE_MS, type Clock } from '#contract/time.ts'

export const CODE_LIFE_MS = 10 * MINUTE_MS
/** Codes that may wait at once; one more drops the oldest. */
const CODES_MAX = 16

export interface LoginCodes {
  make(): string
  /** True once per code, and only within its ten minutes. */
  redeem(code: string): boolean
}

export function createLoginCodes(clock: Clock, ids: IdSource): LoginCodes {
  /** SHA-256 of the code → when it expires. Looked up by hash, so the time taken says nothing about a stored code. */
  const waiting = new Map<string, number>()
  return {
    make() {
      const code = ids.secret(24)
      if (waiting.size >= CODES_MAX) waiting.delete(waiting.keys().next().value ?? '')
      waiting.set(sha256Hex(code), clock.now() + CODE_LIFE_MS)
      return code
    },
    redeem(code) {
      const hash = sha256Hex(code)
      const expiresAt = waiting.get(hash)
      if (expiresAt === undefined) return false
      waiting.delete(hash)
      return clock.now() < expiresAt
    },
  }
}
