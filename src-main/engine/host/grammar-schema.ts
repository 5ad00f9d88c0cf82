/**
 * A JSON schema turned into GBNF rules: every answer of the grammar is valid under the schema. Where the schema leaves room (order of properties,
 * properties it does not name) the grammar takes less of it; where a word cannot be expressed the schema is refused by that word's name.
 */
import { literals } from './grammar-literals.ts'
import { binding, isSchema, merged, type Schema } from './grammar-merge.ts'
import { integersBetween, numbersBetween } from './grammar-numbers.ts'
import { GrammarRules, invalidGrammar, literal } from './grammar-rules.ts'

const TYPES = ['object', 'array', 'string', 'number', 'integer', 'boolean', 'null'] as const
type Type = (typeof TYPES)[number]
/** Formats that bind; every other is a note (JSON Schema 2020-12, Validation, section 7). */
const FORMATS: ReadonlyMap<string, string> = new Map([
  ['date', '"\\"" date "\\""'],
  ['time', '"\\"" time "\\""'],
  ['date-time', '"\\"" date "T" time "\\""'],
  ['uuid', '"\\"" uuid "\\""'],
])
/** Without `required`, every named property is given where that can end: a small model would otherwise answer {}. */
export type Unsaid = 'required' | 'optional'

const count = (schema: Schema, word: string): number | null => {
  const value = schema[word]
  if (value === undefined) return null
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0) throw invalidGrammar(`"${word}" must be a whole number. Correct it.`)
  return value
}

function limit(schema: Schema, word: string): number | null {
  const value = schema[word]
  if (value === undefined) return null
  if (typeof value !== 'number' || !(Math.abs(value) < 1e15)) throw invalidGrammar(`"${word}" must be a number of at most 15 digits. Correct it.`)
  return value
}

function typesOf(schema: Schema): readonly Type[] {
  const said = schema['type']
  if (said !== undefined) {
    const types = Array.isArray(said) ? said : [said]
    const bad = types.find((type) => !TYPES.includes(type as Type))
    if (bad !== undefined || types.length === 0) throw invalidGrammar(`"type" is ${JSON.stringify(bad ?? said).slice(0, 40)}. Use ${TYPES.join(', ')}.`)
    return types as Type[]
  }
  const has = (...words: string[]): boolean => words.some((word) => schema[word] !== undefined)
  if (has('properties', 'additionalProperties', 'required', 'minProperties', 'maxProperties')) return ['object']
  if (has('items', 'prefixItems', 'minItems', 'maxItems')) return ['array']
  if (has('minLength', 'maxLength')) return ['string']
  if (has('minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf')) return ['number']
  return []
}

/** One converter per schema document: `$ref` is looked up in it. The rules may be shared by several documents. */
export class SchemaConverter {
  private readonly rules: GrammarRules
  private readonly document: Schema
  private readonly unsaid: Unsaid
  private readonly references = new Map<string, string>()

  constructor(rules: GrammarRules, document: Schema, unsaid: Unsaid) {
    this.rules = rules
    this.document = document
    this.unsaid = unsaid
  }

  /** Name of the whole document's rule. */
  root(): string {
    return this.reference('#', [])
  }

