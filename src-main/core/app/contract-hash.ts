/** A fingerprint of the contract, so that a page of another build can tell that it must reload. */
import { z } from 'zod'

import { contract } from '#contract/index.ts'
import { canonicalJson, sha256Hex } from '#lib/canonical.ts'

interface ProcedureDef {
  inputSchema?: unknown
  outputSchema?: unknown
  meta: unknown
}

/** Streams and brands have no JSON schema of their own; their place in the contract counts all the same. */
function shape(schema: unknown): unknown {
  if (!(schema instanceof z.ZodType)) return schema === undefined ? null : 'stream'
  try {
    return JSON.parse(JSON.stringify(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }))) as unknown
  } catch {
    return 'unrepresentable'
  }
}

function describe(node: unknown): unknown {
  if (typeof node !== 'object' || node === null) return null
  const def = (node as { '~orpc'?: ProcedureDef })['~orpc']
  if (def !== undefined) return { meta: def.meta, input: shape(def.inputSchema), output: shape(def.outputSchema) }
  return Object.fromEntries(Object.entries(node).map(([name, child]) => [name, describe(child)]))
}

export const contractHash = (): string => sha256Hex(canonicalJson(describe(contract)))
