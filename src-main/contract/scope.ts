/** Every method states its scope; `method` has no default, so a method without one does not compile. */
import { oc } from '@orpc/contract'
import { z } from 'zod'

/**
 * read: look. operate: run models, exams, listings. money: asks, prices, anything that changes what is earned. admin:
 * sessions and secrets.
 */
export type Scope = 'read' | 'operate' | 'money' | 'admin'

/** Every error that crosses the contract has code `STOKER` and this data: one shape, many named codes (errors.ts). */
const stokerErrors = {
  STOKER: {
    status: 400,
    data: z.object({
      code: z.string(),
      data: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
    }),
  },
} as const

/** Starts a contract procedure of the given scope. */
export const method = (scope: Scope) => oc.$meta<{ scope: Scope }>({ scope }).errors(stokerErrors)