  /** `entered`: references on the way here with no character between, which would never end. */
  private rule(schema: unknown, entered: readonly string[]): string {
    if (schema === true || schema === undefined) return this.rules.primitive('value')
    if (!isSchema(schema)) throw invalidGrammar(schema === false ? 'a part of it is false, which no value meets. Leave that part out.' : 'a part of it is no schema. Use objects.')
    const bound = binding(schema)
    const { $ref: target, allOf, anyOf, oneOf, ...rest } = bound
    if (typeof target === 'string') return this.referring(target, { ...rest, ...this.alternatives(allOf, anyOf, oneOf) }, entered)
    if (allOf !== undefined)
      return this.rule(
        this.list('allOf', allOf).reduce<Schema>((all, part) => merged(all, this.resolved(part)), { ...rest, ...this.alternatives(undefined, anyOf, oneOf) }),
        entered,
      )
    const either = anyOf ?? oneOf
    if (either !== undefined) {
      if (anyOf !== undefined && oneOf !== undefined) throw invalidGrammar('"anyOf" and "oneOf" stand side by side. Use one of them.')
      const names = this.list('anyOf', either).map((part) => this.rule(Object.keys(rest).length === 0 ? part : merged(rest, this.resolved(part)), entered))
      return this.rules.add(names.join(' | '), names, 'any')
    }
    if ('const' in bound) return this.rules.add(literal(JSON.stringify(bound['const'])))
    if (bound['enum'] !== undefined) return this.enumeration(bound)
    const types = typesOf(bound)
    if (types.length === 0) return this.rules.primitive('value')
    const names = types.map((type) => this.typed(type, bound))
    return names.length === 1 ? (names[0] ?? '') : this.rules.add(names.join(' | '), names, 'any')
  }

  private alternatives(allOf: unknown, anyOf: unknown, oneOf: unknown): Schema {
    return { ...(allOf === undefined ? {} : { allOf }), ...(anyOf === undefined ? {} : { anyOf }), ...(oneOf === undefined ? {} : { oneOf }) }
  }

  private list(word: string, value: unknown): unknown[] {
    if (!Array.isArray(value) || value.length === 0) throw invalidGrammar(`"${word}" must be a list of schemas. Correct it.`)
    return value
  }

  private referring(target: string, beside: Schema, entered: readonly string[]): string {
    if (Object.keys(beside).length === 0) return this.reference(target, entered)
    return this.rule(merged(beside, this.resolved({ $ref: target })), [...entered, target])
  }

  /** A part as a plain schema without `$ref`, for merging. */
  private resolved(part: unknown, seen: readonly string[] = []): Schema {
    if (!isSchema(part)) throw invalidGrammar('a part of "allOf" or "anyOf" is no schema. Use objects.')
    const bound = binding(part)
    const target = bound['$ref']
    if (typeof target !== 'string') return bound
    if (seen.includes(target)) throw invalidGrammar(`"$ref" ${target.slice(0, 60)} leads back to itself. Correct it.`)
    const { $ref: _target, ...rest } = bound
    return merged(rest, this.resolved(this.lookUp(target), [...seen, target]))
  }

  private lookUp(target: string): unknown {
    if (!target.startsWith('#')) throw invalidGrammar(`"$ref" ${target.slice(0, 60)} lies outside the schema. Put what it names under "$defs".`)
    let at: unknown = this.document
    for (const step of target.slice(1).split('/').slice(1)) {
      const name = decodeStep(step)
      at = typeof at === 'object' && at !== null && Object.hasOwn(at, name) ? (at as Schema)[name] : undefined
    }
    if (at === undefined) throw invalidGrammar(`"$ref" ${target.slice(0, 60)} names nothing in the schema. Correct it.`)
    return at
  }

  /** One rule for each target, however often it is named. */
  private reference(target: string, entered: readonly string[]): string {
    if (entered.includes(target)) throw invalidGrammar(`"$ref" ${target.slice(0, 60)} leads back to itself. Correct it.`)
    const known = this.references.get(target)
    if (known !== undefined) return known
    const name = this.rules.name()
    this.references.set(target, name)
    const inner = this.rule(this.lookUp(target), [...entered, target])
    return this.rules.put(name, inner, { mode: 'all', of: [inner] })
  }

  private enumeration(schema: Schema): string {
    const types = schema['type'] === undefined ? null : typesOf(schema)
    const values = this.list('enum', schema['enum']).filter((value) => types === null || types.some((type) => isType(value, type)))
    if (values.length === 0) throw invalidGrammar('no value of "enum" has the asked "type". Correct it.')
    const { body, width } = literals(values.map((value) => JSON.stringify(value)))
    return this.rules.add(body, [], 'all', width)
  }

