/** Bounds on a JSON schema before it becomes a grammar: a huge or cyclic one must not occupy the host. */
import { fail } from '#contract/errors.ts'

const SCHEMA_BYTES_MAX = 65_536
const SCHEMA_DEPTH_MAX = 16

/**
 * False beyond the depth, or with more values than that many bytes could hold (a graph with shared parts).
 */
function within(value: unknown, left: number, budget: { values: number }): boolean {
  if (typeof value !== 'object' || value === null) return true
  budget.values -= 1
  return left > 0 && budget.values > 0 && Object.values(value).every((child) => within(child, left - 1, budget))
}

/** Throws GRAMMAR_INVALID for a schema beyond 64 KiB or 16 levels (cyclic values included). */
export function checkSchema(schema: Record<string, unknown>): void {
  if (!within(schema, SCHEMA_DEPTH_MAX, { values: SCHEMA_BYTES_MAX }))
    throw fail('grammar.nested', { max: SCHEMA_DEPTH_MAX })
  const bytes = Buffer.byteLength(JSON.stringify(schema))
  if (bytes > SCHEMA_BYTES_MAX) throw fail('grammar.bytes', { bytes, max: SCHEMA_BYTES_MAX })
}
