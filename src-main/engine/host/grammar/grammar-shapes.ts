/**
 * What the rules of a JSON grammar stand for, as far as needed to count the alternatives that stay open together
 * (grammar-ambiguity.ts).
 */

export interface Member {
  name: string
  /** A rule's name. */
  value: string
  must: boolean
}

export type JsonClass = 'object' | 'array' | 'string' | 'number' | 'boolean' | 'null'

export type RuleShape =
  | { kind: 'either'; of: readonly string[] }
  /** Properties in their order. */
  | { kind: 'object'; members: readonly Member[] }
  /** Any keys; null where there are none. `ways`: positions of its repetition that are open together. */
  | { kind: 'map'; value: string | null; ways: number }
  | { kind: 'array'; first: readonly string[]; item: string | null; least: number; most: number | null; ways: number }
  /** JSON texts. */
  | { kind: 'texts'; texts: ReadonlySet<string> }
  | { kind: 'plain'; class: JsonClass }

/** By the first character of a JSON text. */
export function classOfText(text: string): JsonClass {
  const [first = ''] = text
  const known: Record<string, JsonClass> = {
    '{': 'object',
    '[': 'array',
    '"': 'string',
    t: 'boolean',
    f: 'boolean',
    n: 'null',
  }
  return known[first] ?? 'number'
}

/** The rules that every grammar may use. */
export const PRIMITIVE_SHAPES: ReadonlyMap<string, RuleShape> = new Map<string, RuleShape>([
  ['value', { kind: 'either', of: ['object', 'array', 'string', 'number', 'boolean', 'null'] }],
  ['object', { kind: 'map', value: 'value', ways: 1 }],
  ['array', { kind: 'array', first: [], item: 'value', least: 0, most: null, ways: 1 }],
  ['string', { kind: 'plain', class: 'string' }],
  ['number', { kind: 'plain', class: 'number' }],
  ['integer', { kind: 'plain', class: 'number' }],
  ['boolean', { kind: 'plain', class: 'boolean' }],
  ['null', { kind: 'plain', class: 'null' }],
])
