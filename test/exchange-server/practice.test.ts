import { fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'

import { createBuyerKeyOffline, openExchangeBooksReadOnly } from '#exchange-server/offline-books.ts'
import { practicePrompt, SeededDraws } from '#exchange-server/buy/practice-prompts.ts'
import { QUICK_JOBS } from '#exchange-server/buy/practice-pace.ts'
import type { Exchange } from '#exchange-server/exchange.ts'
import { generateSigningKey } from '#lib/ed25519.ts'
import { FakeSupplier } from '#test/support/fake-supplier.ts'
import { FakeClock } from '#test/support/fake-clock.ts'
import { tempDir } from '#test/support/temp-dir.ts'

import { admin, ASK, books, client, startTestExchange, exchangeWith, NANO, qualify, say } from './exchange-support.ts'
import { until } from '../support/until.ts'

describe('the practice buyer', () => {
  it('buys within a second of a listing, then every 2 to 4 s, at most two at a time, and stops when switched off', async () => {
    const clock = new FakeClock()
    const { exchange, suppliers } = await exchangeWith(1, { clock, practiceBuyer: true })
    const supplier = suppliers[0]!
    supplier.onJob = () => undefined
    supplier.offer(NANO, ASK, { slots: 4 })
    await supplier.next('offer.accepted')
    await clock.advance(999)
    await until('job 1', () => supplier.jobs.length === 1)
    const { request, priceNanoPerMtok } = supplier.jobs[0]!
    expect(priceNanoPerMtok).toBe(ASK)
    expect(request.maxTokens).toBeGreaterThanOrEqual(16)
    expect(request.maxTokens).toBeLessThanOrEqual(32)
    await clock.advance(1_001)
    await clock.advance(2_000)
    await until('job 2', () => supplier.jobs.length === 2)
    // Two are running: a third must wait until one is done.
    await clock.advance(4_000)
    expect(supplier.jobs).toHaveLength(2)
    void supplier.answer(supplier.jobs[0]!, ['fine'])
    await supplier.next('job.settled')
    await clock.advance(4_000)
    await until('job 3', () => supplier.jobs.length === 3)
    expect(await admin(exchange, '/practice-buyer', { enabled: false })).toEqual({ enabled: false })
    await clock.advance(60_000)
    expect(supplier.jobs).toHaveLength(3)
    expect(books(exchange).check().problems).toEqual([])
  })

  it('leaves a supplier alone whose ask is absurd, and says so', async () => {
    const clock = new FakeClock()
    const { suppliers } = await exchangeWith(1, { clock, practiceBuyer: true })
    const supplier = suppliers[0]!
    supplier.offer(NANO, 20_000_000_001)
    expect((await supplier.next('notice')).text).toContain('at most 20 practice credits')
    await clock.advance(8_000)
    supplier.send({ t: 'ping', n: 1 })
    await supplier.next('pong')
    expect(supplier.jobs).toHaveLength(0)
  })

  it('slows after two hundred jobs, also over a restart, and says so beside the listing', async () => {
    const clock = new FakeClock()
    const dir = tempDir()
    const key = generateSigningKey()
    qualify(dir, key)
    const start = async (): Promise<{ exchange: Exchange; supplier: FakeSupplier }> => {
      const exchange = await startTestExchange({ dir, clock, practiceBuyer: true })
      const supplier = await FakeSupplier.connect(exchange.url, key)
      onTestFinished(() => supplier.socket.terminate())
      supplier.offer(NANO, ASK, { slots: 2 })
      await supplier.next('offer.accepted')
      return { exchange, supplier }
    }
    const first = await start()
    let settled = 0
    for (let seconds = 0; seconds < 1_000 && first.supplier.jobs.length < QUICK_JOBS; seconds += 1) {
      expect(first.supplier.frames.some(({ t }) => t === 'notice')).toBe(false)
      await clock.advance(1_000)
      for (; settled < first.supplier.jobs.length; settled += 1) await first.supplier.next('job.settled')
    }
    expect((await first.supplier.next('notice')).text).toContain('about once in 90 seconds')
    /** With heartbeats, or the session would end. */
    const pass = async (one: FakeSupplier, seconds: number): Promise<void> => {
      for (let at = 0; at < seconds; at += 4) {
        one.send({ t: 'ping', n: at })
        await one.next('pong')
        await clock.advance(4_000)
      }
    }
    await pass(first.supplier, 56)
    expect(first.supplier.jobs).toHaveLength(QUICK_JOBS)
    await pass(first.supplier, 64)
    await until('the next job', () => first.supplier.jobs.length === QUICK_JOBS + 1)
    await first.exchange.stop()

    const { supplier } = await start()
    expect((await supplier.next('notice')).text).toContain('about once in 90 seconds')
    // A new listing is bought from at once; one that is only repeated is not.
    await clock.advance(1_000)
    await supplier.next('job.settled')
    for (let again = 0; again < 10; again += 1) {
      supplier.offer(NANO, ASK, { slots: 2 })
      await supplier.next('offer.accepted')
      await pass(supplier, 4)
    }
    expect(supplier.jobs).toHaveLength(1)
  })

  it('asks the same for the same seed', () => {
    const ask = (seed: string): string[] => {
      const draws = new SeededDraws(seed)
      return Array.from({ length: 20 }, () => practicePrompt(draws))
    }
    expect(ask('a')).toEqual(ask('a'))
    expect(ask('a')).not.toEqual(ask('b'))
  })
})

describe('the exchange as a process and as files', () => {
  it('tells its parent where it listens, and ends when the parent’s channel closes', async () => {
    const dir = join(tempDir(), 'exchange')
    const child = fork('src-main/exchange-server/exchange-entry.ts', ['--data', dir, '--no-practice-buyer'], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    onTestFinished(() => void child.kill('SIGKILL'))
    const [ready] = (await once(child, 'message')) as [{ t: string; url: string; exchangeKey: string; pid: number }]
    expect(ready).toMatchObject({ t: 'ready', pid: child.pid })
    expect(JSON.parse(readFileSync(join(dir, 'listen.json'), 'utf8'))).toEqual({
      url: ready.url,
      pid: ready.pid,
      exchangeKey: ready.exchangeKey,
    })
    expect((await fetch(`${ready.url}/health`)).status).toBe(200)
    expect(() => createBuyerKeyOffline(dir, { name: 'x' })).toThrow(
      expect.objectContaining({ code: 'DATA_LOCKED' }) as Error,
    )
    const exited = once(child, 'exit')
    child.disconnect()
    expect(await exited).toEqual([0, null])
    expect(existsSync(join(dir, 'listen.json'))).toBe(false)
    for (const file of ['exchange.key', 'admin-token']) expect(statSync(join(dir, file)).mode & 0o077).toBe(0)
  })

  it('makes a buyer’s key offline that works online, and opens its books beside a running owner', async () => {
    const dir = tempDir()
    expect(() => openExchangeBooksReadOnly(dir)).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }) as Error)
    const { key } = createBuyerKeyOffline(dir, { name: 'club' })
    const exchange = await startTestExchange({ dir })
    await expect(
      client(exchange, key).chat.completions.create({ model: NANO, messages: say('Hi') }),
    ).rejects.toMatchObject({ code: 'no_supplier' })
    expect(books(exchange).check()).toMatchObject({ ok: true, transfers: 1 })
    expect(readFileSync(join(dir, 'exchange.db')).includes(key)).toBe(false)
  })

  it('moves only a virtual clock', async () => {
    const exchange = await startTestExchange({ virtualClock: false })
    await expect(admin(exchange, '/clock', { advanceMs: 1 })).rejects.toThrow('real_clock')
    await expect(admin(exchange, '/supplier/none')).rejects.toThrow('400')
    await expect(admin(exchange, `/supplier/${'A'.repeat(43)}`)).rejects.toThrow('404')
  })
})
