/**
 * A private key in a file under a passphrase: scrypt (RFC 7914) makes the key of AES-256-GCM (NIST SP 800-38D), and the
 * header is authenticated with it. A hash over the whole file tells one that was cut off or damaged from a wrong
 * passphrase.
 */
import { createCipheriv, createDecipheriv, randomBytes, scryptSync } from 'node:crypto'

import { fail } from '#contract/errors.ts'
import { KEY_FILE_FORMAT, keyFile, type KeyFile } from '#contract/key-file.ts'

import { canonicalJson, sha256Hex } from './canonical.ts'

/** 128 MiB and about half a second for each try. */
const COST = { N: 131_072, r: 8, p: 1 } as const
/** Of a file from elsewhere: scrypt takes 128 · N · r bytes. */
const MEMORY_MAX = 512 * 1_048_576
const KEY_BYTES = 32
const SALT_BYTES = 16
const NONCE_BYTES = 12
const TAG_BYTES = 16
const PASSPHRASE_LEAST = 10
const PASSPHRASE_MOST = 1_024

const bytesOf = (text: string): Buffer => Buffer.from(text, 'base64url')

/** Error: BAD_REQUEST for one that is shorter than 10 characters, or longer than 1,024. */
export function checkPassphrase(passphrase: string): void {
  if (passphrase.length < PASSPHRASE_LEAST) throw fail('key.passphraseShort', { least: PASSPHRASE_LEAST })
  if (passphrase.length > PASSPHRASE_MOST) throw fail('key.passphraseLong', { most: PASSPHRASE_MOST })
}

function keyOf(passphrase: string, { N, r, p, salt }: KeyFile['kdf']): Buffer {
  // The same characters in another normal form are the same passphrase to whoever types it.
  const text = passphrase.normalize('NFKC')
  return scryptSync(text, bytesOf(salt), KEY_BYTES, { N, r, p, maxmem: MEMORY_MAX + 1_048_576 })
}

/** Everything but what the cipher makes: changed, it does not open. */
const headerOf = ({
  format,
  publicKey,
  kdf,
  cipher,
}: Pick<KeyFile, 'format' | 'publicKey' | 'kdf' | 'cipher'>): Buffer =>
  Buffer.from(canonicalJson({ format, publicKey, kdf, cipher }), 'utf8')

const checksum = ({ format, publicKey, kdf, cipher, nonce, tag, data }: Omit<KeyFile, 'sha256'>): string =>
  sha256Hex(canonicalJson({ format, publicKey, kdf, cipher, nonce, tag, data }))

/** The text of the file. `secret` is what is kept, `publicKey` whose it is, readable without the passphrase. */
export function sealKey(secret: string, publicKey: string, passphrase: string): string {
  checkPassphrase(passphrase)
  const kdf = { name: 'scrypt' as const, ...COST, salt: randomBytes(SALT_BYTES).toString('base64url') }
  const header = { format: KEY_FILE_FORMAT, publicKey, kdf, cipher: 'aes-256-gcm' as const } as const
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv('aes-256-gcm', keyOf(passphrase, kdf), nonce)
  cipher.setAAD(headerOf(header))
  const data = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()])
  const value: KeyFile = {
    ...header,
    nonce: nonce.toString('base64url'),
    tag: cipher.getAuthTag().toString('base64url'),
    data: data.toString('base64url'),
    sha256: '',
  }
  return `${JSON.stringify({ ...value, sha256: checksum(value) }, null, 2)}\n`
}

/** Read without the passphrase. Errors: BAD_REQUEST `key.notSealed` (no such file), `key.cutOff` (not whole, damaged). */
export function readSealed(text: string, path: string): KeyFile {
  if (!text.trimStart().startsWith('{') || !text.slice(0, 256).includes(KEY_FILE_FORMAT))
    throw fail('key.notSealed', { path })
  const parsed = keyFile.safeParse(jsonOf(text))
  if (!parsed.success || parsed.data.sha256 !== checksum(parsed.data)) throw fail('key.cutOff', { path })
  const { N, r } = parsed.data.kdf
  if (128 * N * r > MEMORY_MAX) throw fail('key.cutOff', { path })
  return parsed.data
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

/** The secret. Errors: UNAUTHORIZED `key.wrongPassphrase`; those of `readSealed`. */
export function openSealed(text: string, path: string, passphrase: string): { secret: string; publicKey: string } {
  const value = readSealed(text, path)
  const decipher = createDecipheriv('aes-256-gcm', keyOf(passphrase, value.kdf), bytesOf(value.nonce), {
    authTagLength: TAG_BYTES,
  })
  decipher.setAAD(headerOf(value))
  decipher.setAuthTag(bytesOf(value.tag))
  try {
    const secret = Buffer.concat([decipher.update(bytesOf(value.data)), decipher.final()])
    return { secret: secret.toString('utf8'), publicKey: value.publicKey }
  } catch (error) {
    throw fail('key.wrongPassphrase', { path }, { cause: error })
  }
}
