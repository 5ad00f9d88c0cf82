import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { jsonGrammar, schemaGrammar } from '#engine/host/grammar/grammar.ts'

import { follows } from './gbnf.ts'

type Schema = Record<string, unknown>

/**
 * Values that the grammar of a schema refuses and should not, or takes and should not; texts as a model would write
 * them.
 */
function wrong(schema: Schema, good: readonly unknown[], bad: readonly unknown[]): unknown[] {
  const accepts = follows(schemaGrammar(schema))
  const text = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))
  return [...good.filter((value) => !accepts(text(value))), ...bad.filter((value) => accepts(text(value)))]
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
    expect(wrong({ type: 'string' }, ['"a\\n\\u00e9 ü"', '""'], ['"\n"', '1', '"a', '"\\x"'])).toEqual([])
    expect(wrong({ type: 'integer' }, ['0', '-12'], ['01', '1.5', '"1"', '+1'])).toEqual([])
    expect(wrong({ type: 'number' }, ['0.5', '-1e-7', '12'], ['.5', '1.', 'NaN', '1e999'])).toEqual([])
    expect(wrong({ type: ['boolean', 'null'] }, ['true', 'null'], ['0', '"null"'])).toEqual([])
    expect(
      wrong(
        { enum: ['a"b\\', 'ü', 3, null, { x: [1] }] },
        ['"a\\"b\\\\"', '"ü"', '3', 'null', '{"x":[1]}'],
        ['"a"', '4'],
      ),
    ).toEqual([])
    const values = Array.from({ length: 600 }, (_, index) => `value ${index}`)
    expect(
      wrong(
        { enum: values },
        values.map((value) => JSON.stringify(value)),
        ['"value "', '"value 600"', '"value 5"x'],
      ),
    ).toEqual([])
    expect(wrong({ const: 'x', description: 'ignored' }, ['"x"'], ['"y"'])).toEqual([])
    expect(wrong({}, [{ a: [1, 'x', { b: null }] }, '[]'], ['{a:1}', '[1,]'])).toEqual([])
  })

  it('ends right after the value (an answer that goes on with line breaks to its token limit)', () => {
    expect(
      wrong(
        { type: 'object', properties: { a: { type: 'null' } } },
        ['{"a":null}', '{ "a": null }', '{\n  "a": null\n}'],
        ['{"a":null}\n', ' {"a":null}', '{"a":null'],
      ),
    ).toEqual([])
  })

  it('keeps to required and optional properties in every combination', () => {
    const properties = {
      a: { type: 'integer' },
      b: { type: 'integer' },
      c: { type: 'integer' },
      d: { type: 'integer' },
    }
    fc.assert(
      fc.property(fc.subarray(['a', 'b', 'c', 'd']), fc.subarray(['a', 'b', 'c', 'd']), (required, given) => {
        const accepts = follows(schemaGrammar({ type: 'object', properties, required, additionalProperties: false }))
        expect(accepts(JSON.stringify(Object.fromEntries(given.map((name) => [name, 1]))))).toBe(
          required.every((name) => given.includes(name)),
        )
      }),
    )
    // Without `required`, all of them: a small model would answer {}.
    expect(wrong({ type: 'object', properties }, [{ a: 1, b: 2, c: 3, d: 4 }], [{}, { a: 1 }])).toEqual([])
  })

  it('counts items and characters, far beyond one repetition of llama.cpp', () => {
    expect(
      wrong(
        { type: 'array', items: { type: 'boolean' }, minItems: 2, maxItems: 3 },
        [[true, false], '[ true, true,\n true ]'],
        [[true], [true, true, true, true]],
      ),
    ).toEqual([])
    expect(wrong({ type: 'array', maxItems: 0 }, ['[]'], ['[1]'])).toEqual([])
    expect(
      wrong(
        { type: 'array', prefixItems: [{ type: 'string' }, { type: 'null' }], items: { type: 'integer' } },
        [
          ['a', null],
          ['a', null, 1, 2],
        ],
        [['a'], [1, null], ['a', null, 'b']],
      ),
    ).toEqual([])
    expect(wrong({ type: 'string', minLength: 2, maxLength: 3 }, ['"ab"', '"a\\nb"'], ['"a"', '"abcd"'])).toEqual([])
    const long = (count: number): string => JSON.stringify('x'.repeat(count))
    expect(
      wrong(
        { type: 'string', minLength: 1_500, maxLength: 2_600 },
        [long(1_500), long(2_500), long(2_600)],
        [long(1_499), long(2_601)],
      ),
    ).toEqual([])
  })

  it('keeps numbers between their bounds, to the integer', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -1_200, max: 1_200 }),
        fc.nat({ max: 1_500 }),
        fc.integer({ min: -3_000, max: 3_000 }),
        (minimum, width, value) => {
          const maximum = minimum + width
          expect(follows(schemaGrammar({ type: 'integer', minimum, maximum }))(String(value))).toBe(
            value >= minimum && value <= maximum,
          )
          expect(follows(schemaGrammar({ type: 'integer', exclusiveMinimum: minimum }))(String(value))).toBe(
            value > minimum,
          )
          expect(follows(schemaGrammar({ type: 'number', minimum, maximum }))(String(value))).toBe(
            value >= minimum && value <= maximum,
          )
        },
      ),
      { numRuns: 60 },
    )
    expect(wrong({ type: 'number', minimum: 0, maximum: 1 }, ['0', '0.25', '1'], ['-0.1', '1.01', '2'])).toEqual([])
    expect(wrong({ type: 'number', exclusiveMinimum: 0 }, ['0.5', '7'], ['0', '0.0', '-1'])).toEqual([])
    expect(wrong({ type: 'number', minimum: -1.5, maximum: 1 }, ['-1', '-0.5', '0.5'], ['-1.6', '1.1'])).toEqual([])
  })

  it('follows references, to themselves too, where a value can end', () => {
    const node = {
      type: 'object',
      properties: { value: { type: 'integer' }, next: { anyOf: [{ $ref: '#/$defs/node' }, { type: 'null' }] } },
      required: ['value', 'next'],
    }
    expect(
      wrong(
        { $ref: '#/$defs/node', $defs: { node } },
        [{ value: 1, next: { value: 2, next: null } }],
        [{ value: 1 }, { value: 1, next: 2 }],
      ),
    ).toEqual([])
    expect(
      wrong({ type: 'object', properties: { child: { $ref: '#' } } }, [{}, { child: { child: {} } }], [{ child: 1 }]),
    ).toEqual([])
    expect(wrong({ $ref: '#/definitions/a~1b', definitions: { 'a/b': { type: 'null' } } }, ['null'], ['1'])).toEqual([])
  })

  it('joins allOf, spreads what stands beside anyOf, and takes oneOf as anyOf', () => {
    const named = (name: string, type: string): Schema => ({
      type: 'object',
      properties: { [name]: { type } },
      required: [name],
    })
    expect(
      wrong(
        { allOf: [named('a', 'string'), { $ref: '#/$defs/b' }], $defs: { b: named('b', 'null') } },
        [{ a: 'x', b: null }],
        [{ a: 'x' }, { b: null }],
      ),
    ).toEqual([])
    expect(
      wrong(
        {
          type: 'object',
          properties: { k: { const: 1 } },
          required: ['k'],
          anyOf: [named('a', 'null'), named('b', 'null')],
        },
        [
          { k: 1, a: null },
          { k: 1, b: null },
        ],
        [{ k: 1 }, { a: null }],
      ),
    ).toEqual([])
    expect(
      wrong({ oneOf: [{ type: 'string', maxLength: 1 }, { type: 'integer' }] }, ['"x"', '5'], ['"xy"', 'null']),
    ).toEqual([])
  })

  it('makes maps, dates and any object', () => {
    expect(
      wrong({ type: 'object', additionalProperties: { type: 'integer' } }, [{}, { x: 1, y: 2 }], [{ x: 'a' }]),
    ).toEqual([])
    expect(wrong({ type: 'object', additionalProperties: false }, ['{}'], [{ a: 1 }])).toEqual([])
    expect(
      wrong(
        { type: 'string', format: 'date-time' },
        ['"2026-11-21T22:04:00Z"'],
        ['"2026-11-21"', '"2026-13-01T00:00:00Z"'],
      ),
    ).toEqual([])
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
    for (const schema of [{ type: 'string', pattern: 'x' }, { minLength: -1 }])
      expect(refused(schema)).toMatch(/^GRAMMAR_INVALID: This JSON schema cannot be used/)
  })

  it('refuses schemas that loop or never end (an engine that hangs on a grammar)', () => {
    expect(refused({ $ref: '#' })).toContain('leads back to itself')
    expect(refused({ $ref: '#/$defs/a', $defs: { a: { $ref: '#/$defs/b' }, b: { $ref: '#/$defs/a' } } })).toContain(
      'leads back to itself',
    )
    expect(
      refused({
        $defs: {
          a: { anyOf: [{ type: 'object', properties: { p: { $ref: '#/$defs/b' } } }, { $ref: '#/$defs/b' }] },
          b: { anyOf: [{ $ref: '#/$defs/a' }, { type: 'null' }] },
        },
        $ref: '#/$defs/a',
      }),
    ).toContain('leads back to itself')
    expect(refused({ type: 'object', properties: { child: { $ref: '#' } }, required: ['child'] })).toContain(
      'without end',
    )
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
    const doubling = Object.fromEntries(
      Array.from({ length: 40 }, (_, index) => [
        `a${index}`,
        { anyOf: [{ $ref: `#/$defs/a${index + 1}` }, { allOf: [{ $ref: `#/$defs/a${index + 1}` }], type: 'null' }] },
      ]),
    )
    expect(refused({ $ref: '#/$defs/a0', $defs: { ...doubling, a40: { type: 'null' } } })).toContain('20000 parts')
    const many = (each: object): Schema =>
      Object.fromEntries(Array.from({ length: 400 }, (_, index) => [`p${index}`, each]))
    expect(refused({ type: 'object', properties: many({ type: 'null' }), required: [] })).toContain('256 ways')
    expect(refused({ type: 'object', properties: many({ type: 'null' }) })).toBe('')
    const properties = Object.fromEntries(
      Array.from({ length: 400 }, (_, index) => [`p${index}`, { type: 'string', maxLength: 500 + index }]),
    )
    expect(refused({ type: 'object', properties })).toContain('too large together')
  })
})
