/** The file that `stoker key export` writes: a private key under a passphrase. */
import { z } from 'zod'

export const KEY_FILE_FORMAT = 'stoker-key-1'

/** Bytes as base64url without padding; `length` in characters. */
const base64 = (length: number) => z.string().regex(new RegExp(`^[A-Za-z0-9_-]{${length}}$`))

export const keyFile = z.object({
  format: z.literal(KEY_FILE_FORMAT),
  /** Whose it is, readable without the passphrase. */
  publicKey: z.string().max(64),
  kdf: z.object({
    name: z.literal('scrypt'),
    N: z.number().int().min(16_384).max(4_194_304),
    r: z.number().int().min(1).max(32),
    p: z.number().int().min(1).max(4),
    /** 16 bytes. */
    salt: base64(22),
  }),
  cipher: z.literal('aes-256-gcm'),
  /** 12 bytes. */
  nonce: base64(16),
  /** 16 bytes. */
  tag: base64(22),
  data: z
    .string()
    .max(4_096)
    .regex(/^[A-Za-z0-9_-]+$/),
  /** SHA-256 of the canonical form of all that stands above. */
  sha256: z.string().max(64),
})
export type KeyFile = z.infer<typeof keyFile>
