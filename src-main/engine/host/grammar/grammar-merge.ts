/** Merges JSON schemas: the parts of `allOf`, and the keywords beside `anyOf` or `$ref`. */
import { fail } from '#contract/errors.ts'

export type Schema = Record<string, unknown>

/**
 * Keywords that annotate a value and do not constrain it, `default` included. Source: JSON Schema 2020-12, Validation,
 * section 9. `format` constrains only where this converter knows it.
 */
const NOTES = new Set([
  'title',
  'description',
  'default',
  'examples',
  'example',
  'deprecated',
  'readOnly',
  'writeOnly',
  '$comment',
  '$schema',
  '$id',
  '$anchor',
  '$defs',
  'definitions',
  'strict',
])

/** Keywords that this converter cannot express; ignoring them would allow answers that the schema forbids. */
const UNSUPPORTED = [
  'pattern',
  'patternProperties',
  'propertyNames',
  'dependentRequired',
  'dependentSchemas',
  'dependencies',
  'if',
  'then',
  'else',
  'not',
  'contains',
  'minContains',
  'maxContains',
  'unevaluatedItems',
  '$dynamicRef',
  '$recursiveRef',
] as const

export const isSchema = (value: unknown): value is Schema =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The keywords that constrain. Throws GRAMMAR_INVALID for one that cannot be expressed, naming it. */
export function binding(schema: Schema): Schema {
  for (const word of UNSUPPORTED) if (schema[word] !== undefined) throw fail('grammar.unenforceable', { word })
  if (schema['uniqueItems'] === true) throw fail('grammar.uniqueItems')
  return Object.fromEntries(Object.entries(schema).filter(([word, value]) => !NOTES.has(word) && value !== undefined))
}

/** Name of the rule of a part of a schema. */
export type RuleOf = (part: unknown) => string

export function listOf(word: string, value: unknown): unknown[] {
  if (!Array.isArray(value) || value.length === 0) throw fail('grammar.emptyList', { word })
  return value
}

const strings = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((one) => typeof one === 'string') : typeof value === 'string' ? [value] : []

function mergedWord(word: string, a: unknown, b: unknown): unknown {
  if (JSON.stringify(a) === JSON.stringify(b)) return a
  if (word === 'required') return [...new Set([...strings(a), ...strings(b)])]
  if (word === 'type') {
    const common = strings(a).filter((type) => strings(b).includes(type))
    if (common.length === 0) throw fail('grammar.twoTypes')
    return common
  }
  if (word === 'properties' && isSchema(a) && isSchema(b)) {
    const shared = Object.keys(a).filter((name) => name in b && JSON.stringify(a[name]) !== JSON.stringify(b[name]))
    return { ...a, ...b, ...Object.fromEntries(shared.map((name) => [name, { allOf: [a[name], b[name]] }])) }
  }
  if (word === 'additionalProperties') return a === false || b === false ? false : (b ?? a)
  if (word.startsWith('min') && typeof a === 'number' && typeof b === 'number') return Math.max(a, b)
  if (word.startsWith('max') && typeof a === 'number' && typeof b === 'number') return Math.min(a, b)
  throw fail('grammar.saidTwice', { word: word.slice(0, 40) })
}

/** One schema with the constraints of both. */
export function merged(a: Schema, b: Schema): Schema {
  const result: Schema = { ...a }
  for (const [word, value] of Object.entries(b))
    result[word] = word in result ? mergedWord(word, result[word], value) : value
  return result
}
