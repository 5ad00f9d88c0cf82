/** Fresh identifiers and secrets, injected so that tests can count. */
import { randomBytes } from 'node:crypto'

export interface IdSource {
  /**
   * `prefix_` and 24 characters of Crockford base32 (120 bits); the first 9 rise with time, so that ids sort by birth.
   */
  next(prefix: string): string
  /** `bytes` random bytes as base64url without padding. */
  secret(bytes: number): string
}

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'

export function randomIds(now: () => number): IdSource {
  return {
    next(prefix) {
      let time = now()
      let head = ''
      for (let at = 0; at < 9; at += 1) {
        head = ALPHABET[time % 32]! + head
        time = Math.floor(time / 32)
      }
      return `${prefix}_${head}${Array.from(randomBytes(15), (byte) => ALPHABET[byte % 32]).join('')}`
    },
    secret: (bytes) => randomBytes(bytes).toString('base64url'),
  }
}
