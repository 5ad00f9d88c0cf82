/** The list that makes a folder a copy: written last, it names every file with its hash. */
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

import { z } from 'zod'

import { fail } from '#contract/errors.ts'
import { digest, epochMs } from '#contract/primitives.ts'
import { canonicalJson, sha256Hex } from '#lib/canonical.ts'

export const MANIFEST = 'manifest.json'
const FORMAT = 1
const BYTES_MAX = 1_048_576

/** Below the folder, never out of it. */
const relative = z
  .string()
  .max(200)
  .regex(/^(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9._-]*(?:\/[A-Za-z0-9][A-Za-z0-9._-]*)?$/)

const manifest = z.object({
  format: z.literal(FORMAT),
  /** Of the Stoker that made it. */
  app: z.string().max(40),
  startedAt: epochMs,
  madeAt: epochMs,
  automatic: z.boolean(),
  /** Public half of the seller's key; null where a folder has none. */
  publicKey: z.string().max(64).nullable(),
  files: z
    .array(
      z.object({
        path: relative,
        kind: z.enum(['rig', 'venue', 'exchange', 'secret']),
        bytes: z.number().int().min(0),
        sha256: digest,
        /** `user_version` of a database. */
        version: z.number().int().min(0).nullable(),
      }),
    )
    .min(1)
    .max(1_100),
  notIncluded: z.object({ models: z.object({ files: z.number().int(), bytes: z.number().int() }) }),
  /** SHA-256 of the canonical form of all that stands above. */
  sha256: digest,
})
export type Manifest = z.infer<typeof manifest>

const checksum = (whole: Omit<Manifest, 'sha256'>): string => sha256Hex(canonicalJson({ ...whole, sha256: '' }))

export const manifestText = (facts: Omit<Manifest, 'format' | 'sha256'>): string => {
  const whole = { format: FORMAT, ...facts } as const
  return `${JSON.stringify({ ...whole, sha256: checksum(whole) }, null, 2)}\n`
}

export const hasManifest = (dir: string): boolean => existsSync(join(dir, MANIFEST))

/** Errors: NOT_FOUND (no copy there), BAD_REQUEST (not whole), DB_FROM_FUTURE (another format). */
export function readManifest(dir: string): Manifest {
  const path = join(dir, MANIFEST)
  if (!hasManifest(dir)) throw fail('restore.none', { path: dir })
  let value: unknown = null
  try {
    if (statSync(path).size <= BYTES_MAX) value = JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    // Said below: it is not whole.
  }
  const { format } = (value ?? {}) as { format?: unknown }
  if (typeof format === 'number' && format > FORMAT) throw fail('restore.newerFormat', { path, version: format })
  const parsed = manifest.safeParse(value)
  if (!parsed.success || parsed.data.sha256 !== checksum(parsed.data)) throw fail('restore.manifest', { path })
  return parsed.data
}