  private typed(type: Type, schema: Schema): string {
    switch (type) {
      case 'object':
        return this.object(schema)
      case 'array':
        return this.array(schema)
      case 'string':
        return this.string(schema)
      case 'integer':
      case 'number':
        return this.number(type, schema)
      default:
        return this.rules.primitive(type)
    }
  }

  private string(schema: Schema): string {
    const [least, most] = [count(schema, 'minLength') ?? 0, count(schema, 'maxLength')]
    const format = typeof schema['format'] === 'string' ? FORMATS.get(schema['format']) : undefined
    if (format !== undefined && least === 0 && most === null) {
      for (const name of ['date', 'time', 'uuid']) if (format.includes(` ${name} `)) this.rules.primitive(name)
      return this.rules.add(format)
    }
    if (least === 0 && most === null) return this.rules.primitive('string')
    return this.rules.add(`"\\"" ${this.rules.times(this.rules.primitive('char'), least, most, 'minLength and maxLength')} "\\""`)
  }

  private number(type: 'integer' | 'number', schema: Schema): string {
    const step = schema['multipleOf']
    if (step !== undefined && !(step === 1 && type === 'integer')) throw invalidGrammar('"multipleOf" cannot be enforced. Leave it out.')
    const [low, high] = [limit(schema, 'minimum'), limit(schema, 'maximum')]
    const [above, below] = [limit(schema, 'exclusiveMinimum'), limit(schema, 'exclusiveMaximum')]
    if (low === null && high === null && above === null && below === null) return this.rules.primitive(type)
    const from = above !== null && (low === null || above >= low) ? { value: above, exclusive: true } : low === null ? null : { value: low, exclusive: false }
    const to = below !== null && (high === null || below <= high) ? { value: below, exclusive: true } : high === null ? null : { value: high, exclusive: false }
    this.rules.primitive('fraction')
    const body =
      type === 'number'
        ? numbersBetween(from, to)
        : integersBetween(
            from === null ? null : from.exclusive ? Math.floor(from.value) + 1 : Math.ceil(from.value),
            to === null ? null : to.exclusive ? Math.ceil(to.value) - 1 : Math.floor(to.value),
          )
    if (body === null) throw invalidGrammar(`no ${type} can be made between its "minimum" and "maximum". Widen them.`)
    return this.rules.add(body)
  }

  private array(schema: Schema): string {
    const least = count(schema, 'minItems') ?? 0
    const most = count(schema, 'maxItems')
    if (most !== null && most < least) throw invalidGrammar('its minItems and maxItems contradict each other. Correct them.')
    const ws = this.rules.primitive('ws')
    const first = schema['prefixItems'] === undefined ? [] : this.list('prefixItems', schema['prefixItems']).map((part) => this.rule(part, []))
    if (most !== null && most < first.length) throw invalidGrammar('"maxItems" is smaller than "prefixItems" is long. Correct it.')
    const fixed = first.join(` "," ${ws} `)
    if (schema['items'] === false || most === 0 || (most !== null && most === first.length)) {
      if (least > first.length) throw invalidGrammar('its minItems and items contradict each other. Correct them.')
      return this.rules.add(`"[" ${ws} ${fixed === '' ? '' : `${fixed} ${ws} `}"]"`, first)
    }
    const item = this.rule(schema['items'], [])
    const next = this.rules.add(`"," ${ws} ${item}`, [item])
    const more = (from: number, to: number | null): string => this.rules.times(next, Math.max(0, from), to, 'minItems and maxItems')
    if (first.length > 0)
      return this.rules.add(
        `"[" ${ws} ${fixed} ${more(least - first.length, most === null ? null : most - first.length)} ${ws} "]"`,
        least > first.length ? [...first, item] : first,
      )
    const items = `${item} ${more(least - 1, most === null ? null : most - 1)} ${ws}`
    return least === 0 ? this.rules.add(`"[" ${ws} (${items})? "]"`) : this.rules.add(`"[" ${ws} ${items} "]"`, [item])
  }

