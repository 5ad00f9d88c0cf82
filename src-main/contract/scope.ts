/** Every method states its scope and the errors it may answer; `method` has no defaults, so one without does not compile. */
import { oc } from '@orpc/contract'
import { z } from 'zod'

import { COMMON_CODES, type ErrorCode } from './error-codes.ts'
import { reason } from './primitives.ts'

/**
 * read: look. operate: run models, exams, listings. money: asks, prices, anything that changes what is earned. admin:
 * sessions and secrets.
 */
export type Scope = 'read' | 'operate' | 'money' | 'admin'

/** What the server reads of a method: who may call it, and which codes it may answer beside the common ones. */
export interface MethodMeta {
  scope: Scope
  codes: readonly ErrorCode[]
}

/**
 * Every error that crosses the contract is `STOKER` with this data; `code` is one of the method's own or a common one, so
 * that a switch over it can be exhaustive.
 */
const stokerErrors = <C extends ErrorCode>(codes: readonly C[]) =>
  ({
    STOKER: {
      status: 400,
      data: z.object({
        code: z.enum<readonly (C | (typeof COMMON_CODES)[number])[]>([...COMMON_CODES, ...codes]),
        reason,
        data: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
      }),
    },
  }) as const

/** Starts a contract procedure of the given scope that may answer these codes and the common ones. */
export const method = <C extends ErrorCode = never>(scope: Scope, codes: readonly C[]) =>
  oc.$meta<MethodMeta>({ scope, codes }).errors(stokerErrors(codes))
