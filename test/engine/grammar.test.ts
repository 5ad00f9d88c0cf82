import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { jsonGrammar, schemaGrammar } from '#engine/host/grammar.ts'

import { follows } from './gbnf.ts'

type Schema = Record<string, unknown>

/** What the grammar of a schema takes and refuses; texts as a model would write them. */
function check(schema: Schema, good: readonly unknown[], bad: readonly unknown[]): void {
  const accepts = follows(schemaGrammar(schema))
  const text = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))
  expect(good.filter((value) => !accepts(text(value)))).toEqual([])
  expect(bad.filter((value) => accepts(text(value)))).toEqual([])
}

const refused = (schema: Schema): string => {
  try {
    schemaGrammar(schema)
    return ''
  } catch (error) {
    return `${(error as { code?: string }).code}: ${(error as Error).message}`
  }
}

describe('grammars of JSON schemas', () => {
  it('takes and refuses values of each type (a grammar looser than its schema lets wrong answers through)', () => {
    check({ type: 'string' }, ['"a\\n\\u00e9 ü"', '""'], ['"\n"', '1', '"a', '"\\x"'])
    check({ type: 'integer' }, ['0', '-12'], ['01', '1.5', '"1"', '+1'])
    check({ type: 'number' }, ['0.5', '-1e-7', '12'], ['.5', '1.', 'NaN', '1e999'])
    check({ type: ['boolean', 'null'] }, ['true', 'null'], ['0', '"null"'])
    check({ enum: ['a"b\\', 'ü', 3, null, { x: [1] }] }, ['"a\\"b\\\\"', '"ü"', '3', 'null', '{"x":[1]}'], ['"a"', '4'])
    check({ const: 'x', description: 'ignored' }, ['"x"'], ['"y"'])
    check({}, [{ a: [1, 'x', { b: null }] }, '[]'], ['{a:1}', '[1,]'])
  })

  it('ends right after the value (an answer that goes on with line breaks to its token limit)', () => {
    check({ type: 'object', properties: { a: { type: 'null' } } }, ['{"a":null}', '{ "a": null }', '{\n  "a": null\n}'], ['{"a":null}\n', ' {"a":null}', '{"a":null'])
  })

  it('keeps to required and optional properties in every combination', () => {
    const properties = { a: { type: 'integer' }, b: { type: 'integer' }, c: { type: 'integer' }, d: { type: 'integer' } }
    fc.assert(
      fc.property(fc.subarray(['a', 'b', 'c', 'd']), fc.subarray(['a', 'b', 'c', 'd']), (required, given) => {
        const accepts = follows(schemaGrammar({ type: 'object', properties, required, additionalProperties: false }))
        expect(accepts(JSON.stringify(Object.fromEntries(given.map((name) => [name, 1]))))).toBe(required.every((name) => given.includes(name)))
      }),
    )
    // Without `required`, all of them: a small model would answer {}.
    check({ type: 'object', properties }, [{ a: 1, b: 2, c: 3, d: 4 }], [{}, { a: 1 }])
  })

  it('counts items and characters, far beyond one repetition of llama.cpp', () => {
    check({ type: 'array', items: { type: 'boolean' }, minItems: 2, maxItems: 3 }, [[true, false], '[ true, true,\n true ]'], [[true], [true, true, true, true]])
    check({ type: 'array', maxItems: 0 }, ['[]'], ['[1]'])
    check(
      { type: 'array', prefixItems: [{ type: 'string' }, { type: 'null' }], items: { type: 'integer' } },
      [
        ['a', null],
        ['a', null, 1, 2],
      ],
      [['a'], [1, null], ['a', null, 'b']],
    )
    check({ type: 'string', minLength: 2, maxLength: 3 }, ['"ab"', '"a\\nb"'], ['"a"', '"abcd"'])
    const long = (count: number): string => JSON.stringify('x'.repeat(count))
    check({ type: 'string', minLength: 1_500, maxLength: 2_600 }, [long(1_500), long(2_500), long(2_600)], [long(1_499), long(2_601)])
  })

  it('keeps numbers between their bounds, to the integer', () => {
    fc.assert(
      fc.property(fc.integer({ min: -1_200, max: 1_200 }), fc.nat({ max: 1_500 }), fc.integer({ min: -3_000, max: 3_000 }), (minimum, width, value) => {
        const maximum = minimum + width
        expect(follows(schemaGrammar({ type: 'integer', minimum, maximum }))(String(value))).toBe(value >= minimum && value <= maximum)
        expect(follows(schemaGrammar({ type: 'integer', exclusiveMinimum: minimum }))(String(value))).toBe(value > minimum)
        expect(follows(schemaGrammar({ type: 'number', minimum, maximum }))(String(value))).toBe(value >= minimum && value <= maximum)
      }),
      { numRuns: 60 },
    )
    check({ type: 'number', minimum: 0, maximum: 1 }, ['0', '0.25', '1'], ['-0.1', '1.01', '2'])
    check({ type: 'number', exclusiveMinimum: 0 }, ['0.5', '7'], ['0', '0.0', '-1'])
    check({ type: 'number', minimum: -1.5, maximum: 1 }, ['-1', '-0.5', '0.5'], ['-1.6', '1.1'])
  })

  it('follows references, to themselves too, where a value can end', () => {
    const node = { type: 'object', properties: { value: { type: 'integer' }, next: { anyOf: [{ $ref: '#/$defs/node' }, { type: 'null' }] } }, required: ['value', 'next'] }
    check({ $ref: '#/$defs/node', $defs: { node } }, [{ value: 1, next: { value: 2, next: null } }], [{ value: 1 }, { value: 1, next: 2 }])
    check({ type: 'object', properties: { child: { $ref: '#' } } }, [{}, { child: { child: {} } }], [{ child: 1 }])
    check({ $ref: '#/definitions/a~1b', definitions: { 'a/b': { type: 'null' } } }, ['null'], ['1'])
  })

  it('joins allOf, spreads what stands beside anyOf, and takes oneOf as anyOf', () => {
    const named = (name: string, type: string): Schema => ({ type: 'object', properties: { [name]: { type } }, required: [name] })
    check({ allOf: [named('a', 'string'), { $ref: '#/$defs/b' }], $defs: { b: named('b', 'null') } }, [{ a: 'x', b: null }], [{ a: 'x' }, { b: null }])
    check(
      { type: 'object', properties: { k: { const: 1 } }, required: ['k'], anyOf: [named('a', 'null'), named('b', 'null')] },
      [
        { k: 1, a: null },
        { k: 1, b: null },
      ],
      [{ k: 1 }, { a: null }],
    )
    check({ oneOf: [{ type: 'string', maxLength: 1 }, { type: 'integer' }] }, ['"x"', '5'], ['"xy"', 'null'])
  })

  it('makes maps, dates and any object', () => {
    check({ type: 'object', additionalProperties: { type: 'integer' } }, [{}, { x: 1, y: 2 }], [{ x: 'a' }])
    check({ type: 'object', additionalProperties: false }, ['{}'], [{ a: 1 }])
    check({ type: 'string', format: 'date-time' }, ['"2026-11-21T22:04:00Z"'], ['"2026-11-21"', '"2026-13-01T00:00:00Z"'])
    const accepts = follows(jsonGrammar())
    expect([accepts('{"a":[{}]}'), accepts('[]'), accepts('"x"')]).toEqual([true, false, false])
  })

  it('refuses by name what it cannot enforce (a constraint that is silently dropped)', () => {
    expect(refused({ type: 'string', pattern: '^a' })).toContain('"pattern"')
    expect(refused({ type: 'array', items: { type: 'integer' }, uniqueItems: true })).toContain('"uniqueItems"')
    expect(refused({ type: 'object', properties: { a: { not: { type: 'null' } } } })).toContain('"not"')
    expect(refused({ type: 'number', multipleOf: 0.01 })).toContain('"multipleOf"')
    expect(refused({ $ref: 'https://example.com/schema' })).toContain('outside the schema')
    expect(refused({ $ref: '#/$defs/none' })).toContain('names nothing')
    expect(refused({ type: 'text' })).toContain('"type" is "text"')
    expect(refused({ allOf: [{ type: 'string' }, { type: 'null' }] })).toContain('two types')
    expect(refused({ type: 'integer', minimum: 3, maximum: 1 })).toContain('no integer')
    expect(refused({ properties: { a: false } })).toContain('is false')
    for (const schema of [{ type: 'string', pattern: 'x' }, { minLength: -1 }]) expect(refused(schema)).toMatch(/^GRAMMAR_INVALID: This JSON schema cannot be used/)
  })

  it('refuses schemas that loop or never end (an engine that hangs on a grammar)', () => {
    expect(refused({ $ref: '#' })).toContain('leads back to itself')
    expect(refused({ $ref: '#/$defs/a', $defs: { a: { $ref: '#/$defs/b' }, b: { $ref: '#/$defs/a' } } })).toContain('leads back to itself')
    expect(
      refused({
        $defs: { a: { anyOf: [{ type: 'object', properties: { p: { $ref: '#/$defs/b' } } }, { $ref: '#/$defs/b' }] }, b: { anyOf: [{ $ref: '#/$defs/a' }, { type: 'null' }] } },
        $ref: '#/$defs/a',
      }),
    ).toContain('leads back to itself')
    expect(refused({ type: 'object', properties: { child: { $ref: '#' } }, required: ['child'] })).toContain('without end')
    expect(refused({ type: 'array', items: { $ref: '#' }, minItems: 1 })).toContain('without end')
  })

  it('refuses what is too deep, too large or too long', () => {
    let deep: Schema = { type: 'string' }
    for (let level = 0; level < 20; level += 1) deep = { type: 'object', properties: { a: deep } }
    const cyclic: Schema = {}
    cyclic['self'] = cyclic
    expect(refused(deep)).toContain('nested deeper')
    expect(refused(cyclic)).toContain('nested deeper')
    expect(refused({ enum: Array.from({ length: 8_000 }, (_, index) => `value ${index}`) })).toContain('bytes')
    expect(refused({ type: 'string', maxLength: 1e9 })).toContain('beyond 100000')
    const properties = Object.fromEntries(Array.from({ length: 400 }, (_, index) => [`p${index}`, { type: 'string', maxLength: 500 + index }]))
    expect(refused({ type: 'object', properties })).toContain('too large together')
  })
})
