/** What an offer stands on ends or is renewed, seen by a supplier that says nothing by itself. */
import { describe, expect, it, onTestFinished } from 'vitest'

import { DAY_MS } from '#contract/time.ts'
import { openDb } from '#db/open.ts'
import { examItem, type Family } from '#exam/generate-items.ts'
import { exchangeMigrations } from '#exchange-server/exchange-db/index.ts'
import { warningDue } from '#exchange-server/supply/qualification-watch.ts'
import { generateSigningKey, type SigningKey } from '#lib/ed25519.ts'
import { FakeClock } from '#test/support/fake-clock.ts'
import { FakeSupplier, IDENTITY, type JobFrame } from '#test/support/fake-supplier.ts'
import { tempDir } from '#test/support/temp-dir.ts'
import { until } from '#test/support/until.ts'

import { admin, ASK, buyerKey, client, NANO, qualify, say, startTestExchange } from './exchange-support.ts'

const SEED = 'qualification'
const perfect = (job: JobFrame, supplier: FakeSupplier): Promise<void> => {
  if (job.itemId === undefined) return supplier.answer(job, ['sold'])
  const [family, level, index] = job.itemId.split('/') as [string, string, string]
  return supplier.answer(job, [
    family.startsWith('load-')
      ? 'word '.repeat(job.request.maxTokens)
      : examItem(SEED, family as Family, Number(level) as 1 | 2, Number(index)).answer,
  ])
}

/** A passed exam of so many slots that ends so many days from now, as an exchange would have stored it. */
function pass(dir: string, key: SigningKey, passes: readonly { slots: number; days: number }[]): void {
  qualify(
    dir,
    key,
    passes.map((_, index) => `practice/placeholder-${index}`),
  )
  const db = openDb({ path: `${dir}/exchange.db`, migrations: exchangeMigrations })
  db.tx((write) => {
    for (const [index, { slots, days }] of passes.entries())
      write
        .prepare('UPDATE exams SET instrument = ?, slots = ?, valid_until = ? WHERE instrument = ?')
        .run(NANO, slots, Date.now() + days * DAY_MS, `practice/placeholder-${index}`)
  })
  db.close()
}

async function offering(
  passes: readonly { slots: number; days: number }[],
  slots = 1,
  options: { clock?: FakeClock; virtualClock?: boolean } = {},
) {
  const dir = tempDir()
  const key = generateSigningKey()
  pass(dir, key, passes)
  const exchange = await startTestExchange({ dir, examSeed: SEED, ...options })
  const supplier = await FakeSupplier.connect(exchange.url, key)
  onTestFinished(() => supplier.socket.terminate())
  supplier.onJob = perfect
  supplier.offer(NANO, ASK, { slots })
  await supplier.next('offer.accepted')
  const buyer = client(exchange, await buyerKey(exchange))
  return {
    supplier,
    key,
    exchange,
    days: (count: number) => admin(exchange, '/clock', { advanceMs: count * DAY_MS }),
    buy: () =>
      buyer.chat.completions.create({ model: NANO, messages: say('hello'), max_tokens: 16 }).then(
        ({ choices }) => choices[0]?.message.content ?? '',
        (error: { status?: number }) => error.status,
      ),
    notices: () => supplier.frames.filter((frame) => frame.t === 'notice'),
  }
}

