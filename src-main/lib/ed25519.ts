/**
 * Ed25519 keys and signatures (RFC 8032) as base64url without padding. The caller puts a domain line before the text it
 * signs.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify, type KeyObject } from 'node:crypto'

import { fail } from '#contract/errors.ts'
import { brandId, PUBLIC_KEY_PATTERN, type PublicKey } from '#contract/ids.ts'

import { readSecretFile, writeSecretFile } from './secret-file.ts'

export interface SigningKey {
  readonly publicKey: PublicKey
  /** Signs the UTF-8 bytes of the text; 86 base64url characters. */
  sign(text: string): string
}

/** SubjectPublicKeyInfo of an Ed25519 key: 12 fixed bytes, then the raw 32. */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex')

function fromPrivate(key: KeyObject): SigningKey {
  const raw = createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(SPKI_PREFIX.length)
  return {
    publicKey: brandId<PublicKey>(raw.toString('base64url')),
    sign: (text) => sign(null, Buffer.from(text, 'utf8'), key).toString('base64url'),
  }
}

export const generateSigningKey = (): SigningKey => fromPrivate(generateKeyPairSync('ed25519').privateKey)

/** A key with the text its file has. */
export interface KeyText {
  readonly key: SigningKey
  /** PKCS#8 PEM. */
  readonly pem: string
}

export function generateKeyText(): KeyText {
  const { privateKey } = generateKeyPairSync('ed25519')
  return { key: fromPrivate(privateKey), pem: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString() }
}

/** Of a PKCS#8 PEM. Error: BAD_REQUEST, naming `path`, for a text that is no Ed25519 key. */
export function parseKeyText(pem: string, path: string): KeyText {
  try {
    const key = createPrivateKey(pem)
    if (key.asymmetricKeyType === 'ed25519') return { key: fromPrivate(key), pem }
  } catch {
    // Falls through to the one error below: the file's text must not reach a log.
  }
  throw fail('file.notKey', { path })
}

/** Keys that were read: few sign many, and each costs memory outside of the heap that nothing gives back in time. */
const READ_MAX = 64
const read = new Map<string, KeyObject>()

function publicKeyObject(publicKey: string): KeyObject {
  const known = read.get(publicKey)
  if (known !== undefined) return known
  const key = createPublicKey({
    key: Buffer.concat([SPKI_PREFIX, Buffer.from(publicKey, 'base64url')]),
    format: 'der',
    type: 'spki',
  })
  const oldest = read.size >= READ_MAX ? read.keys().next().value : undefined
  if (oldest !== undefined) read.delete(oldest)
  read.set(publicKey, key)
  return key
}

/** The key in the file (mode 0600); null when there is none. Error: BAD_REQUEST for a file that is no Ed25519 key. */
export function readKeyText(path: string): KeyText | null {
  const stored = readSecretFile(path)
  return stored === null ? null : parseKeyText(stored, path)
}

/** Makes a key and its file (mode 0600). */
export function createSigningKey(path: string): SigningKey {
  const { key, pem } = generateKeyText()
  writeSecretFile(path, pem)
  return key
}

/**
 * Reads the PKCS#8 PEM at `path` (mode 0600), or makes one. Throws StokerError BAD_REQUEST for a file that is no
 * Ed25519 key.
 */
export const loadOrCreateSigningKey = (path: string): SigningKey => readKeyText(path)?.key ?? createSigningKey(path)

/** True when `signature` is `publicKey`'s over the text. Malformed input is false, never an error. */
export function verifySignature(publicKey: string, text: string, signature: string): boolean {
  if (!PUBLIC_KEY_PATTERN.test(publicKey) || !/^[A-Za-z0-9_-]{86}$/.test(signature)) return false
  try {
    return verify(null, Buffer.from(text, 'utf8'), publicKeyObject(publicKey), Buffer.from(signature, 'base64url'))
  } catch {
    return false
  }
}
