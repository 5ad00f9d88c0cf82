/** Arrays of a JSON schema as GBNF rules. */
import { fail } from '#contract/errors.ts'
import { listOf, type RuleOf, type Schema } from './grammar-merge.ts'
import { GrammarRules } from './grammar-rules.ts'
import { count } from './grammar-scalars.ts'
import type { RuleShape } from './grammar-shapes.ts'

export function arrayRule(rules: GrammarRules, schema: Schema, ruleOf: RuleOf): string {
  const least = count(schema, 'minItems') ?? 0
  const most = count(schema, 'maxItems')
  if (most !== null && most < least) throw fail('grammar.itemCounts')
  const ws = rules.primitive('ws')
  const first =
    schema['prefixItems'] === undefined ? [] : listOf('prefixItems', schema['prefixItems']).map((part) => ruleOf(part))
  if (most !== null && most < first.length) throw fail('grammar.prefixItems')
  const shape = (item: string | null, ways = 1): RuleShape => ({
    kind: 'array',
    first,
    item,
    least,
    most: item === null ? first.length : most,
    ways,
  })
  const fixed = first.join(` "," ${ws} `)
  if (schema['items'] === false || most === 0 || (most !== null && most === first.length)) {
    if (least > first.length) throw fail('grammar.minItems')
    return rules.shaped(rules.add(`"[" ${ws} ${fixed === '' ? '' : `${fixed} ${ws} `}"]"`, first), shape(null))
  }
  const item = ruleOf(schema['items'])
  const next = rules.add(`"," ${ws} ${item}`, [item])
  const more = (from: number, to: number | null): string =>
    rules.times(next, Math.max(0, from), to, 'minItems and maxItems')
  const known = shape(item, GrammarRules.waysOf(most === null ? null : most - Math.max(least, first.length, 1)))
  if (first.length > 0) {
    const body = `"[" ${ws} ${fixed} ${more(least - first.length, most === null ? null : most - first.length)} ${ws} "]"`
    return rules.shaped(rules.add(body, least > first.length ? [...first, item] : first), known)
  }
  const items = `${item} ${more(least - 1, most === null ? null : most - 1)} ${ws}`
  return rules.shaped(
    least === 0 ? rules.add(`"[" ${ws} (${items})? "]"`) : rules.add(`"[" ${ws} ${items} "]"`, [item]),
    known,
  )
}
