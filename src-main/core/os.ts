/**
 * The contract, ready to be implemented: every procedure checks its scope, and every failure becomes the contract's one
 * error shape.
 */
import { implement, ORPCError } from '@orpc/server'

import { fail, StokerError, toErrorValue } from '#contract/errors.ts'
import { contract } from '#contract/index.ts'
import type { Scope } from '#contract/scope.ts'
import { MoneyRangeError } from '#contract/money.ts'
import type { Log } from '#lib/log.ts'

/** What a transport says about the caller; made once per connection after authentication. */
export interface CallContext {
  scopes: readonly Scope[]
}
export const ALL_SCOPES: readonly Scope[] = ['read', 'operate', 'money', 'admin']

/**
 * StokerError → the contract's `STOKER` error with its code; anything else is logged and becomes code INTERNAL without
 * its text.
 */
function toContractError(error: unknown, log: Log): Error {
  if (error instanceof ORPCError) return error
  const known = error instanceof MoneyRangeError ? fail('money.range', undefined, { cause: error }) : error
  if (!(known instanceof StokerError)) log.error({ err: error }, 'a call failed')
  const value = toErrorValue(known)
  return new ORPCError('STOKER', {
    status: 400,
    message: value.message,
    data: { code: value.code, data: { ...value.data } },
  })
}

async function* mapStream(stream: AsyncIterable<unknown>, log: Log): AsyncGenerator {
  try {
    yield* stream
  } catch (error) {
    throw toContractError(error, log)
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
    .use(async ({ context, procedure, next }) => {
      const scope = procedure['~orpc'].meta.scope
      if (!context.scopes.includes(scope)) throw toContractError(fail('call.scope', { scope }), log)
      try {
        const result = await next()
        return isStream(result.output) ? { ...result, output: mapStream(result.output, log) } : result
      } catch (error) {
        throw toContractError(error, log)
      }
    })
}
export type Os = ReturnType<typeof createOs>