  private object(schema: Schema): string {
    const properties = schema['properties'] ?? {}
    if (!isSchema(properties)) throw invalidGrammar('"properties" must be an object. Correct it.')
    const said = schema['required']
    if (said !== undefined && !(Array.isArray(said) && said.every((name) => typeof name === 'string'))) throw invalidGrammar('"required" must be a list of names. Correct it.')
    const named = Object.keys(properties)
    const required = new Set<string>(said ?? (this.unsaid === 'required' ? named : []))
    const others = schema['additionalProperties']
    const unnamed = [...required].filter((name) => !named.includes(name))
    if (unnamed.length > 0 && others === false) throw invalidGrammar(`"required" names ${JSON.stringify(unnamed[0]).slice(0, 60)}, which "properties" does not allow. Correct it.`)
    const all = [...named.map((name) => ({ name, schema: properties[name] })), ...unnamed.map((name) => ({ name, schema: others }))]
    const [least, most] = [count(schema, 'minProperties') ?? 0, count(schema, 'maxProperties')]
    if (all.length === 0) return this.map(others, least, most)
    if (least > required.size) throw invalidGrammar('"minProperties" asks for more than "required" names. Name them under "required".')
    if (most !== null && most < all.length) throw invalidGrammar('"maxProperties" is smaller than the number of "properties". Leave it out.')
    return this.members(all, required)
  }

  /** Any keys, values of one schema. */
  private map(values: unknown, least: number, most: number | null): string {
    const ws = this.rules.primitive('ws')
    if (values === false || most === 0) return this.rules.add(`"{" ${ws} "}"`)
    // The same key may come twice, so a count of keys cannot be promised.
    if (least > 1) throw invalidGrammar('"minProperties" above 1 cannot be enforced without named properties. Leave it out.')
    const value = this.rule(values, [])
    const member = this.rules.add(`${this.rules.primitive('string')} ":" ${ws} ${value}`, [value])
    const next = this.rules.add(`"," ${ws} ${member}`, [member])
    const body = `${member} ${this.rules.times(next, 0, most === null ? null : most - 1, 'maxProperties')} ${ws}`
    return least === 0 ? this.rules.add(`"{" ${ws} (${body})? "}"`) : this.rules.add(`"{" ${ws} ${body} "}"`, [member])
  }

  /** In the order of the schema; from the last property on, what may follow when something stands before it, and when nothing does. */
  private members(all: readonly { name: string; schema: unknown }[], required: ReadonlySet<string>): string {
    const ws = this.rules.primitive('ws')
    let after = { rule: '', of: [] as string[], width: 0 }
    let first: { rule: string; of: string[] } = { rule: '', of: [] }
    for (const { name, schema } of all.toReversed()) {
      const value = this.rule(schema, [])
      const member = this.rules.add(`${literal(JSON.stringify(name))} ":" ${ws} ${value}`, [value])
      const must = required.has(name)
      const tail = after
      const head: { rule: string; of: string[] } = first
      const starting = this.rules.add(`${member} ${tail.rule}`, [member, ...tail.of])
      first = must ? { rule: starting, of: [starting] } : head.rule === '' ? { rule: `(${starting})?`, of: [] } : this.either(starting, head)
      const width = must ? 1 : tail.width + 1
      const follows = must ? this.rules.add(`"," ${ws} ${member} ${tail.rule}`, [member, ...tail.of]) : this.rules.add(`("," ${ws} ${member})? ${tail.rule}`, tail.of, 'all', width)
      after = { rule: follows, of: [follows], width }
    }
    return this.rules.add(`"{" ${ws} ${first.rule} ${ws} "}"`, first.of)
  }

  private either(starting: string, head: { rule: string; of: string[] }): { rule: string; of: string[] } {
    // What may be empty needs nothing to end.
    const rule = head.of.length === 0 ? this.rules.add(`${starting} | ${head.rule}`) : this.rules.add(`${starting} | ${head.rule}`, [starting, ...head.of], 'any')
    return { rule, of: head.of.length === 0 ? [] : [rule] }
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
