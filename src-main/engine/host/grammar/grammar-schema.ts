/**
 * Converts a JSON schema to GBNF rules: every answer of the grammar is valid under the schema. Where the schema leaves
 * freedom (order of properties, properties it does not name) the grammar is stricter; a schema with a keyword that
 * cannot be expressed is refused, naming the keyword.
 */
import { fail } from '#contract/errors.ts'
import { arrayRule } from './grammar-arrays.ts'
import { literals } from './grammar-literals.ts'
import { binding, isSchema, listOf, merged, type Schema } from './grammar-merge.ts'
import { objectRule, type Unsaid } from './grammar-objects.ts'
import { literal, type GrammarRules } from './grammar-rules.ts'
import { numberRule, stringRule } from './grammar-scalars.ts'

const TYPES = ['object', 'array', 'string', 'number', 'integer', 'boolean', 'null'] as const
type Type = (typeof TYPES)[number]
function typesOf(schema: Schema): readonly Type[] {
  const said = schema['type']
  if (said !== undefined) {
    const types = Array.isArray(said) ? said : [said]
    const bad = types.find((type) => !TYPES.includes(type as Type))
    if (bad !== undefined || types.length === 0)
      throw fail('grammar.type', { type: JSON.stringify(bad ?? said).slice(0, 40), types: TYPES.join(', ') })
    return types as Type[]
  }
  const has = (...words: string[]): boolean => words.some((word) => schema[word] !== undefined)
  if (has('properties', 'additionalProperties', 'required', 'minProperties', 'maxProperties')) return ['object']
  if (has('items', 'prefixItems', 'minItems', 'maxItems')) return ['array']
  if (has('minLength', 'maxLength')) return ['string']
  if (has('minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf')) return ['number']
  return []
}

/** Longest chain of references that lead directly to the next. */
const CHAIN_MAX = 64
/** Deepest nesting of subschemas, through references too. */
const DEPTH_MAX = 600
/** Subschemas in all: `allOf` is merged anew wherever it occurs, which may double with every level. */
const PARTS_MAX = 20_000
const chainTooLong = (): Error => fail('grammar.refChain', { max: CHAIN_MAX })

/** One converter for each schema document, in which `$ref` is resolved. Several documents may share the rules. */
export class SchemaConverter {
  readonly #rules: GrammarRules
  readonly #document: Schema
  readonly #unsaid: Unsaid
  readonly #references = new Map<string, string>()
  #depth = 0
  #parts = 0

  constructor(rules: GrammarRules, document: Schema, unsaid: Unsaid) {
    this.#rules = rules
    this.#document = document
    this.#unsaid = unsaid
  }

  /** Name of the whole document's rule. */
  root(): string {
    return this.#rules.rooted(this.#reference('#', []))
  }

