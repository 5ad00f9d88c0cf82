/**
 * Ids that count: `job_000000000000000000000001`, `job_…2`, each prefix by itself; secrets are the counter as bytes.
 */
import type { IdSource } from '#lib/id-source.ts'

export function countingIds(): IdSource {
  const counts = new Map<string, number>()
  const count = (name: string): number => {
    const next = (counts.get(name) ?? 0) + 1
    counts.set(name, next)
    return next
  }
  return {
    next: (prefix) => `${prefix}_${String(count(prefix)).padStart(24, '0')}`,
    secret(bytes) {
      const buffer = Buffer.alloc(bytes)
      buffer.writeUInt32BE(count(' secret'), Math.max(0, bytes - 4))
      return buffer.toString('base64url')
    },
  }
}
