/** What a call over the contract failed with, as a command prints it; amounts as a command prints them. */
import { ORPCError } from '@orpc/client'
import { describe, expect, it } from 'vitest'

import { amount, many } from '#cli/amounts.ts'
import { unwrapError } from '#cli/output.ts'
import { exitOf } from '#lib/exit-codes.ts'

describe('an input that the console did not take', () => {
  it('is a wrong use of the command, and names the field', () => {
    const issues = [{ path: ['exchange'], message: 'Invalid string: must match pattern' }]
    const error = unwrapError(new ORPCError('BAD_REQUEST', { message: 'Input validation failed', data: { issues } }))
    expect(error).toMatchObject({
      code: 'BAD_REQUEST',
      reason: {
        code: 'request.invalid',
        params: { field: 'exchange', problem: 'Invalid string: must match pattern' },
      },
    })
    expect(exitOf(error)).toBe(2)
  })

  it('is one too where nothing says which', () => {
    expect(unwrapError(new ORPCError('BAD_REQUEST', { message: 'no JSON' }))).toMatchObject({
      reason: { params: { field: 'input', problem: 'no JSON' } },
    })
  })

  it('any other failure stays a fault', () => {
    const fault = new ORPCError('INTERNAL_SERVER_ERROR')
    expect(unwrapError(fault)).toBe(fault)
  })
})

describe('amounts', () => {
  it('are in the unit, exact to the digits that are shown, and as stored where the unit is not known', () => {
    expect(amount(1_234_500_000, 'PCR')).toBe('1.2345 practice credits')
    expect(amount(4_200, 'kudos')).toBe('42 kudos')
    expect(amount(7, 'XYZ')).toBe('7 smallest parts of XYZ')
    expect([many(1, 'job', 'jobs'), many(2, 'job', 'jobs')]).toEqual(['1 job', '2 jobs'])
  })
})
