import { isContractProcedure } from '@orpc/contract'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'

import { COMMON_CODES, ERROR_CODES } from '#contract/error-codes.ts'
import { contract } from '#contract/index.ts'
import { method } from '#contract/scope.ts'

const SCOPES = new Set(['read', 'operate', 'money', 'admin'])

/** Every procedure of the real contract by its path. */
function procedures(node: unknown, path: string[] = []): [string, { scope?: unknown; codes?: string[] }, unknown][] {
  if (isContractProcedure(node))
    return [[path.join('.'), node['~orpc'].meta as { scope?: unknown }, node['~orpc'].errorMap['STOKER']?.data]]
  return Object.entries(node as Record<string, unknown>).flatMap(([name, inner]) => procedures(inner, [...path, name]))
}

describe('the scope of each method', () => {
  it('does not compile when missing or unknown (checked by the type checker)', () => {
    // @ts-expect-error a method states its scope
    const missing = () => method().output(z.number())
    // @ts-expect-error there is no such scope
    const unknown = () => method('everything', []).output(z.number())
    expect([missing, unknown, method('read', []).output(z.number())]).toHaveLength(3)
  })

  it('is stated by every method of the contract', () => {
    const all = procedures(contract)
    expect(all.length).toBeGreaterThan(20)
    expect(all.filter(([, meta]) => !SCOPES.has(meta.scope as string)).map(([name]) => name)).toEqual([])
  })

  it('knows what changes money and what only looks', () => {
    const scopes = Object.fromEntries(procedures(contract).map(([name, { scope }]) => [name, scope]))
    expect(scopes).toMatchObject({ 'app.hello': 'read', 'app.updateSettings': 'money', 'earnings.summary': 'read' })
  })
})

describe('the codes of each method', () => {
  it('do not compile when left out or unknown (checked by the type checker)', () => {
    // @ts-expect-error a method states its codes
    const missing = () => method('read').output(z.number())
    // @ts-expect-error there is no such code
    const unknown = () => method('read', ['NO_SUCH_CODE']).output(z.number())
    expect([missing, unknown]).toHaveLength(2)
  })

  it('are known, once each, not common ones, and exactly what its errors may say on the wire', () => {
    const code = z.object({ shape: z.object({ code: z.object({ options: z.array(z.string()) }) }) })
    const problems = procedures(contract).flatMap(([name, { codes = ['none stated'] }, data]) => {
      const onWire = code.parse(data).shape.code.options.toSorted()
      return [
        ...(new Set(codes).size === codes.length ? [] : [`${name} states a code twice`]),
        ...codes.filter((each) => !(ERROR_CODES as readonly string[]).includes(each)).map((each) => `${name}: ${each}`),
        ...codes.filter((each) => (COMMON_CODES as readonly string[]).includes(each)).map((each) => `${name}: ${each}`),
        ...(onWire.join() === [...COMMON_CODES, ...codes].toSorted().join()
          ? []
          : [`${name} answers ${onWire.join()}`]),
      ]
    })
    expect(problems).toEqual([])
  })
})
