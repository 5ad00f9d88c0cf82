import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { schemaGrammar } from '#engine/host/grammar/grammar.ts'

import { GbnfStacks } from './gbnf-stacks.ts'

type Schema = Record<string, unknown>

const refused = (schema: Schema): string => {
  try {
    schemaGrammar(schema)
    return ''
  } catch (error) {
    return `${(error as { code?: string }).code}: ${(error as Error).message}`
  }
}
const levels = (count: number, level: (index: number, next: Schema) => Schema, last: Schema): Schema => ({
  $ref: '#/$defs/a0',
  $defs: Object.fromEntries(
    Array.from({ length: count + 1 }, (_, index) => [
      `a${index}`,
      index === count ? last : level(index, { $ref: `#/$defs/a${index + 1}` }),
    ]),
  ),
})
const list = (items: Schema, maxItems: number): Schema => ({ type: 'array', minItems: 1, maxItems, items })
const record = (properties: Record<string, Schema>, required = Object.keys(properties)): Schema => ({
  type: 'object',
  properties,
  required,
  additionalProperties: false,
})
const AMBIGUOUS =
  /^GRAMMAR_INVALID: This JSON schema cannot be used: its alternatives leave more than 256 ways open at once.*required property/

describe('ambiguity of grammars', () => {
  it('refuses alternatives that begin alike and multiply with every level (an engine host that stands still for good)', () => {
    const lists = (_: number, next: Schema): Schema => ({
      anyOf: Array.from({ length: 16 }, (_each, index) => list(next, index + 1)),
    })
    expect(refused(levels(9, lists, { type: 'null' }))).toMatch(AMBIGUOUS)
    expect(refused(levels(3, lists, { type: 'null' }))).toMatch(AMBIGUOUS)
    expect(refused(levels(1, lists, { type: 'null' }))).toBe('')
    const records = (_: number, next: Schema): Schema => ({
      anyOf: [record({ a: next, b: { const: 1 } }), record({ a: next, c: { const: 1 } })],
    })
    expect(refused(levels(12, records, { type: 'null' }))).toMatch(AMBIGUOUS)
    const maps = (_: number, next: Schema): Schema => ({
      anyOf: [
        { type: 'object', additionalProperties: next },
        { type: 'object', additionalProperties: next, maxProperties: 5 },
      ],
    })
    expect(refused(levels(12, maps, { type: 'null' }))).toMatch(AMBIGUOUS)
    // Of a repetition put together from blocks two places are open at once.
    expect(
      refused(levels(12, (_, next) => ({ type: 'array', items: next, maxItems: 1_500 }), { type: 'null' })),
    ).toMatch(AMBIGUOUS)
  })

  it('takes equal alternatives as one', () => {
    const same = (_: number, next: Schema): Schema => ({ anyOf: Array.from({ length: 16 }, () => list(next, 1)) })
    expect(refused(levels(9, same, { type: 'null' }))).toBe('')
  })

  it('refuses alternatives that hold themselves without being told apart first, and takes those that are', () => {
    const self = { $ref: '#' }
    const operator = (name: string): Schema => ({ const: name })
    expect(
      refused({ anyOf: [record({ left: self, plus: self }), record({ left: self, minus: self }), { type: 'number' }] }),
    ).toMatch(AMBIGUOUS)
    expect(
      refused({
        anyOf: [
          record({ left: self, kind: operator('+') }),
          record({ left: self, kind: operator('-') }),
          { type: 'number' },
        ],
      }),
    ).toMatch(AMBIGUOUS)
    expect(
      refused({
        anyOf: [
          record({ kind: operator('+'), left: self }),
          record({ kind: operator('-'), left: self }),
          { type: 'number' },
        ],
      }),
    ).toBe('')
    expect(
      refused({
        anyOf: [
          record({ and: { type: 'array', items: self } }),
          record({ or: { type: 'array', items: self } }),
          record({ not: self }),
          { type: 'string' },
        ],
      }),
    ).toBe('')
    expect(
      refused({
        anyOf: [
          { type: 'object', additionalProperties: self },
          { type: 'array', items: self },
          { type: ['string', 'number', 'null'] },
        ],
      }),
    ).toBe('')
    const tree = record(
      {
        value: { type: 'integer' },
        left: { anyOf: [self, { type: 'null' }] },
        right: { anyOf: [self, { type: 'null' }] },
      },
      ['value'],
    )
    expect(refused(tree)).toBe('')
    const nested = (name: string): Schema => record({ head: record({ kind: operator(name) }), body: self })
    expect(refused({ anyOf: [nested('a'), nested('b'), { type: 'null' }] })).toBe('')
  })

  it('takes what people write: many alternatives with a kind, many optional properties, deep plain nesting', () => {
    const kinds = Array.from({ length: 100 }, (_, index) =>
      record({
        kind: { const: `kind ${index}` },
        id: { type: 'string' },
        value: { anyOf: [{ $ref: '#' }, { type: 'null' }] },
      }),
    )
    expect(refused({ anyOf: kinds })).toBe('')
    const optional = Object.fromEntries(
      Array.from({ length: 100 }, (_, index) => [`p${index}`, { type: 'integer', minimum: 0 }]),
    )
    expect(refused(record({ list: { type: 'array', items: record(optional, []) } }))).toBe('')
    expect(
      refused(
        levels(
          40,
          (index, next) => (index % 2 === 0 ? record({ next }) : { anyOf: [list(next, 9), { type: 'string' }] }),
          { type: 'null' },
        ),
      ),
    ).toBe('')
  })

  it('refuses long chains of references by name, however they lead on (an internal error)', () => {
    expect(refused(levels(1_800, (_, next) => next, { type: 'null' }))).toMatch(
      /^GRAMMAR_INVALID: .*more than 64 "\$ref"/,
    )
    expect(refused(levels(1_200, (_, next) => ({ items: next }), { type: 'null' }))).toMatch(
      /^GRAMMAR_INVALID: .*600 parts deep/,
    )
    expect(refused(levels(1_000, (_, next) => ({ allOf: [next] }), { type: 'null' }))).toMatch(
      /^GRAMMAR_INVALID: .*600 parts deep/,
    )
    expect(refused({ allOf: [{ $ref: '#' }] })).toMatch(/^GRAMMAR_INVALID/)
    expect(refused(levels(50, (_, next) => next, { type: 'null' }))).toBe('')
  })

  /** Most stacks along one answer, chosen at random. */
  function mostStacks(gbnf: string, choices: readonly number[]): number {
    const stacks = new GbnfStacks(gbnf)
    let most = stacks.count
    for (const choice of choices) {
      const character = stacks.next((count) => choice % count)
      if (character === null) break
      stacks.push(character)
      most = Math.max(most, stacks.count)
      if (most > 5_000) break
    }
    return most
  }

  it('keeps the stacks of every grammar it takes within its bound, white space and ends of lists aside', () => {
    const names = fc.constantFrom('a0', 'a1', 'a2', 'a3')
    const leaf = fc.constantFrom<Schema>({ type: 'null' }, { const: 'x' }, { enum: ['x', 'y'] }, { type: 'integer' })
    const part = fc.oneof(
      names.map((name): Schema => ({ $ref: `#/$defs/${name}` })),
      leaf,
    )
    const one = fc.oneof(
      fc.tuple(part, fc.integer({ min: 1, max: 3 })).map(([items, most]) => list(items, most)),
      fc.tuple(part, part, fc.boolean()).map(([a, b, all]) => record({ a, b }, all ? ['a', 'b'] : [])),
      part.map((additionalProperties): Schema => ({ type: 'object', additionalProperties })),
      leaf,
    )
    const several = fc
      .array(one, { minLength: 1, maxLength: 4 })
      .map((anyOf): Schema => ({ anyOf: [...anyOf, { type: 'null' }] }))
    const schemas = fc
      .tuple(several, several, several, several)
      .map(([a0, a1, a2, a3]): Schema => ({ $ref: '#/$defs/a0', $defs: { a0, a1, a2, a3 } }))
    fc.assert(
      fc.property(schemas, fc.array(fc.nat({ max: 1_000 }), { minLength: 60, maxLength: 60 }), (schema, choices) => {
        fc.pre(refused(schema) === '')
        expect(mostStacks(schemaGrammar(schema), choices)).toBeLessThanOrEqual(256 * 6)
      }),
      { numRuns: 60 },
    )
    expect(
      mostStacks(
        schemaGrammar({ anyOf: [list({ type: 'null' }, 1), list({ type: 'null' }, 2), { type: 'null' }] }),
        [0, 0],
      ),
    ).toBeGreaterThan(3)
  })
})
