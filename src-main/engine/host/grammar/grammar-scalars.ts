/** Strings and numbers of a JSON schema as GBNF rules. */
import { fail } from '#contract/errors.ts'
import type { Schema } from './grammar-merge.ts'
import { integersBetween, numbersBetween } from './grammar-numbers.ts'
import { GrammarRules } from './grammar-rules.ts'

/** Formats that constrain; every other one is an annotation (JSON Schema 2020-12, Validation, section 7). */
const FORMATS: ReadonlyMap<string, string> = new Map([
  ['date', '"\\"" date "\\""'],
  ['time', '"\\"" time "\\""'],
  ['date-time', '"\\"" date "T" time "\\""'],
  ['uuid', '"\\"" uuid "\\""'],
])
/** The value of a keyword that holds a count; null when it is missing. */
export const count = (schema: Schema, word: string): number | null => {
  const value = schema[word]
  if (value === undefined) return null
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0) throw fail('grammar.wholeNumber', { word })
  return value
}

function limit(schema: Schema, word: string): number | null {
  const value = schema[word]
  if (value === undefined) return null
  if (typeof value !== 'number' || !(Math.abs(value) < 1e15)) throw fail('grammar.digits', { word })
  return value
}

export function stringRule(rules: GrammarRules, schema: Schema): string {
  const [least, most] = [count(schema, 'minLength') ?? 0, count(schema, 'maxLength')]
  const format = typeof schema['format'] === 'string' ? FORMATS.get(schema['format']) : undefined
  if (format !== undefined && least === 0 && most === null) {
    for (const name of ['date', 'time', 'uuid']) if (format.includes(` ${name} `)) rules.primitive(name)
    return rules.shaped(rules.add(format), { kind: 'plain', class: 'string' })
  }
  if (least === 0 && most === null) return rules.primitive('string')
  const body = `"\\"" ${rules.times(rules.primitive('char'), least, most, 'minLength and maxLength')} "\\""`
  return rules.shaped(rules.add(body, [], 'all', GrammarRules.waysOf(most === null ? null : most - least)), {
    kind: 'plain',
    class: 'string',
  })
}

export function numberRule(rules: GrammarRules, type: 'integer' | 'number', schema: Schema): string {
  const step = schema['multipleOf']
  if (step !== undefined && !(step === 1 && type === 'integer')) throw fail('grammar.multipleOf')
  const [low, high] = [limit(schema, 'minimum'), limit(schema, 'maximum')]
  const [above, below] = [limit(schema, 'exclusiveMinimum'), limit(schema, 'exclusiveMaximum')]
  if (low === null && high === null && above === null && below === null) return rules.primitive(type)
  const from =
    above !== null && (low === null || above >= low)
      ? { value: above, exclusive: true }
      : low === null
        ? null
        : { value: low, exclusive: false }
  const to =
    below !== null && (high === null || below <= high)
      ? { value: below, exclusive: true }
      : high === null
        ? null
        : { value: high, exclusive: false }
  rules.primitive('fraction')
  const body =
    type === 'number'
      ? numbersBetween(from, to)
      : integersBetween(
          from === null ? null : from.exclusive ? Math.floor(from.value) + 1 : Math.ceil(from.value),
          to === null ? null : to.exclusive ? Math.ceil(to.value) - 1 : Math.floor(to.value),
        )
  if (body === null) throw fail('grammar.noneBetween', { type })
  return rules.shaped(rules.add(body, [], 'all', body.split(' | ').length), { kind: 'plain', class: 'number' })
}
