/**
 * The contract, ready to be implemented: every procedure checks its scope, and every failure becomes the contract's one
 * error shape.
 */
import { implement, ORPCError } from '@orpc/server'

import { fail, StokerError, type ErrorCode } from '#contract/errors.ts'
import { COMMON_CODES } from '#contract/error-codes.ts'
import { contract } from '#contract/index.ts'
import type { Scope } from '#contract/scope.ts'
import { MoneyRangeError } from '#contract/money.ts'
import type { Log } from '#lib/log.ts'

/** What a transport says about the caller; made once per connection after authentication. */
export interface CallContext {
  scopes: readonly Scope[]
}
const COMMON: readonly ErrorCode[] = COMMON_CODES

export const ALL_SCOPES: readonly Scope[] = ['read', 'operate', 'money', 'admin']

/** Turns what a handler threw into what its method declares. */
type ToContractError = (error: unknown) => Error

/**
 * StokerError → the contract's `STOKER` error with its code and reason, if the method declares that code; anything else is
 * a fault: it is logged and becomes code INTERNAL without its text.
 */
const contractErrors =
  (declared: readonly ErrorCode[], method: string, log: Log): ToContractError =>
  (error) => {
    if (error instanceof ORPCError) return error
    const known = error instanceof MoneyRangeError ? fail('money.range', undefined, { cause: error }) : error
    const expected =
      known instanceof StokerError && (declared.includes(known.code) || COMMON.includes(known.code)) ? known : null
    if (expected === null)
      log.error(
        { err: error, method },
        known instanceof StokerError ? 'a call failed with a code that its method does not declare' : 'a call failed',
      )
    const { code, message, reason, data } = expected ?? fail('stoker.internal')
    return new ORPCError('STOKER', { status: 400, message, data: { code, reason, data: { ...data } } })
  }

async function* mapStream(stream: AsyncIterable<unknown>, toContractError: ToContractError): AsyncGenerator {
  try {
    yield* stream
  } catch (error) {
    throw toContractError(error)
  }
}

const isStream = (value: unknown): value is AsyncIterable<unknown> =>
  typeof value === 'object' && value !== null && Symbol.asyncIterator in value

/**
 * Domains build their handlers from this: `context.os.models.list.handler(() => …)`. Errors inside handlers are thrown
 * StokerErrors.
 */
export function createOs(log: Log) {
  return implement(contract)
    .$context<CallContext>()
    .use(async ({ context, procedure, path, next }) => {
      const { scope, codes } = procedure['~orpc'].meta
      const toContractError = contractErrors(codes, path.join('.'), log)
      if (!context.scopes.includes(scope)) throw toContractError(fail('call.scope', { scope }))
      try {
        const result = await next()
        return isStream(result.output) ? { ...result, output: mapStream(result.output, toContractError) } : result
      } catch (error) {
        throw toContractError(error)
      }
    })
}
export type Os = ReturnType<typeof createOs>
