/** What leaves the core as an error: the codes that a method declares, and nothing else. */
import { createRouterClient, ORPCError } from '@orpc/server'
import { describe, expect, it } from 'vitest'

import { fail } from '#contract/errors.ts'
import { because, said } from '#contract/reasons.ts'
import { nanoPerMtok } from '#contract/money.ts'
import { exchangeRefusal } from '#core/venues/index.ts'
import { ALL_SCOPES, createOs } from '#core/os.ts'
import { VENUE } from '#test/support/venue.ts'
import type { Log } from '#lib/log.ts'

function setup(thrown: () => unknown) {
  const logged: { details: object; message: string }[] = []
  const log = { error: (details: object, message: string) => logged.push({ details, message }) } as unknown as Log
  const os = createOs(log)
  const client = createRouterClient(
    {
      get: os.jobs.get.handler(() => {
        throw thrown()
      }),
      events: os.app.events.handler(async function* () {
        yield { topic: 'jobs', venueId: null, version: 1 }
        throw thrown()
      }),
    },
    { context: { scopes: ALL_SCOPES } },
  )
  const error = async (): Promise<ORPCError<string, { code: string; reason: unknown }>> =>
    (await client.get({ venueId: VENUE, jobId: 'job-1' }).catch((failed: unknown) => failed)) as never
  return { client, error, logged }
}

describe('an error of a handler', () => {
  it('that its method declares comes with code, reason and English', async () => {
    const { error, logged } = setup(() => fail('job.unknown'))
    expect(await error()).toMatchObject({
      code: 'STOKER',
      defined: true,
      message: 'There is no job of this name here.',
      data: { code: 'NOT_FOUND', reason: { code: 'job.unknown', params: {} }, data: {} },
    })
    expect(logged).toEqual([])
  })

  it('that its method does not declare becomes INTERNAL without its text, and is logged', async () => {
    const thrown = fail('model.fileGone', { path: '/secret/m.gguf' })
    const { error, logged } = setup(() => thrown)
    const received = await error()
    expect(received).toMatchObject({ code: 'STOKER', data: { code: 'INTERNAL', reason: because('stoker.internal') } })
    expect(JSON.stringify(received)).not.toContain('secret')
    expect(logged).toMatchObject([{ details: { err: thrown, method: 'get' } }])
  })

  it('that is no StokerError becomes INTERNAL, and an amount out of range says so', async () => {
    expect(await setup(() => new Error('secret')).error()).toMatchObject({ data: { code: 'INTERNAL' } })
    const range = setup(() => {
      nanoPerMtok(-1)
    })
    expect(await range.error()).toMatchObject({ data: { code: 'MONEY_RANGE', reason: because('money.range') } })
  })

  it('in a stream is treated the same', async () => {
    const { client, logged } = setup(() => fail('model.unknown'))
    const read = async () => {
      for await (const _ of await client.events()) void _
    }
    await expect(read()).rejects.toMatchObject({ code: 'STOKER', data: { code: 'INTERNAL' } })
    expect(logged).toHaveLength(1)
  })
})

describe('a refusal by an exchange', () => {
  const theirs = { message: 'their words', data: { a: 1 } }

  it('keeps a code that is an exchange’s, and says in our words what it names', () => {
    const reason = because('exchange.examAttempts', { max: 3 })
    const error = exchangeRefusal({ ...theirs, code: 'EXAM_ATTEMPTS', reason })
    expect(error).toMatchObject({ code: 'EXAM_ATTEMPTS', reason, data: { a: 1 } })
    expect(error.message).toMatch(/^a model has 3 attempts/)
  })

  it.each(['LEDGER_CONFLICT', 'INTERNAL', 'MADE_UP', 'toString'])('with code %s is EXCHANGE_REFUSED', (code) => {
    expect(exchangeRefusal({ ...theirs, code })).toMatchObject({
      code: 'EXCHANGE_REFUSED',
      reason: because('exchange.refused', { reason: said('their words') }),
      message: 'The exchange refused: their words',
    })
  })
})
