import { describe, expect, it, onTestFinished } from 'vitest'

import { examItem, type Family } from '#exam/generate-items.ts'
import { examItemText, examResultText, seedCommitment } from '#exam/evidence.ts'
import { DAY_MS, HOUR_MS, SIGNED_TIME_MAX } from '#contract/time.ts'
import { sha256Hex } from '#lib/canonical.ts'
import { systemClock } from '#lib/system-clock.ts'
import { verifySignature } from '#lib/ed25519.ts'
import { FakeClock } from '#test/support/fake-clock.ts'
import { FakeSupplier, IDENTITY, type JobFrame } from '#test/support/fake-supplier.ts'

import { admin, ASK, books, startTestExchange, listed, NANO, say } from './exchange-support.ts'
import { until } from '../support/until.ts'

const SEED = 'exam-test'
/** Answers every item right and every load call in full. */
const perfect = (job: JobFrame, supplier: FakeSupplier): Promise<void> => {
  const [family, level, index] = job.itemId!.split('/') as [string, string, string]
  const text = family.startsWith('load-')
    ? 'word '.repeat(job.request.maxTokens)
    : examItem(SEED, family as Family, Number(level) as 1 | 2, Number(index)).answer
  return supplier.answer(job, [text])
}
const start = (
  supplier: FakeSupplier,
  options: { requestId?: string; slots?: number; deploymentId?: string } = {},
): void =>
  supplier.send({
    t: 'exam.start',
    requestId: options.requestId ?? 'r1',
    instrument: NANO,
    deploymentId: options.deploymentId ?? 'dep_1',
    identity: IDENTITY,
    slots: options.slots ?? 1,
  })

async function sitter(url: string, key?: FakeSupplier['key']): Promise<FakeSupplier> {
  const supplier = await FakeSupplier.connect(url, key)
  onTestFinished(() => supplier.socket.terminate())
  return supplier
}

