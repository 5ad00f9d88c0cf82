import { describe, expect, it } from 'vitest'

import { createBuyerSseWriter } from '#exchange-server/buy/buyer-sse-writer.ts'
import { FakeClock, settle } from '#test/support/fake-clock.ts'
import type { FakeSupplier } from '#test/support/fake-supplier.ts'

import { ASK, books, buyerKey, client, listed, exchangeWith, NANO, say } from './exchange-support.ts'
import { until } from '../support/until.ts'

describe('when every slot is taken', () => {
  it('buyers wait and are served in order of arrival as slots free up', async () => {
    const { exchange, supplier, client: buyer } = await listed()
    supplier.onJob = () => undefined
    const order: string[] = []
    const ask = async (name: string): Promise<void> => {
      await buyer.chat.completions.create({ model: NANO, messages: say(name) })
      order.push(name)
    }
    const calls = [ask('a')]
    await until('the first job', () => supplier.jobs.length === 1)
    for (const name of ['b', 'c']) {
      calls.push(ask(name))
      const waiting = calls.length - 1
      await supplier.next('book', ({ book }) => book.waiting === waiting)
    }
    expect(supplier.jobs).toHaveLength(1)
    for (let count = 0; count < 3; count += 1) {
      await until('the next job', () => supplier.jobs.length === count + 1)
      await supplier.answer(supplier.jobs[count]!, ['ok'])
      await until('its answer', () => order.length === count + 1)
    }
    await Promise.all(calls)
    expect(order).toEqual(['a', 'b', 'c'])
    expect(books(exchange).check()).toMatchObject({ ok: true, receipts: 3 })
  })

  it('a buyer gives up after 5 s with 503, and one that leaves the line leaves nothing behind', async () => {
    const clock = new FakeClock()
    const { supplier, client: buyer } = await listed({ clock })
    supplier.onJob = () => undefined
    const first = buyer.chat.completions.create({ model: NANO, messages: say('a') })
    first.catch(() => undefined)
    await until('the first job', () => supplier.jobs.length === 1)
    await clock.advance(1_000)
    const before = clock.waiting
    const call = buyer.chat.completions.create({ model: NANO, messages: say('b') })
    call.catch(() => undefined)
    await until('the order to wait', () => clock.waiting > before)
    await clock.advance(5_000)
    await expect(call).rejects.toMatchObject({ status: 503, code: 'no_supplier' })
    await clock.advance(1_000)
    const standing = clock.waiting
    const leaving = new AbortController()
    const gone = buyer.chat.completions.create({ model: NANO, messages: say('c') }, { signal: leaving.signal })
    gone.catch(() => undefined)
    // Its place in the line and the book that tells of it; leaving takes the first away.
    await until('both orders to wait', () => clock.waiting === standing + 2)
    leaving.abort()
    await until('one to have left the line', () => clock.waiting === standing + 1)
    supplier.send({
      t: 'job.error',
      jobId: supplier.jobs[0]!.jobId,
      error: { code: 'ENGINE_CRASHED', message: 'x', data: {} },
    })
    await expect(first).rejects.toMatchObject({ status: 502 })
    expect(supplier.jobs).toHaveLength(1)
  })

  it('two suppliers at one price share by age, a cheaper newcomer goes first, a changed ask loses its place', async () => {
    const { exchange, suppliers } = await exchangeWith(3)
    const [a, b, c] = suppliers as [FakeSupplier, FakeSupplier, FakeSupplier]
    const buyer = client(exchange, await buyerKey(exchange))
    const served = async (): Promise<number[]> => {
      const before = suppliers.map((one) => one.jobs.length)
      await buyer.chat.completions.create({ model: NANO, messages: say('x') })
      return suppliers.map((one, at) => one.jobs.length - before[at]!)
    }
    const offer = async (one: FakeSupplier, ask: number): Promise<void> => {
      one.offer(NANO, ask)
      await one.next('offer.accepted')
    }
    await offer(a, ASK)
    await offer(b, ASK)
    expect(await served()).toEqual([1, 0, 0])
    await offer(c, ASK - 1)
    expect(await served()).toEqual([0, 0, 1])
    c.send({ t: 'withdraw', instrument: NANO })
    await offer(a, ASK + 1)
    await offer(a, ASK)
    expect(await served()).toEqual([0, 1, 0])
    const { book } = await a.next(
      'book',
      (frame) =>
        frame.book.instrument === NANO &&
        frame.book.rows[0]?.suppliers === 2 &&
        frame.book.rows.length === 1 &&
        frame.book.rows[0].freeSlots === 2,
    )
    expect(book.rows).toEqual([{ askNanoPerMtok: ASK, suppliers: 2, freeSlots: 2, mine: true }])
  })
})

describe('the writer of a streamed answer', () => {
  it('keeps what a slow reader has not taken and hands it over whole', async () => {
    let gone = 0
    const writer = createBuyerSseWriter(new FakeClock(), () => (gone += 1))
    for (const text of ['a', 'b', 'c']) writer.write(text)
    writer.end()
    expect(await new Response(writer.body).text()).toBe('abc')
    expect(gone).toBe(0)
  })

  it('cuts a reader off that takes nothing for a minute, and only then', async () => {
    const clock = new FakeClock()
    let gone = 0
    const writer = createBuyerSseWriter(clock, () => (gone += 1))
    const reader = writer.body.getReader()
    writer.write('a')
    expect(new TextDecoder().decode((await reader.read()).value)).toBe('a')
    // Nothing to take is no stall.
    await clock.advance(120_000)
    expect(gone).toBe(0)
    writer.write('b')
    await clock.advance(59_999)
    expect(gone).toBe(0)
    await clock.advance(1)
    expect(gone).toBe(1)
    await settle()
    await expect(reader.read()).rejects.toThrow('too slow')
    expect(clock.waiting).toBe(0)
  })

  it('tells once when the reader leaves', async () => {
    let gone = 0
    const writer = createBuyerSseWriter(new FakeClock(), () => (gone += 1))
    writer.write('a')
    await writer.body.cancel()
    writer.write('b')
    writer.end()
    expect(gone).toBe(1)
  })
})
