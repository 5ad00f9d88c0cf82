/** Errors say whether asking again helps, in the words that OpenAI's clients understand. */
import { describe, expect, it } from 'vitest'

import { failValue } from '#contract/errors.ts'
import { failureOf } from '#exchange-server/buy/buyer-errors.ts'
import { retryHeaders, type ApiError } from '#lib/openai-error.ts'

import { buyerKey, listed, NANO, say, startTestExchange } from './exchange-support.ts'

const ask = (url: string, key: string): Promise<Response> =>
  fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: NANO, messages: say('Hi') }),
  })
const advice = ({ headers }: Response): (string | null)[] =>
  ['retry-after', 'x-should-retry'].map((name) => headers.get(name))

describe('advice on asking again', () => {
  it('where nobody lists: later; where the credit is spent: never, so that the client does not hammer', async () => {
    const empty = await startTestExchange()
    const nobody = await ask(empty.url, await buyerKey(empty))
    expect([nobody.status, ...advice(nobody)]).toEqual([503, '5', null])
    const { exchange, key, supplier } = await listed({ creditNano: 1 })
    const poor = await ask(exchange.url, key)
    expect([poor.status, ...advice(poor)]).toEqual([429, null, 'false'])
    expect(supplier.jobs).toHaveLength(0)
  })

  it.each([
    ['every supplier busy', failValue('exchange.suppliersBusy', { instrument: NANO }), { 'retry-after': '2' }],
    [
      'busy for long',
      failValue('exchange.suppliersBusyLong', { instrument: NANO, seconds: 5 }),
      { 'retry-after': '2' },
    ],
    ['a supplier that left', failValue('exchange.supplierLeft'), { 'retry-after': '1' }],
    ['a price nobody can book', failValue('exchange.callTooDear'), { 'x-should-retry': 'false' }],
    ['a supplier that failed', failValue('exchange.supplierFailed', { code: 'X' }), {}],
  ])('of %s', (_name, error, headers) => {
    expect(retryHeaders(failureOf(error, false))).toEqual(headers)
  })

  it.each([
    [0, '1'],
    [0.2, '1'],
    [1.5, '2'],
    [86_400, '60'],
  ])('is whole seconds within 1 and 60: %d becomes %s', (retry, header) => {
    const error: ApiError = { status: 503, message: '', type: 'server_error', param: null, code: null, retry }
    expect(retryHeaders(error)).toEqual({ 'retry-after': header })
  })
})
