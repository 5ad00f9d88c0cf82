/** Objects of a JSON schema as GBNF rules: named properties in the schema's order, or a map of any names. */
import { fail } from '#contract/errors.ts'
import { isSchema, type RuleOf, type Schema } from './grammar-merge.ts'
import { GrammarRules, literal } from './grammar-rules.ts'
import { count } from './grammar-scalars.ts'
import type { Member } from './grammar-shapes.ts'

/** Without `required`, every named property is required if such a value can end: a small model would else answer {}. */
export type Unsaid = 'required' | 'optional'

export function objectRule(rules: GrammarRules, schema: Schema, ruleOf: RuleOf, unsaid: Unsaid): string {
  const properties = schema['properties'] ?? {}
  if (!isSchema(properties)) throw fail('grammar.properties')
  const said = schema['required']
  if (said !== undefined && !(Array.isArray(said) && said.every((name) => typeof name === 'string')))
    throw fail('grammar.required')
  const named = Object.keys(properties)
  const required = new Set<string>(said ?? (unsaid === 'required' ? named : []))
  const others = schema['additionalProperties']
  const unnamed = [...required].filter((name) => !named.includes(name))
  if (unnamed.length > 0 && others === false)
    throw fail('grammar.requiredUnnamed', { name: JSON.stringify(unnamed[0]).slice(0, 60) })
  const all = [
    ...named.map((name) => ({ name, schema: properties[name] })),
    ...unnamed.map((name) => ({ name, schema: others })),
  ]
  const [least, most] = [count(schema, 'minProperties') ?? 0, count(schema, 'maxProperties')]
  if (all.length === 0) return map(rules, ruleOf, others, [least, most])
  if (least > required.size) throw fail('grammar.minPropertiesNames')
  if (most !== null && most < all.length) throw fail('grammar.maxProperties')
  return members(rules, ruleOf, all, required)
}

/** Any keys, values of one schema. */
function map(
  rules: GrammarRules,
  ruleOf: RuleOf,
  values: unknown,
  [least, most]: readonly [number, number | null],
): string {
  const ws = rules.primitive('ws')
  if (values === false || most === 0)
    return rules.shaped(rules.add(`"{" ${ws} "}"`), { kind: 'map', value: null, ways: 1 })
  // The same key may come twice, so a number of keys cannot be guaranteed.
  if (least > 1) throw fail('grammar.minProperties')
  const value = ruleOf(values)
  const member = rules.add(`${rules.primitive('string')} ":" ${ws} ${value}`, [value])
  const next = rules.add(`"," ${ws} ${member}`, [member])
  const body = `${member} ${rules.times(next, 0, most === null ? null : most - 1, 'maxProperties')} ${ws}`
  const name = least === 0 ? rules.add(`"{" ${ws} (${body})? "}"`) : rules.add(`"{" ${ws} ${body} "}"`, [member])
  return rules.shaped(name, { kind: 'map', value, ways: GrammarRules.waysOf(most === null ? null : most - 1) })
}

/**
 * Named properties in the order of the schema. Built from the last one backwards, with two rules for each: after another
 * property, and as the first one.
 */
function members(
  rules: GrammarRules,
  ruleOf: RuleOf,
  all: readonly { name: string; schema: unknown }[],
  required: ReadonlySet<string>,
): string {
  const ws = rules.primitive('ws')
  let after = { rule: '', of: [] as string[], width: 0 }
  let first: { rule: string; of: string[] } = { rule: '', of: [] }
  let widest = 1
  const shape: Member[] = []
  for (const { name, schema } of all.toReversed()) {
    const value = ruleOf(schema)
    const member = rules.add(`${literal(JSON.stringify(name))} ":" ${ws} ${value}`, [value])
    const must = required.has(name)
    shape.unshift({ name, value, must })
    const tail = after
    const head: { rule: string; of: string[] } = first
    const starting = rules.add(`${member} ${tail.rule}`, [member, ...tail.of])
    first = must
      ? { rule: starting, of: [starting] }
      : head.rule === ''
        ? { rule: `(${starting})?`, of: [] }
        : either(rules, starting, head)
    const width = must ? 1 : tail.width + 1
    const follows = must
      ? rules.add(`"," ${ws} ${member} ${tail.rule}`, [member, ...tail.of])
      : rules.add(`("," ${ws} ${member})? ${tail.rule}`, tail.of, 'all', width)
    after = { rule: follows, of: [follows], width }
    widest = Math.max(widest, width)
  }
  return rules.shaped(rules.add(`"{" ${ws} ${first.rule} ${ws} "}"`, first.of, 'all', widest), {
    kind: 'object',
    members: shape,
  })
}

function either(
  rules: GrammarRules,
  starting: string,
  head: { rule: string; of: string[] },
): { rule: string; of: string[] } {
  // A rule that may be empty can always end.
  const rule =
    head.of.length === 0
      ? rules.add(`${starting} | ${head.rule}`)
      : rules.add(`${starting} | ${head.rule}`, [starting, ...head.of], 'any')
  return { rule, of: head.of.length === 0 ? [] : [rule] }
}
