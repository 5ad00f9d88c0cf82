import { describe, expect, it } from 'vitest'

import { createBooks } from '#books/books.ts'
import { checkExchangeFile } from '#exchange-server/admin/exchange-check.ts'

import { admin, startTestExchange } from './exchange-support.ts'

describe('the check of a running exchange', () => {
  it('reads its file beside it, and ends when nobody waits for the answer any more', async () => {
    const exchange = await startTestExchange()
    await admin(exchange, '/buyer-keys', {})
    expect(await admin(exchange, '/check')).toMatchObject({
      ok: true,
      problems: [],
      receipts: 0,
      jobs: { running: 0, settled: 0, void: 0 },
    })
    const cancelled = new AbortController()
    const checking = checkExchangeFile(`${exchange.dir}/exchange.db`, createBooks(), exchange.exchangeKey, {
      signal: cancelled.signal,
      onSlice: () => cancelled.abort(new Error('gone')),
    })
    await expect(checking).rejects.toThrow('gone')
  })
})
