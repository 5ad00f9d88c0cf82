/** Canonical JSON (RFC 8785) and the hashes over it. */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'

import canonicalize from 'canonicalize'

/** RFC 8785 text of a JSON value. Throws TypeError for what JSON cannot hold (undefined at the top, NaN, functions). */
export function canonicalJson(value: unknown): string {
  const text = canonicalize(value)
  if (text === undefined) throw new TypeError('this value has no canonical JSON form')
  return text
}

/** Lower-case hexadecimal SHA-256. */
export const sha256Hex = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex')

/** HMAC-SHA-256 under a base64url salt, lower-case hexadecimal. */
export const hmacSha256Hex = (saltBase64url: string, data: string | Uint8Array): string =>
  createHmac('sha256', Buffer.from(saltBase64url, 'base64url')).update(data).digest('hex')

/** Compares two secrets in constant time, whatever their lengths. */
export function sameSecret(a: string, b: string): boolean {
  return timingSafeEqual(createHash('sha256').update(a).digest(), createHash('sha256').update(b).digest())
}