describe('a qualification that ends', () => {
  it('is warned of a week and a day before, once each, with its date; then the offer is taken back with that reason', async () => {
    const { supplier, days, buy, notices } = await offering([{ slots: 1, days: 30 }])
    await days(22)
    expect(await buy()).toBe('sold')
    expect(notices()).toEqual([])
    await days(1.5)
    const soon = await supplier.next('notice')
    expect(soon).toMatchObject({ level: 'act-soon', instrument: NANO, reason: { code: 'exchange.qualificationEnds' } })
    expect(soon.text).toMatch(/^the qualification for practice\/text-nano ends on \w+ \d+, \d{4}; take the exam again/)
    await days(6)
    expect(await supplier.next('notice')).toMatchObject({ level: 'act-now', instrument: NANO })
    expect(await buy()).toBe('sold')
    await days(1)
    expect((await supplier.next('offer.refused')).error).toMatchObject({
      code: 'NOT_QUALIFIED',
      reason: { code: 'exchange.qualificationEnded', params: { instrument: NANO } },
    })
    expect(await buy()).toBe(503)
    supplier.offer(NANO, ASK)
    expect((await supplier.next('offer.refused')).error).toMatchObject({
      reason: { code: 'exchange.qualificationEnded', params: { instrument: NANO } },
    })
    expect(notices(), 'nothing was said twice').toEqual([])
  })

  it('is told as ended to one who offers again before the exchange has looked; one never passed as missing', async () => {
    const clock = new FakeClock(Date.now())
    const { supplier } = await offering([{ slots: 1, days: 3 }], 1, { clock, virtualClock: false })
    // No timer of the exchange wakes: the offer is what it hears first.
    clock.jump(4 * DAY_MS)
    supplier.offer(NANO, ASK)
    expect((await supplier.next('offer.refused')).error).toMatchObject({
      reason: { code: 'exchange.qualificationEnded' },
    })
    supplier.offer(NANO, ASK, { sha256: 'f'.repeat(64) })
    expect((await supplier.next('offer.refused')).error).toMatchObject({ reason: { code: 'exchange.notQualified' } })
  })

  it('says the same only once to a supplier that comes back, and offers again', async () => {
    const { supplier, key, exchange } = await offering([{ slots: 1, days: 3 }])
    expect(await supplier.next('notice')).toMatchObject({ level: 'act-soon' })
    supplier.offer(NANO, ASK + 1)
    await supplier.next('offer.accepted')
    const back = await FakeSupplier.connect(exchange.url, key)
    onTestFinished(() => back.socket.terminate())
    back.offer(NANO, ASK)
    await back.next('offer.accepted')
    back.send({ t: 'ping', n: 1 })
    await back.next('pong')
    expect([...supplier.frames, ...back.frames].filter(({ t }) => t === 'notice')).toEqual([])
  })

  it('is renewed by a new pass: what stands stands on, without a word of the supplier', async () => {
    const { supplier, days, buy, notices } = await offering([{ slots: 1, days: 30 }])
    await days(20)
    supplier.send({
      t: 'exam.start',
      requestId: 'r',
      instrument: NANO,
      deploymentId: 'dep_1',
      identity: IDENTITY,
      slots: 1,
    })
    expect(await supplier.next('exam.result')).toMatchObject({ verdict: 'passed' })
    await days(11)
    supplier.send({ t: 'ping', n: 2 })
    await supplier.next('pong')
    expect(await buy()).toBe('sold')
    expect([...notices(), ...supplier.frames.filter(({ t }) => t === 'offer.refused')]).toEqual([])
    await days(18.5)
    expect(await supplier.next('notice')).toMatchObject({ level: 'act-now' })
    await days(1)
    expect((await supplier.next('offer.refused')).error.code).toBe('NOT_QUALIFIED')
  })

  it('stands on with fewer slots where only a smaller pass lasts longer', async () => {
    const { supplier, days, buy, notices } = await offering(
      [
        { slots: 4, days: 10 },
        { slots: 1, days: 30 },
      ],
      4,
    )
    const rows = async (): Promise<number[]> => {
      const { book } = await supplier.next(
        'book',
        (frame) => frame.book.instrument === NANO && frame.book.rows.length > 0,
      )
      return book.rows.map(({ freeSlots }) => freeSlots)
    }
    await until('the book with four', async () => (await rows())[0] === 4)
    await days(11)
    await until('the book with one', async () => (await rows())[0] === 1)
    expect(await buy()).toBe('sold')
    expect(notices(), 'a longer pass is there').toEqual([])
    supplier.offer(NANO, ASK, { slots: 2 })
    expect((await supplier.next('offer.refused')).error.code).toBe('NOT_QUALIFIED')
  })

  it('the nearest warning is said, and none of what is over', () => {
    const now = Date.UTC(2026, 10, 21)
    const cases: [number, string | null][] = [
      [0, null],
      [-1, null],
      [1, 'act-now'],
      [DAY_MS, 'act-now'],
      [DAY_MS + 1, 'act-soon'],
      [7 * DAY_MS, 'act-soon'],
      [7 * DAY_MS + 1, null],
    ]
    for (const [left, level] of cases) expect(warningDue(now + left, now)?.level ?? null).toBe(level)
  })
})
