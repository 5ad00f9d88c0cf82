/** Arrays of a JSON schema as GBNF rules. */
import { listOf, type RuleOf, type Schema } from './grammar-merge.ts'
import { invalidGrammar, type GrammarRules } from './grammar-rules.ts'
import { count } from './grammar-scalars.ts'

export function arrayRule(rules: GrammarRules, schema: Schema, ruleOf: RuleOf): string {
  const least = count(schema, 'minItems') ?? 0
  const most = count(schema, 'maxItems')
  if (most !== null && most < least) throw invalidGrammar('its minItems and maxItems contradict each other. Correct them.')
  const ws = rules.primitive('ws')
  const first = schema['prefixItems'] === undefined ? [] : listOf('prefixItems', schema['prefixItems']).map((part) => ruleOf(part))
  if (most !== null && most < first.length) throw invalidGrammar('"maxItems" is smaller than "prefixItems" is long. Correct it.')
  const fixed = first.join(` "," ${ws} `)
  if (schema['items'] === false || most === 0 || (most !== null && most === first.length)) {
    if (least > first.length) throw invalidGrammar('its minItems and items contradict each other. Correct them.')
    return rules.add(`"[" ${ws} ${fixed === '' ? '' : `${fixed} ${ws} `}"]"`, first)
  }
  const item = ruleOf(schema['items'])
  const next = rules.add(`"," ${ws} ${item}`, [item])
  const more = (from: number, to: number | null): string => rules.times(next, Math.max(0, from), to, 'minItems and maxItems')
  if (first.length > 0)
    return rules.add(`"[" ${ws} ${fixed} ${more(least - first.length, most === null ? null : most - first.length)} ${ws} "]"`, least > first.length ? [...first, item] : first)
  const items = `${item} ${more(least - 1, most === null ? null : most - 1)} ${ws}`
  return least === 0 ? rules.add(`"[" ${ws} (${items})? "]"`) : rules.add(`"[" ${ws} ${items} "]"`, [item])
}
