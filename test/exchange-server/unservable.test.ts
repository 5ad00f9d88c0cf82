/** A request that nobody can serve says nothing of those who could not; one that another serves does. */
import { describe, expect, it } from 'vitest'

import type { FakeSupplier } from '#test/support/fake-supplier.ts'

import { admin, ASK, buyerKey, client, exchangeWith, listed, NANO, say } from './exchange-support.ts'

const refuses =
  (supplier: FakeSupplier, code: string): FakeSupplier['onJob'] =>
  ({ jobId }) =>
    supplier.send({ t: 'job.reject', jobId, error: { code, message: 'x', data: {} } })
const windowOf = async (exchange: Parameters<typeof admin>[0], supplier: FakeSupplier) =>
  (
    await admin<{ windows: { instrument: string; calls: number; failed: number }[] }>(
      exchange,
      `/supplier/${supplier.key.publicKey}`,
    )
  ).windows.find(({ instrument }) => instrument === NANO)!

describe('a refusal that speaks of the request', () => {
  it.each(['GRAMMAR_INVALID', 'SAMPLING_INVALID', 'TEMPLATE_FAILED', 'CONTEXT_TOO_LONG'])(
    '%s: thirty of them are no failure of an honest supplier',
    async (code) => {
      const { exchange, supplier, client: buyer } = await listed()
      const serves = supplier.onJob
      supplier.onJob = refuses(supplier, code)
      for (let count = 0; count < 30; count += 1)
        await expect(buyer.chat.completions.create({ model: NANO, messages: say('Hi') })).rejects.toMatchObject({
          status: 400,
        })
      supplier.onJob = serves
      await buyer.chat.completions.create({ model: NANO, messages: say('Hi') })
      expect(await windowOf(exchange, supplier)).toMatchObject({ calls: 1, failed: 0 })
    },
  )

  it('is a failure where another supplier serves the very order (or a seller could refuse what is costly)', async () => {
    const { exchange, suppliers } = await exchangeWith(2)
    const [picky, able] = suppliers as [FakeSupplier, FakeSupplier]
    picky.offer(NANO, ASK)
    able.offer(NANO, 2 * ASK)
    await Promise.all([picky.next('offer.accepted'), able.next('offer.accepted')])
    picky.onJob = refuses(picky, 'GRAMMAR_INVALID')
    const buyer = client(exchange, await buyerKey(exchange))
    await buyer.chat.completions.create({ model: NANO, messages: say('Hi') })
    expect(await windowOf(exchange, picky)).toMatchObject({ calls: 1, failed: 1 })
    expect(await windowOf(exchange, able)).toMatchObject({ calls: 1, failed: 0 })
  })

  it('after the first text is one like any other: the request was taken', async () => {
    const { exchange, supplier, client: buyer } = await listed()
    supplier.onJob = ({ jobId }) => {
      supplier.send({ t: 'job.delta', jobId, text: 'well' })
      supplier.send({ t: 'job.error', jobId, error: { code: 'GRAMMAR_INVALID', message: 'x', data: {} } })
    }
    await expect(buyer.chat.completions.create({ model: NANO, messages: say('Hi') })).rejects.toBeDefined()
    expect(await windowOf(exchange, supplier)).toMatchObject({ calls: 1, failed: 1 })
  })
})
