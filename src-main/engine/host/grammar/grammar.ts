/**
 * Grammars for JSON answers, built without the engine and cached: a caller sends the same schema with every request.
 */
import { StokerError } from '#contract/errors.ts'

import type { Unsaid } from './grammar-objects.ts'
import { GrammarRules } from './grammar-rules.ts'
import { SchemaConverter } from './grammar-schema.ts'
import { checkSchema } from './schema-bounds.ts'

const KEPT_MAX = 64
const kept = new Map<string, string>()

/** The grammar for a key, built once while it is among the last 64 that were asked for. */
export function keptGrammar(key: string, make: () => string): string {
  const known = kept.get(key)
  const text = known ?? make()
  kept.delete(key)
  kept.set(key, text)
  for (const oldest of kept.keys()) {
    if (kept.size <= KEPT_MAX) break
    kept.delete(oldest)
  }
  return text
}

/** Tries with every named property, then, where such a value would never end, with the required ones only. */
export function withEnd(make: (unsaid: Unsaid) => string): string {
  try {
    return make('required')
  } catch (error) {
    if (error instanceof StokerError && error.reason.code === 'grammar.endless') return make('optional')
    throw error
  }
}

/**
 * GBNF that matches exactly one JSON value that is valid under the schema. `oneOf` is taken as `anyOf`; properties come
 * in the schema's order, without unnamed ones beside named ones; a schema without `required` gets all its properties.
 * Errors: GRAMMAR_INVALID, naming what cannot be enforced.
 */
export function schemaGrammar(schema: Record<string, unknown>): string {
  checkSchema(schema)
  return keptGrammar(JSON.stringify(schema), () =>
    withEnd((unsaid) => {
      const rules = new GrammarRules()
      return rules.text(new SchemaConverter(rules, schema, unsaid).root())
    }),
  )
}

/** Any JSON object. */
export const jsonGrammar = (): string => schemaGrammar({ type: 'object' })
