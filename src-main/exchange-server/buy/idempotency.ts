/**
 * Which calls are the same call. By `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header), else by the count of
 * retries that OpenAI's generated clients send and the bytes of the body. Keys and bodies are known by their HMACs only.
 */
import { createHash, createHmac } from 'node:crypto'

import type { SigningKey } from '#lib/ed25519.ts'

import { LIMITS } from '../exchange-limits.ts'
import type { CallMacs } from '../jobs/routed-job.ts'
import { keyInvalid } from './buyer-errors.ts'

export interface CallIdentity extends CallMacs {
  /** Says of itself that it was sent before. */
  retry: boolean
}

export type IdentifyCall = (buyerId: string, headers: Headers, body: Uint8Array) => CallIdentity

/**
 * The MACs' secret is made from the exchange's key, so that it lives and moves with it and is in no file of its own: an
 * Ed25519 signature is always the same, and the exchange signs this text for nobody (its others begin otherwise).
 */
const SECRET_TEXT = 'stoker-idempotency-v1\n'

/** What a header may hold beside a control character; spaces at its ends never arrive. */
const KEY_PATTERN = /^[\x20-\x7e]+$/

/** The returned function throws ApiFailure 400 for a key that is none. */
export function callIdentities(key: SigningKey): IdentifyCall {
  const secret = createHash('sha256').update(key.sign(SECRET_TEXT)).digest()
  const macOf = (what: 'key' | 'body', buyerId: string, data: string | Uint8Array): string =>
    createHmac('sha256', secret).update(`${what}\n${buyerId}\n`).update(data).digest('hex')
  return (buyerId, headers, body) => {
    const given = headers.get('idempotency-key')
    if (given !== null && (given.length > LIMITS.idempotencyKeyChars || !KEY_PATTERN.test(given)))
      throw keyInvalid(LIMITS.idempotencyKeyChars)
    return {
      keyMac: given === null ? null : macOf('key', buyerId, given),
      bodyMac: macOf('body', buyerId, body),
      retry: /^[1-9]\d{0,5}$/.test(headers.get('x-stainless-retry-count') ?? ''),
    }
  }
}
