import { describe, expect, it } from 'vitest'

import { openDb } from '#db/open.ts'
import { exchangeMigrations } from '#exchange-server/exchange-db/index.ts'
import { FakeClock } from '#test/support/fake-clock.ts'
import type { FakeSupplier } from '#test/support/fake-supplier.ts'

import { ASK, balances, books, buyerKey, client, listed, exchangeWith, NANO, say } from './exchange-support.ts'
import { until } from '../support/until.ts'

let pings = 0
/** Resolves when the exchange has taken in everything this supplier sent so far. */
async function taken(supplier: FakeSupplier): Promise<void> {
  pings += 1
  const n = pings
  supplier.send({ t: 'ping', n })
  await supplier.next('pong', (frame) => frame.n === n)
}
const refuse = (supplier: FakeSupplier, jobId: string, code = 'ENGINE_BUSY'): void =>
  supplier.send({ t: 'job.reject', jobId, error: { code, message: 'not now', data: {} } })

describe('a supplier that says "not now"', () => {
  it.each(['ENGINE_BUSY', 'ENGINE_NOT_LOADED', 'CONFLICT'])(
    '%s: the only one is asked again a moment later, and the buyer notices nothing',
    async (code) => {
      const clock = new FakeClock()
      const { exchange, supplier, client: buyer } = await listed({ clock })
      let refusals = 2
      supplier.onJob = (job) => (refusals-- > 0 ? refuse(supplier, job.jobId, code) : supplier.answer(job, ['at last']))
      const call = buyer.chat.completions.create({ model: NANO, messages: say('Hi') })
      call.catch(() => undefined)
      for (const jobs of [1, 2]) {
        await until(`job ${jobs}`, () => supplier.jobs.length === jobs)
        await taken(supplier)
        await clock.advance(500)
      }
      expect((await call).choices[0]!.message.content).toBe('at last')
      expect(supplier.jobs).toHaveLength(3)
      expect(books(exchange).check()).toMatchObject({ ok: true, receipts: 1 })
    },
  )

  it('is not asked for ever: after 5 s the buyer hears that everybody was busy, and nothing stays reserved', async () => {
    const clock = new FakeClock()
    const { exchange, supplier, client: buyer } = await listed({ clock })
    supplier.onJob = (job) => refuse(supplier, job.jobId)
    const call = buyer.chat.completions.create({ model: NANO, messages: say('Hi') })
    call.catch(() => undefined)
    await until('the job', () => supplier.jobs.length === 1)
    for (let turn = 0; turn < 12; turn += 1) {
      await taken(supplier)
      await clock.advance(500)
    }
    await expect(call).rejects.toMatchObject({ status: 503, code: 'no_supplier' })
    expect(supplier.jobs.length).toBeLessThanOrEqual(11)
    expect(balances(exchange, supplier.key.publicKey)).toMatchObject({ spent: 0, reserved: 0 })
  })

  it.each(['job.reject', 'job.error'] as const)(
    '%s that quotes the request in its message and its code: neither is stored',
    async (t) => {
      const { exchange, supplier, client: buyer } = await listed()
      supplier.onJob = ({ jobId }) =>
        supplier.send({
          t,
          jobId,
          error: { code: 'zebraquestion', message: 'it says: zebraquestion', data: { said: 'zebraquestion' } },
        })
      await expect(
        buyer.chat.completions.create({ model: NANO, messages: say('zebraquestion') }),
      ).rejects.toMatchObject({ status: 502, code: 'supplier_failed' })
      const db = openDb({ path: `${exchange.dir}/exchange.db`, migrations: exchangeMigrations, readOnly: true })
      const tables = db.read.prepare<{ name: string }>(`SELECT name FROM sqlite_master WHERE type = 'table'`).all()
      const dump = JSON.stringify(tables.map(({ name }) => db.read.prepare(`SELECT * FROM "${name}"`).all()))
      db.close()
      expect(dump).toContain('the supplier failed (ENGINE_REFUSED)')
      expect(dump).not.toContain('zebraquestion')
    },
  )

  it.each(['INTERNAL', 'NO_SUPPLIER', 'LEDGER_CONFLICT'])(
    'a failure it calls %s is told as the supplier’s, without its words',
    async (code) => {
      const { supplier, client: buyer } = await listed()
      supplier.onJob = ({ jobId }) => refuse(supplier, jobId, code)
      const failure = await buyer.chat.completions
        .create({ model: NANO, messages: say('Hi') })
        .catch((error: unknown) => error)
      expect(failure).toMatchObject({ status: 502, code: 'supplier_failed' })
      expect(String(failure)).not.toContain('not now')
    },
  )

  it('does not hold the order up while another one is free', async () => {
    const { exchange, suppliers } = await exchangeWith(2)
    const [cheap, expensive] = suppliers as [FakeSupplier, FakeSupplier]
    cheap.offer(NANO, ASK)
    expensive.offer(NANO, 2 * ASK)
    await Promise.all([cheap.next('offer.accepted'), expensive.next('offer.accepted')])
    cheap.onJob = (job) => refuse(cheap, job.jobId)
    const answer = await client(exchange, await buyerKey(exchange)).chat.completions.create({
      model: NANO,
      messages: say('Hi'),
    })
    expect(answer.choices[0]!.message.content).toBe('Hello there!')
    expect([cheap.jobs.length, expensive.jobs.length]).toEqual([1, 1])
  })
})

describe('a request that has no canonical form', () => {
  it.each([
    ['half a surrogate pair in a message', { messages: [{ role: 'user', content: 'x\ud800' }] }],
    [
      'a number beyond a double in a schema',
      { response_format: { type: 'json_schema', json_schema: { name: 'x', schema: { maximum: 'BIG' } } } },
    ],
    [
      'a schema nested without end',
      { response_format: { type: 'json_schema', json_schema: { name: 'x', schema: { a: 'DEEP' } } } },
    ],
    [
      'a schema of megabytes',
      {
        response_format: {
          type: 'json_schema',
          json_schema: { name: 'x', schema: { description: 'x'.repeat(20_000) } },
        },
      },
    ],
  ])('%s is refused with 400 and leaves no order behind', async (_name, change) => {
    const { exchange, supplier, key, client: buyer } = await listed()
    const body = JSON.stringify({ model: NANO, messages: say('Hi'), ...change })
      .replace('"BIG"', '1e999')
      .replace('"DEEP"', `${'['.repeat(100_000)}${']'.repeat(100_000)}`)
    const statuses = new Set<number>()
    for (let count = 0; count < 2; count += 1) {
      const response = await fetch(`${exchange.url}/v1/chat/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        body,
      })
      statuses.add(response.status)
      await response.text()
    }
    expect([...statuses]).toEqual([400])
    expect(supplier.jobs).toHaveLength(0)
    expect(
      (await buyer.chat.completions.create({ model: NANO, messages: say('Hi') })).choices[0]!.message.content,
    ).toBe('Hello there!')
  })
})
