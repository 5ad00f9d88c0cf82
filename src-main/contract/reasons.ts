/**
 * Why something is so or failed, as a code with params. The catalogue (src-main/words) turns it into words; nothing
 * here or in the core holds a sentence. Zod-free.
 */
import type { ErrorCode } from './error-codes.ts'
import { backupFailures } from './reasons/backup-failures.ts'
import { bookFailures } from './reasons/book-failures.ts'
import { breakerReasons } from './reasons/breaker-reasons.ts'
import { deviceReasons } from './reasons/device-reasons.ts'
import { diskFailures } from './reasons/disk-failures.ts'
import { engineFailures } from './reasons/engine-failures.ts'
import { exchangeFailures } from './reasons/exchange-failures.ts'
import { grammarFailures } from './reasons/grammar-failures.ts'
import { homeReasons } from './reasons/home-reasons.ts'
import { keyFailures } from './reasons/key-failures.ts'
import { modelFailures } from './reasons/model-failures.ts'
import { remoteFailures } from './reasons/remote-failures.ts'
import { requestFailures } from './reasons/request-failures.ts'
import { rimFailures } from './reasons/rim-failures.ts'
import { sellerFailures } from './reasons/seller-failures.ts'
import { sellerReasons } from './reasons/seller-reasons.ts'
import { servingFailures } from './reasons/serving-failures.ts'

/** Every reason there is: its broad error code (null where it is no failure), then the names of its params. */
export const REASONS = {
  ...backupFailures,
  ...bookFailures,
  ...breakerReasons,
  ...deviceReasons,
  ...diskFailures,
  ...engineFailures,
  ...exchangeFailures,
  ...grammarFailures,
  ...homeReasons,
  ...keyFailures,
  ...modelFailures,
  ...remoteFailures,
  ...requestFailures,
  ...rimFailures,
  ...sellerFailures,
  ...sellerReasons,
  ...servingFailures,
}

export type ReasonCode = keyof typeof REASONS
/** Those that can be thrown. */
export type FailureCode = {
  [C in ReasonCode]: (typeof REASONS)[C] extends readonly [ErrorCode, ...string[]] ? C : never
}[ReasonCode]

/** A reason within a reason is put into words first. Numbers stay numbers, so that the reader's locale shapes them. */
export type ReasonParam = string | number | Reason
export interface Reason {
  readonly code: ReasonCode
  readonly params: Readonly<Record<string, ReasonParam>>
}

type NamesOf<C extends ReasonCode> = (typeof REASONS)[C] extends readonly [
  unknown,
  ...infer Names extends readonly string[],
]
  ? Names[number]
  : never
/** What a code's words need: exactly these, so that one left out does not compile. */
export type ParamsOf<C extends ReasonCode> = [NamesOf<C>] extends [never]
  ? Record<string, never>
  : Readonly<Record<NamesOf<C>, ReasonParam>>

type ReasonRest<C extends ReasonCode> = ParamsOf<C> extends Record<string, never> ? [] : [params: ParamsOf<C>]

/** A reason that is not thrown: why a listing rests, what the home screen says. */
export function because<C extends ReasonCode>(code: C, ...[params]: ReasonRest<C>): Reason {
  return { code, params: params ?? {} }
}

/** What somebody else said, shown as it is: a server, an older version's row, a program's log. */
export const said = (text: string): Reason => ({ code: 'text', params: { text } })

/** Several as one, in order; null for none. */
export const together = (reasons: readonly Reason[]): Reason | null =>
  reasons.length === 0 ? null : reasons.reduceRight((rest, first) => because('reasons.both', { first, rest }))

const DEPTH_MAX = 8

/** A value from outside as a reason, when its code is known here and its params are exactly those the words need. */
export function checkedReason(value: unknown, depth = 0): Reason | null {
  if (typeof value !== 'object' || value === null || depth > DEPTH_MAX) return null
  const { code, params } = value as { code?: unknown; params?: unknown }
  if (typeof code !== 'string' || !Object.hasOwn(REASONS, code) || typeof params !== 'object' || params === null)
    return null
  const known = code as ReasonCode
  const [, ...names] = REASONS[known] as readonly [unknown, ...string[]]
  const given = Object.entries(params)
  if (given.length !== names.length) return null
  const checked: Record<string, ReasonParam> = {}
  for (const [name, param] of given) {
    const inner = typeof param === 'string' || typeof param === 'number' ? param : checkedReason(param, depth + 1)
    if (!names.includes(name) || inner === null) return null
    checked[name] = inner
  }
  return { code: known, params: checked }
}

/** As a text column keeps it. */
export function storedReason(reason: Reason): string {
  const text = reason.code === 'text' ? reason.params['text'] : undefined
  return typeof text === 'string' && !text.startsWith('{') ? text : JSON.stringify(reason)
}

/** Of a text column: a row of before reasons had codes holds a sentence, which is shown as it is. */
export function parseStoredReason(text: string): Reason {
  if (!text.startsWith('{')) return said(text)
  try {
    return checkedReason(JSON.parse(text)) ?? said(text)
  } catch {
    return said(text)
  }
}