  /** Bounded, because every level of nesting uses the program's own stack. */
  #rule(schema: unknown, entered: readonly string[]): string {
    if (this.#depth >= DEPTH_MAX) throw fail('grammar.refDepth', { max: DEPTH_MAX })
    this.#parts += 1
    if (this.#parts > PARTS_MAX) throw fail('grammar.parts', { max: PARTS_MAX })
    this.#depth += 1
    try {
      return this.#ruleHere(schema, entered)
    } finally {
      this.#depth -= 1
    }
  }

  /** `entered`: references followed to here without any character in between; one that comes again would never end. */
  #ruleHere(schema: unknown, entered: readonly string[]): string {
    if (schema === true || schema === undefined) return this.#rules.primitive('value')
    if (!isSchema(schema)) throw schema === false ? fail('grammar.falsePart') : fail('grammar.noSchema')
    const bound = binding(schema)
    const { $ref: target, allOf, anyOf, oneOf, ...rest } = bound
    if (typeof target === 'string')
      return this.#referring(target, { ...rest, ...this.#alternatives(allOf, anyOf, oneOf) }, entered)
    if (allOf !== undefined)
      return this.#rule(
        listOf('allOf', allOf).reduce<Schema>((all, part) => merged(all, this.#resolved(part)), {
          ...rest,
          ...this.#alternatives(undefined, anyOf, oneOf),
        }),
        entered,
      )
    const either = anyOf ?? oneOf
    if (either !== undefined) {
      if (anyOf !== undefined && oneOf !== undefined) throw fail('grammar.anyAndOneOf')
      const names = listOf('anyOf', either).map((part) =>
        this.#rule(Object.keys(rest).length === 0 ? part : merged(rest, this.#resolved(part)), entered),
      )
      return this.#rules.either(names)
    }
    if ('const' in bound)
      return this.#rules.shaped(this.#rules.add(literal(JSON.stringify(bound['const']))), {
        kind: 'texts',
        texts: new Set([JSON.stringify(bound['const'])]),
      })
    if (bound['enum'] !== undefined) return this.#enumeration(bound)
    const types = typesOf(bound)
    if (types.length === 0) return this.#rules.primitive('value')
    const names = types.map((type) => this.#typed(type, bound))
    return this.#rules.either(names)
  }

  #alternatives(allOf: unknown, anyOf: unknown, oneOf: unknown): Schema {
    return {
      ...(allOf === undefined ? {} : { allOf }),
      ...(anyOf === undefined ? {} : { anyOf }),
      ...(oneOf === undefined ? {} : { oneOf }),
    }
  }

  #referring(target: string, beside: Schema, entered: readonly string[]): string {
    if (Object.keys(beside).length === 0) return this.#reference(target, entered)
    return this.#rule(merged(beside, this.#resolved({ $ref: target })), [...entered, target])
  }

  /** A subschema with its `$ref` resolved, for merging. */
  #resolved(part: unknown, seen: readonly string[] = []): Schema {
    if (!isSchema(part)) throw fail('grammar.partNoSchema')
    const bound = binding(part)
    const target = bound['$ref']
    if (typeof target !== 'string') return bound
    if (seen.length >= CHAIN_MAX) throw chainTooLong()
    if (seen.includes(target)) throw fail('grammar.refLoop', { ref: target.slice(0, 60) })
    const { $ref: _target, ...rest } = bound
    return merged(rest, this.#resolved(this.#lookUp(target), [...seen, target]))
  }

  #lookUp(target: string): unknown {
    if (!target.startsWith('#')) throw fail('grammar.refOutside', { ref: target.slice(0, 60) })
    let at: unknown = this.#document
    for (const step of target.slice(1).split('/').slice(1)) {
      const name = decodeStep(step)
      at = typeof at === 'object' && at !== null && Object.hasOwn(at, name) ? (at as Schema)[name] : undefined
    }
    if (at === undefined) throw fail('grammar.refNothing', { ref: target.slice(0, 60) })
    return at
  }

  /** One rule for each target, however often it is named. */
  #reference(target: string, entered: readonly string[]): string {
    if (entered.length >= CHAIN_MAX) throw chainTooLong()
    if (entered.includes(target)) throw fail('grammar.refLoop', { ref: target.slice(0, 60) })
    const known = this.#references.get(target)
    if (known !== undefined) return known
    const name = this.#rules.name()
    this.#references.set(target, name)
    const inner = this.#rule(this.#lookUp(target), [...entered, target])
    return this.#rules.shaped(this.#rules.put(name, inner, { mode: 'all', of: [inner] }), {
      kind: 'either',
      of: [inner],
    })
  }

  #enumeration(schema: Schema): string {
    const types = schema['type'] === undefined ? null : typesOf(schema)
    const values = listOf('enum', schema['enum']).filter(
      (value) => types === null || types.some((type) => isType(value, type)),
    )
    if (values.length === 0) throw fail('grammar.enumType')
    const texts = new Set(values.map((value) => JSON.stringify(value)))
    const { body, width } = literals([...texts])
    return this.#rules.shaped(this.#rules.add(body, [], 'all', width), { kind: 'texts', texts })
  }

  #typed(type: Type, schema: Schema): string {
    // Inside brackets a reference may occur again.
    const ruleOf = (part: unknown): string => this.#rule(part, [])
    switch (type) {
      case 'object':
        return objectRule(this.#rules, schema, ruleOf, this.#unsaid)
      case 'array':
        return arrayRule(this.#rules, schema, ruleOf)
      case 'string':
        return stringRule(this.#rules, schema)
      case 'integer':
      case 'number':
        return numberRule(this.#rules, type, schema)
      default:
        return this.#rules.primitive(type)
    }
  }
}

/** A step of a JSON pointer (RFC 6901) inside a URI fragment. */
function decodeStep(step: string): string {
  const plain = step.replaceAll('~1', '/').replaceAll('~0', '~')
  try {
    return decodeURIComponent(plain)
  } catch {
    return plain
  }
}

function isType(value: unknown, type: Type): boolean {
  if (type === 'null') return value === null
  if (type === 'array') return Array.isArray(value)
  if (type === 'object') return isSchema(value)
  if (type === 'integer') return Number.isInteger(value)
  return typeof value === type
}