describe('an exam', () => {
  it('qualifies a supplier that answers right: committed seed, countersigned calls, price 0, signed result, then it may list', async () => {
    const exchange = await startTestExchange({ examSeed: SEED })
    const supplier = await sitter(exchange.url)
    supplier.onJob = perfect
    start(supplier, { slots: 2 })
    const started = await supplier.next('exam.started')
    expect(started).toMatchObject({ requestId: 'r1', commitment: seedCommitment(SEED), attempt: 1, resumed: false })
    const result = await supplier.next('exam.result')
    expect(result).toMatchObject({
      examId: started.examId,
      verdict: 'passed',
      seed: SEED,
      validUntil: result.at + 30 * 86_400_000,
    })
    expect(verifySignature(exchange.exchangeKey, examResultText(result), result.sig)).toBe(true)
    expect(
      supplier.jobs.every(
        (job) => job.priceNanoPerMtok === 0 && job.reserveNano === 0 && job.examId === started.examId,
      ),
    ).toBe(true)
    const items = supplier.frames.filter((frame) => frame.t === 'exam.item')
    // A call still in flight when the verdict is in is cancelled and not judged.
    const sent = new Set(supplier.jobs.map((job) => job.itemId))
    expect(items.every((item) => sent.has(item.itemId))).toBe(true)
    expect(sent.size - items.length).toBeLessThan(2)
    expect(new Set(items.map((item) => item.phase))).toEqual(new Set(['items', 'single', 'slots']))
    for (const item of items.slice(0, 20))
      expect(verifySignature(exchange.exchangeKey, examItemText(item), item.sig)).toBe(true)
    const [family, level, index] = items[0]!.itemId.split('/') as [Family, string, string]
    expect(items[0]!.replySha256).toBe(sha256Hex(examItem(SEED, family, Number(level) as 1, Number(index)).answer))
    supplier.offer(NANO, ASK, { slots: 3 })
    expect((await supplier.next('offer.refused')).error).toMatchObject({
      code: 'NOT_QUALIFIED',
      message: expect.stringContaining('measured 2 at once'),
    })
    supplier.offer(NANO, ASK, { slots: 2 })
    await supplier.next('offer.accepted')
    expect(books(exchange).check()).toMatchObject({ ok: true, receipts: 0, transfers: 0 })
  })

  it('turns away a supplier that answers wrong, and lets it try three times in seven days', async () => {
    const exchange = await startTestExchange({ examSeed: SEED })
    const supplier = await sitter(exchange.url)
    supplier.onJob = (job) => supplier.answer(job, ['no idea'])
    let counted: Record<string, { n: number; k: number }> = {}
    for (let attempt = 1; attempt <= 3; attempt += 1) {
      start(supplier)
      const started = await supplier.next('exam.started')
      expect(started.attempt).toBe(attempt)
      // What an attempt counted goes on counting in the next: three tries are not three chances.
      expect(started.carried).toEqual(counted)
      const result = await supplier.next('exam.result')
      expect(result).toMatchObject({ verdict: 'not-reached', validUntil: null })
      counted = Object.fromEntries(result.limits.map(({ name, n, k }) => [name, { n, k }]))
      expect(counted['intelligence']!.n).toBeGreaterThan(started.carried['intelligence']?.n ?? 0)
    }
    start(supplier)
    expect((await supplier.next('exam.refused')).error.code).toBe('EXAM_ATTEMPTS')
    supplier.offer(NANO, ASK)
    expect((await supplier.next('offer.refused')).error.code).toBe('NOT_QUALIFIED')
    await admin(exchange, '/clock', { advanceMs: 7 * DAY_MS - HOUR_MS })
    start(supplier)
    expect((await supplier.next('exam.refused')).error.code).toBe('EXAM_ATTEMPTS')
    await admin(exchange, '/clock', { advanceMs: 2 * HOUR_MS })
    start(supplier)
    await supplier.next('exam.started')
  })

  it('lets a key try six times at a grade, whatever hashes it declares', async () => {
    const exchange = await startTestExchange({ examSeed: SEED })
    const supplier = await sitter(exchange.url)
    supplier.onJob = (job) => supplier.answer(job, ['no idea'])
    const attempt = (number: number): void =>
      supplier.send({
        t: 'exam.start',
        requestId: `r${number}`,
        instrument: NANO,
        deploymentId: `dep_${number}`,
        identity: { ...IDENTITY, sha256: String(number).padStart(64, '0') },
        slots: 1,
      })
    for (let number = 1; number <= 6; number += 1) {
      attempt(number)
      expect((await supplier.next('exam.result')).verdict).toBe('not-reached')
    }
    attempt(7)
    expect((await supplier.next('exam.refused')).error).toMatchObject({
      code: 'EXAM_ATTEMPTS',
      message: expect.stringContaining('whatever its models'),
    })
    // Another grade is another exam.
    supplier.send({
      t: 'exam.start',
      requestId: 'r8',
      instrument: 'practice/text-micro',
      deploymentId: 'dep_1',
      identity: IDENTITY,
      slots: 1,
    })
    await supplier.next('exam.started', ({ requestId }) => requestId === 'r8')
  })

  it('goes on after a lost session and after a restart of the exchange without repeating a finished item', async () => {
    const exchange = await startTestExchange({ examSeed: SEED })
    const supplier = await sitter(exchange.url)
    let left = 5
    supplier.onJob = (job) => (left-- > 0 ? perfect(job, supplier) : undefined)
    start(supplier)
    const { examId } = await supplier.next('exam.started')
    await until('six calls', () => supplier.jobs.length === 6)
    const finished = supplier.jobs.slice(0, 5).map((job) => job.itemId)
    await exchange.stop()
    const again = await startTestExchange({ dir: exchange.dir, examSeed: SEED })
    const back = await sitter(again.url, supplier.key)
    back.onJob = perfect
    start(back)
    expect(await back.next('exam.started')).toMatchObject({ examId, resumed: true, attempt: 1 })
    expect(await back.next('exam.result')).toMatchObject({ examId, verdict: 'passed' })
    expect(back.jobs[0]!.itemId).toBe(supplier.jobs[5]!.itemId)
    expect(back.jobs.filter((job) => finished.includes(job.itemId))).toEqual([])
    // The judgements of the first five were told again, in case they were lost with the line.
    expect(
      back.frames
        .filter((frame) => frame.t === 'exam.item')
        .slice(0, 5)
        .map((frame) => frame.itemId),
    ).toEqual(finished)
  })

  it('judges a call as it stands when the supplier leaves in the middle of it: leaving buys no time to think', async () => {
    const exchange = await startTestExchange({ examSeed: SEED })
    const supplier = await sitter(exchange.url)
    let left = 3
    supplier.onJob = (job) => {
      if (left-- > 0) return perfect(job, supplier)
      supplier.send({ t: 'job.delta', jobId: job.jobId, text: 'well, ' })
      supplier.send({ t: 'ping', n: 9 })
    }
    start(supplier)
    await supplier.next('pong')
    const open = supplier.jobs[3]!.itemId
    const back = await sitter(exchange.url, supplier.key)
    back.onJob = perfect
    start(back)
    const judged = await back.next('exam.item', (frame) => frame.itemId === open)
    expect(judged).toMatchObject({
      right: false,
      reason: 'error UNAVAILABLE',
      tokens: 2,
      replySha256: sha256Hex('well, '),
    })
    await back.next('exam.result')
    expect(back.jobs.map((job) => job.itemId)).not.toContain(open)
  })

  it('sends a call that brought no text once more to a supplier that left, not without end', async () => {
    const exchange = await startTestExchange({ examSeed: SEED })
    let supplier = await sitter(exchange.url)
    const { key } = supplier
    for (let visit = 0; visit < 2; visit += 1) {
      supplier.onJob = () => undefined
      start(supplier)
      await supplier.next('job')
      supplier = await sitter(exchange.url, key)
    }
    supplier.onJob = perfect
    start(supplier)
    expect(await supplier.next('exam.item')).toMatchObject({
      right: false,
      reason: 'error UNAVAILABLE',
      tokens: 0,
      ttftMs: null,
    })
    expect(await supplier.next('exam.result')).toMatchObject({ verdict: 'passed' })
  })

  it('counts the time away: a question left for 20 s is judged late and not asked again', async () => {
    const clock = new FakeClock()
    const exchange = await startTestExchange({ examSeed: SEED, clock, virtualClock: false })
    const supplier = await sitter(exchange.url)
    let left = 3
    supplier.onJob = (job) => (left-- > 0 ? perfect(job, supplier) : undefined)
    start(supplier)
    await until('the fourth call', () => supplier.jobs.length === 4)
    const open = supplier.jobs[3]!.itemId
    await supplier.cut()
    await until('the exchange to have seen it', () => clock.waiting > 0)
    for (let second = 0; second < 20; second += 1) await clock.advance(1_000)
    const back = await sitter(exchange.url, supplier.key)
    back.onJob = perfect
    start(back)
    const judged = await back.next('exam.item', (frame) => frame.itemId === open)
    expect(judged).toMatchObject({ right: false, ttftMs: null, tokens: 0 })
    expect(judged.reason).toMatch(/DEADLINE|UNAVAILABLE/)
    await back.next('exam.result')
    expect(back.jobs.map((job) => job.itemId)).not.toContain(open)
  })

  it('counts the time a supplier had the question before it refused it, or refusing late would buy a second deadline', async () => {
    const clock = new FakeClock()
    const exchange = await startTestExchange({ examSeed: SEED, clock, virtualClock: false })
    const supplier = await sitter(exchange.url)
    supplier.onJob = () => undefined
    start(supplier)
    await until('the first call', () => supplier.jobs.length === 1)
    const [first] = supplier.jobs
    await clock.advance(2_000)
    supplier.send({ t: 'job.reject', jobId: first!.jobId, error: { code: 'ENGINE_BUSY', message: 'x', data: {} } })
    supplier.send({ t: 'ping', n: 1 })
    await supplier.next('pong')
    supplier.onJob = perfect
    await clock.advance(500)
    const judged = await supplier.next('exam.item', (frame) => frame.itemId === first!.itemId)
    expect(supplier.jobs[1]).toMatchObject({ itemId: first!.itemId, deadlineMs: first!.deadlineMs - 2_000 })
    expect(judged).toMatchObject({ right: true, ttftMs: 2_000 })
  })

  it.each([
    ['before 1970', -5],
    ['after 2099', SIGNED_TIME_MAX + 1],
  ])('signs nothing at a time %s, and goes on when the clock is right', async (_name, wrong) => {
    let at: number | null = null
    const clock = { ...systemClock, now: () => at ?? Date.now() }
    const exchange = await startTestExchange({ examSeed: SEED, clock, virtualClock: false })
    const supplier = await sitter(exchange.url)
    supplier.onJob = (job) => {
      if (supplier.jobs.length === 3) at = wrong
      return perfect(job, supplier)
    }
    start(supplier)
    await supplier.closed
    const judged = supplier.frames.filter((frame) => frame.t === 'exam.item')
    expect(judged).toHaveLength(2)
    expect(supplier.frames.some((frame) => frame.t === 'exam.result')).toBe(false)
    await expect(sitter(exchange.url, supplier.key)).rejects.toThrow('clock.outOfRange')
    at = null
    const back = await sitter(exchange.url, supplier.key)
    back.onJob = perfect
    start(back)
    expect(await back.next('exam.started')).toMatchObject({ resumed: true, attempt: 1 })
    expect(await back.next('exam.result')).toMatchObject({ verdict: 'passed' })
  })

  it('passes nobody for longer than can be signed', async () => {
    const clock = { ...systemClock, now: () => SIGNED_TIME_MAX - 60_000 }
    const exchange = await startTestExchange({ examSeed: SEED, clock, virtualClock: false })
    const supplier = await sitter(exchange.url)
    supplier.onJob = perfect
    start(supplier)
    await supplier.closed
    expect(supplier.frames.some((frame) => frame.t === 'exam.result')).toBe(false)
  })

  it('tells the result again to a supplier that names the attempt: a passed exam is not lost with the line', async () => {
    const exchange = await startTestExchange({ examSeed: SEED })
    const supplier = await sitter(exchange.url)
    supplier.onJob = perfect
    start(supplier)
    const result = await supplier.next('exam.result')
    await supplier.cut()
    const back = await sitter(exchange.url, supplier.key)
    back.send({
      t: 'exam.start',
      requestId: 'r9',
      instrument: NANO,
      deploymentId: 'dep_1',
      identity: IDENTITY,
      slots: 1,
      examId: result.examId,
    })
    expect(await back.next('exam.started')).toMatchObject({ examId: result.examId, resumed: true, attempt: 1 })
    expect(await back.next('exam.result')).toEqual(result)
    expect(back.jobs).toHaveLength(0)
  })

  it('survives a resumed line in the middle of a call', async () => {
    const exchange = await startTestExchange({ examSeed: SEED })
    const supplier = await sitter(exchange.url)
    let cutAt = 3
    supplier.onJob = async (job) => {
      if (cutAt-- === 0) {
        await supplier.cut()
        await perfect(job, supplier)
        await supplier.open({ resume: true })
      } else await perfect(job, supplier)
    }
    start(supplier)
    expect(await supplier.next('exam.result')).toMatchObject({ verdict: 'passed' })
    expect(new Set(supplier.jobs.map((job) => job.itemId)).size).toBe(supplier.jobs.length)
  })

  it('sends one item at a time, can be cancelled, and runs once a supplier', async () => {
    const exchange = await startTestExchange({ examSeed: SEED })
    const supplier = await sitter(exchange.url)
    supplier.onJob = () => undefined
    start(supplier)
    const { examId } = await supplier.next('exam.started')
    await until('the first call', () => supplier.jobs.length === 1)
    start(supplier, { requestId: 'r2' })
    expect(await supplier.next('exam.refused')).toMatchObject({ requestId: 'r2', error: { code: 'EXAM_RUNNING' } })
    supplier.send({ t: 'exam.cancel', examId })
    expect(await supplier.next('exam.result')).toMatchObject({ verdict: 'cancelled', validUntil: null })
    expect((await supplier.next('job.cancel')).jobId).toBe(supplier.jobs[0]!.jobId)
    expect(supplier.jobs).toHaveLength(1)
  })

  it('sends a call that brought no text once more, then counts it wrong', async () => {
    const exchange = await startTestExchange({ examSeed: SEED })
    const supplier = await sitter(exchange.url)
    const failing = new Set<string>()
    supplier.onJob = (job) => {
      if (failing.size < 2 || failing.has(job.itemId!)) {
        if (failing.size === 0 || job.itemId !== supplier.jobs[0]!.itemId) failing.add(job.itemId!)
        supplier.send({ t: 'job.reject', jobId: job.jobId, error: { code: 'ENGINE_BUSY', message: 'busy', data: {} } })
      } else void perfect(job, supplier)
    }
    start(supplier)
    expect((await supplier.next('exam.item')).reason).toContain('ENGINE_BUSY')
    expect(supplier.jobs.slice(0, 2).map((job) => job.itemId)).toEqual([
      supplier.jobs[0]!.itemId,
      supplier.jobs[0]!.itemId,
    ])
  })

  it('takes no slot of an offer: jobs are routed to a supplier whose slots its calls fill, up to the slots it offers', async () => {
    const { supplier, client: buyer } = await listed({ examSeed: SEED })
    supplier.onJob = () => undefined
    start(supplier)
    await until('the first call', () => supplier.jobs.length === 1)
    expect(supplier.jobs[0]!.examId).toBeDefined()
    const answers = ['a', 'b'].map((name) => buyer.chat.completions.create({ model: NANO, messages: say(name) }))
    const { book } = await supplier.next('book', (frame) => frame.book.waiting === 1)
    // One slot is offered: the second buyer waits for the first one's job, not for the exam.
    expect([supplier.jobs.length, book.rows[0]!.freeSlots]).toEqual([2, 0])
    await supplier.answer(supplier.jobs[1]!, ['ok'])
    await until('the third call', () => supplier.jobs.length === 3)
    await supplier.answer(supplier.jobs[2]!, ['ok'])
    expect((await Promise.all(answers)).map(({ choices }) => choices[0]!.message.content)).toEqual(['ok', 'ok'])
    expect(supplier.jobs.map(({ examId }) => examId !== undefined)).toEqual([true, false, false])
  })

  it('draws a fresh 256-bit seed when none is fixed', async () => {
    const exchange = await startTestExchange()
    const seeds = new Set<string>()
    for (let count = 0; count < 2; count += 1) {
      const supplier = await sitter(exchange.url)
      supplier.onJob = (job) => supplier.answer(job, ['?'])
      start(supplier)
      const { commitment } = await supplier.next('exam.started')
      const { seed } = await supplier.next('exam.result')
      expect(seedCommitment(seed)).toBe(commitment)
      expect(Buffer.from(seed, 'base64url')).toHaveLength(32)
      seeds.add(seed)
    }
    expect(seeds.size).toBe(2)
  })
})
