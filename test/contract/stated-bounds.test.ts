/** Whatever another program may state in a frame has a bound: every number, text, list and record of both protocols. */
import { describe, expect, it } from 'vitest'
import { z } from 'zod'

import * as v1 from '#contract/supplier.ts'
import * as v2 from '#contract/supplier-v2.ts'
import { smallRecord } from '#contract/primitives.ts'

/** Free JSON. What bounds it is the frame: its bytes, and its brackets and commas (frame-shape.ts). */
const FREE_JSON = /\.(jsonSchema|parameters)$/
/** Values that another parser looks at: `checkedReason`, and the union of the version for `frame`. */
const PARSED_LATER = /(\.reason|^envelope\.frame)$/
const RECORD_MAX = 1_000

type Schema = z.core.$ZodTypes
/** What zod keeps of `.min()`, `.max()`, `.regex()` and `.refine()`. */
interface Check {
  check: string
  value?: number
  maximum?: number
  pattern?: RegExp
  fn?: (value: unknown) => unknown
}
const checksOf = (schema: Schema): Check[] =>
  (schema._zod.def.checks ?? []).map((check) => check._zod.def as unknown as Check)
const has = (schema: Schema, kind: string, fits: (check: Check) => boolean): boolean =>
  checksOf(schema).some((check) => check.check === kind && fits(check))
const hasMaxLength = (schema: Schema): boolean =>
  has(schema, 'max_length', ({ maximum }) => maximum! < Number.MAX_SAFE_INTEGER)

/** Of a pattern: none of its parts may repeat for ever. */
const endsSomewhere = ({ source }: RegExp): boolean => {
  const bare = source.replace(/\\./g, 'x').replace(/\[[^\]]*\]/g, 'x')
  return bare.startsWith('^') && bare.endsWith('$') && !/[*+]|\{\d+,\}|\|/.test(bare)
}

/** The bound on the count of entries is a check of its own: asked whether it lets a large one pass. */
const refusesManyEntries = (schema: Schema): boolean => {
  const many = Object.fromEntries(Array.from({ length: RECORD_MAX }, (_, n) => [`k${n}`, null]))
  return has(schema, 'custom', ({ fn }) => fn?.(many) === false)
}

/** Paths of what has no bound. */
function unbounded(of: z.core.$ZodType, path: string): string[] {
  const schema = of as Schema
  const { def } = schema._zod
  const into = (inner: z.core.$ZodType, name = ''): string[] => unbounded(inner, `${path}${name}`)
  switch (def.type) {
    case 'object':
      return Object.entries(def.shape).flatMap(([name, field]) => into(field, `.${name}`))
    case 'array':
      return [...(hasMaxLength(schema) ? [] : [`${path}[]`]), ...into(def.element, '[]')]
    case 'record':
      if (FREE_JSON.test(path)) return []
      return [
        ...(refusesManyEntries(schema) ? [] : [`${path}{}`]),
        ...into(def.keyType, '{key}'),
        ...into(def.valueType, '{}'),
      ]
    case 'union':
      return def.options.flatMap((option) => into(option, nameOf(option)))
    case 'optional':
    case 'nullable':
    case 'default':
      return into(def.innerType)
    case 'pipe':
      return into(def.in)
    case 'number':
      return has(schema, 'greater_than', ({ value }) => value! > Number.MIN_SAFE_INTEGER) &&
        has(schema, 'less_than', ({ value }) => value! < Number.MAX_SAFE_INTEGER)
        ? []
        : [path]
    case 'string':
      return hasMaxLength(schema) || has(schema, 'string_format', ({ pattern }) => endsSomewhere(pattern!))
        ? []
        : [path]
    case 'unknown':
      return PARSED_LATER.test(path) ? [] : [path]
    case 'literal':
    case 'enum':
    case 'boolean':
    case 'null':
      return []
    default:
      throw new Error(`${path}: what bounds a ${def.type} is not known here`)
  }
}

/** Of a member of a union: what its `t` says. */
function nameOf(option: z.core.$ZodType): string {
  const { def } = (option as Schema)._zod
  const tag = def.type === 'object' ? (def.shape['t'] as Schema | undefined) : undefined
  return tag?._zod.def.type === 'literal' ? `<${String(tag._zod.def.values[0])}>` : ''
}

describe('what a frame may state', () => {
  it.each([
    ['challenge of version 1', v1.challengeFrame],
    ['hello of version 1', v1.helloFrame],
    ['welcome of version 1', v1.welcomeFrame],
    ['challenge of version 2', v2.challengeFrameV2],
    ['hello of version 2', v2.helloFrameV2],
    ['welcome of version 2', v2.welcomeFrameV2],
    ['refused', v1.refusedFrame],
    ['envelope', v1.envelope],
    ['supplier of version 1', v1.supplierFrame],
    ['exchange of version 1', v1.exchangeFrame],
    ['supplier of version 2', v2.supplierFrameV2],
    ['exchange of version 2', v2.exchangeFrameV2],
    ['handshake of version 1', v1.handshakeFromExchange],
    ['handshake of version 2', v2.handshakeFromExchangeV2],
  ])('%s: every number, text, list and record has a bound', (name, schema) => {
    expect(unbounded(schema, name)).toEqual([])
  })

  it.each([
    ['an integer', z.number().int().min(0), ''],
    ['a number', z.number().max(1), ''],
    ['a text', z.string(), ''],
    ['a text of an endless pattern', z.string().regex(/^[a-z]+$/), ''],
    ['a text of an open pattern', z.string().regex(/[a-z]{3}/), ''],
    ['a list', z.array(z.boolean()), '[]'],
    ['a record', z.record(z.string().max(8), z.boolean()), '{}'],
    ['a key', smallRecord(z.boolean(), 4, Infinity), '{key}'],
    ['anything', z.unknown(), ''],
  ])('%s without a bound is found', (_name, schema, where) => {
    const frames = z.union([z.object({ t: z.literal('x'), inner: z.array(schema.optional()).max(1) }), z.null()])
    expect(unbounded(frames, 'frame')).toEqual([`frame<x>.inner[]${where}`])
  })
})
