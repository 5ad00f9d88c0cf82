/**
 * Columns as the code reads and writes them: the kind of value, whether it may be NULL, and whether the table fills it
 * in by a DEFAULT. Values are checked on the way out: a row that is not what its table promises is a typed error, never
 * a wrong number.
 */
import { fail } from '#contract/errors.ts'
import { NANO_LIMIT, type Nano, type NanoPerMtok } from '#contract/money.ts'

/**
 * `int` is an integer below 2^53, `amount` one within ±2^51 (contract/money.ts), `bigint` any integer of SQLite, `bool`
 * is 0 or 1, `json` is text. The others are those of SQLite.
 */
export type ColumnKind = 'text' | 'int' | 'amount' | 'bigint' | 'bool' | 'json' | 'real'

declare const valueType: unique symbol
export interface DbColumn<Value = unknown, Defaulted extends boolean = boolean> {
  readonly kind: ColumnKind
  readonly nullable: boolean
  /** An INSERT may leave it out. */
  readonly defaulted: Defaulted
  /** Its name in SQL; null where that is the field's name in snake case. */
  readonly name: string | null
  readonly [valueType]?: Value
}

const column = <Value>(kind: ColumnKind): DbColumn<Value, false> => ({
  kind,
  nullable: false,
  defaulted: false,
  name: null,
})

/** The type argument narrows what is stored: a union of words, a branded id. It is not checked; the table's CHECK is. */
export const text = <Value extends string = string>(): DbColumn<Value, false> => column('text')
export const int = <Value extends number = number>(): DbColumn<Value, false> => column('int')
export const amount = (): DbColumn<Nano, false> => column('amount')
export const price = (): DbColumn<NanoPerMtok, false> => column('amount')
export const bigint = (): DbColumn<bigint, false> => column('bigint')
export const bool = (): DbColumn<boolean, false> => column('bool')
export const real = (): DbColumn<number, false> => column('real')
/** Stored as JSON text; what is read is parsed and taken for a `Value` unchecked. */
export const json = <Value>(): DbColumn<Value, false> => column('json')

export const nullable = <Value, D extends boolean>(of: DbColumn<Value, D>): DbColumn<Value | null, D> => ({
  ...of,
  nullable: true,
})
/** The table has a DEFAULT for it. */
export const defaulted = <Value>(of: DbColumn<Value>): DbColumn<Value, true> => ({ ...of, defaulted: true })
/** Another name in SQL than the field's in snake case. */
export const named = <Value, D extends boolean>(name: string, of: DbColumn<Value, D>): DbColumn<Value, D> => ({
  ...of,
  name,
})

const EXPECTED: Record<ColumnKind, string> = {
  text: 'text',
  int: 'an integer below 2^53',
  amount: 'an integer of at most 2^51',
  bigint: 'an integer',
  bool: '0 or 1',
  json: 'JSON',
  real: 'a number',
}

/** As a parameter of a statement. */
export function encode({ kind }: DbColumn, value: unknown): unknown {
  if (value === null) return null
  if (kind === 'bool') return value === true ? 1 : 0
  return kind === 'json' ? JSON.stringify(value) : value
}

/**
 * A value of a `money` statement (integers as BigInt) as the code has it. Error: DB_CORRUPT, naming table and column.
 */
export function decode(of: DbColumn, value: unknown, table: string, name: string): unknown {
  if (value === null && of.nullable) return null
  const found = value === null ? undefined : DECODERS[of.kind](value)
  if (found !== undefined) return found
  throw fail(
    'db.rowDamaged',
    { table, column: name, value: shown(value), expected: EXPECTED[of.kind] },
    { data: { table, column: name } },
  )
}

const whole = (value: unknown, limit: number): number | undefined =>
  typeof value === 'bigint' && value <= BigInt(limit) && value >= -BigInt(limit) ? Number(value) : undefined

/** Undefined for what is no value of the kind. */
const DECODERS: Record<ColumnKind, (value: unknown) => unknown> = {
  text: (value) => (typeof value === 'string' ? value : undefined),
  int: (value) => whole(value, Number.MAX_SAFE_INTEGER),
  amount: (value) => whole(value, NANO_LIMIT),
  bigint: (value) => (typeof value === 'bigint' ? value : undefined),
  bool: (value) => (value === 0n ? false : value === 1n ? true : undefined),
  real: (value) => (typeof value === 'number' ? value : undefined),
  json(value) {
    try {
      return typeof value === 'string' ? (JSON.parse(value) as unknown) : undefined
    } catch {
      return undefined
    }
  },
}

/** A text may be a prompt, so only numbers are shown. */
const shown = (value: unknown): string =>
  value === null ? 'NULL' : typeof value === 'number' || typeof value === 'bigint' ? String(value) : `a ${typeof value}`
