import { describe, it, expect } from 'vitest'

import { bytes4, inputTokens } from '#contract/bytes4.ts'
import { brandId } from '#contract/ids.ts'
import { nano, nanoPerMtok, onePrice } from '#contract/money.ts'
import { verifyClaim } from '#books/receipts.ts'

import { NANO_INSTRUMENT } from '../../support/fake-exchange.ts'
import { rest } from '../../support/until.ts'
import { jobRow, onlineSeller, sentFrames } from './online-seller.ts'

describe('serving a job', () => {
  it('streams, claims, settles and holds the money, then releases it', async () => {
    const made = onlineSeller()
    const jobId = made.exchange.job({ content: 'one two three' })
    await made.drain()
    const text = sentFrames(made, 'job.delta')
      .map((frame) => frame.text)
      .join('')
    expect(text).toBe('FAKE one two three')
    const [done] = sentFrames(made, 'job.done')
    expect(verifyClaim({ claim: done!.claim, claimSig: done!.claimSig })).toBe(true)
    const billed = inputTokens([{ role: 'user', content: 'one two three' }]) + bytes4(text)
    const gross = billed
    const fee = Math.floor((gross * 500) / 10_000)
    expect(jobRow(made, jobId)).toMatchObject({
      state: 'settled',
      gross_nano: gross,
      fee_nano: fee,
      seller_nano: gross - fee,
      receipt_seq: 1,
    })
    expect(made.balance('asset:held')).toEqual({ net: gross - fee, pending: 0 })
    expect(made.rows('SELECT jobs, gross_nano, seller_nano, released_nano FROM rollup_quarter')).toEqual([
      { jobs: 1, gross_nano: gross, seller_nano: gross - fee, released_nano: 0 },
    ])
    made.exchange.release()
    await made.drain()
    expect([made.balance('asset:held').net, made.balance('asset:available').net]).toEqual([0, gross - fee])
    expect(made.rows('SELECT released_nano FROM rollup_quarter')).toEqual([{ released_nano: gross - fee }])
    expect(made.books.check(made.context.realmDb.read)).toMatchObject({ ok: true })
  })

  it('commits the claim with its pending transfer before it tells the exchange', async () => {
    const made = onlineSeller()
    const jobId = made.exchange.job()
    made.killAt(1, 'after')
    await made.drain()
    expect(made.dead).toBe(true)
    expect(sentFrames(made, 'job.done')).toHaveLength(0)
    expect(jobRow(made, jobId)).toMatchObject({ state: 'claimed' })
    expect(made.balance('asset:held').pending).toBeGreaterThan(0)
  })

  it('stores no word of prompt or answer anywhere in the database', async () => {
    const made = onlineSeller()
    made.exchange.job({ content: 'zebraquestion' })
    await made.drain()
    const tables = made.rows(`SELECT name FROM sqlite_master WHERE type = 'table'`).map(({ name }) => String(name))
    const dump = JSON.stringify(tables.map((name) => made.rows(`SELECT * FROM "${name}"`)))
    expect(dump).toContain('practice/text-nano')
    expect(dump).not.toContain('zebraquestion')
    expect(dump).not.toContain('FAKE')
  })

  it.each([
    [
      'at once',
      (secret: string) => ({
        answer: () => ({ code: 'ENGINE_REFUSED' as const, message: `it says: ${secret}`, data: { said: secret } }),
      }),
    ],
    [
      'with an error code of its own',
      (secret: string) => ({ answer: () => ({ code: secret as 'INTERNAL', message: secret, data: {} }) }),
    ],
  ])(
    'an engine that fails %s and quotes the prompt: no word of it is stored, logged or sent',
    async (_name, engine) => {
      const secret = 'zebraquestion'
      const made = onlineSeller({
        engine: engine(secret),
        exams: {
          route: () => ({
            deploymentId: 'dep_1',
            sha256: 'a'.repeat(64),
            specVersion: 1,
            prices: [onePrice(nanoPerMtok(0))],
            bounds: null,
            closed: null,
          }),
        },
      })
      const logged: unknown[][] = []
      const { log } = made.context
      for (const level of ['error', 'warn', 'info', 'debug'] as const)
        Object.assign(log, { [level]: (...line: unknown[]) => void logged.push(line) })
      const jobId = made.exchange.job({ content: secret })
      made.exchange.job({ content: secret, examId: 'exam_1', itemId: 'arith/1/0', price: 0 })
      await made.drain()
      const errors = sentFrames(made, 'job.error')
      expect(errors).toHaveLength(2)
      expect(errors[0]!.error.message).not.toBe('')
      expect(jobRow(made, jobId)).toMatchObject({ state: 'failed', reason: errors[0]!.error.message })
      const tables = made.rows(`SELECT name FROM sqlite_master WHERE type = 'table'`).map(({ name }) => String(name))
      const dump = JSON.stringify([
        tables.map((name) => made.rows(`SELECT * FROM "${name}"`)),
        made.exchange.sent,
        logged,
      ])
      expect(dump).not.toContain(secret)
    },
  )

  it('joins deltas so that no more than one frame goes out per 10 ms', async () => {
    const made = onlineSeller()
    made.exchange.job({ content: 'a b c d e f g h i j' })
    made.exchange.deliver()
    await rest(30)
    // The clock stood still, so the first delta went out alone and the end of the job flushed the rest.
    expect(sentFrames(made, 'job.delta').map(({ text }) => text)).toEqual(['FAKE', ' a b c d e f g h i j'])
  })
})

describe('refusing a job', () => {
  it.each([
    ['a price that is not the ask', { price: 999 }, 'CONFLICT'],
    ['an instrument that is not listed', { instrument: brandId<typeof NANO_INSTRUMENT>('practice/other') }, 'CONFLICT'],
    ['too long an output', { maxTokens: 65 }, 'OUTPUT_TOO_LONG'],
    ['prompt and output beyond the context', { content: 'x'.repeat(4 * 100), maxTokens: 60 }, 'CONTEXT_TOO_LONG'],
    ['an exam that is not ours', { examId: 'exam_x', price: 0 }, 'NOT_FOUND'],
  ])('%s', async (_name, options, code) => {
    const made = onlineSeller()
    made.exchange.job({ content: 'zebraquestion', ...options })
    await made.drain()
    expect(sentFrames(made, 'job.reject')).toMatchObject([{ error: { code } }])
    expect(JSON.stringify([made.exchange.sent, made.rows('SELECT * FROM jobs')])).not.toContain('zebraquestion')
    expect(made.engine.submitted).toHaveLength(0)
  })

  it('of an exchange that trades in another realm, or that sets aside less than the job can cost', async () => {
    const made = onlineSeller()
    made.exchange.realm = 'real'
    made.exchange.online()
    made.exchange.job()
    await made.drain()
    made.exchange.realm = 'practice'
    made.exchange.online()
    made.exchange.job({ reserveNano: 18 })
    made.exchange.job({ reserveNano: 19 })
    await made.drain()
    expect(sentFrames(made, 'job.reject').map(({ error }) => error.message)).toEqual([
      'this exchange trades in another realm than this ledger is of',
      'the reserve does not cover what the job can cost',
    ])
    expect(made.exchange.receipts).toHaveLength(1)
  })

  it('that cannot be recorded: work that could not be claimed is not begun', async () => {
    const made = onlineSeller()
    const { realmDb } = made.context
    const tx = realmDb.tx.bind(realmDb)
    const disk = { full: true }
    Object.assign(realmDb, {
      tx: (work: Parameters<typeof tx>[0]) => {
        if (disk.full) throw new Error('the disk is full')
        return tx(work)
      },
    })
    made.exchange.job()
    made.exchange.deliverAll()
    expect(sentFrames(made, 'job.reject')).toMatchObject([{ error: { code: 'INTERNAL' } }])
    expect(made.engine.submitted).toHaveLength(0)
    disk.full = false
    made.exchange.job()
    await made.drain()
    expect(made.exchange.receipts).toHaveLength(1)
  })

  it('when every slot is taken, and when no model is loaded', async () => {
    const made = onlineSeller({ engine: { manual: true } })
    for (let n = 0; n < 3; n += 1) made.exchange.job()
    made.exchange.deliverAll()
    expect(sentFrames(made, 'job.reject')).toMatchObject([{ jobId: 'job_3', error: { code: 'ENGINE_BUSY' } }])
    await made.engine.unload()
    made.exchange.job()
    made.exchange.deliverAll()
    expect(sentFrames(made, 'job.reject').at(-1)).toMatchObject({
      jobId: 'job_4',
      error: { code: 'ENGINE_NOT_LOADED' },
    })
  })
})

describe('exam calls', () => {
  const route = {
    deploymentId: 'dep_1',
    sha256: 'a'.repeat(64),
    specVersion: 1,
    prices: [onePrice(nanoPerMtok(0))],
    bounds: null,
    closed: null,
  }

  it('in every slot keep no job out, and count for no slot of theirs', async () => {
    const made = onlineSeller({
      engine: { manual: true, stats: () => ({ running: 2, queued: 2 }) },
      exams: { route: () => route },
    })
    for (let n = 0; n < 4; n += 1) made.exchange.job({ examId: 'exam_1', itemId: `load-slots/1/${n}`, price: 0 })
    const jobs = [made.exchange.job(), made.exchange.job()]
    made.exchange.job()
    made.exchange.deliverAll()
    expect(made.engine.submitted.filter(({ options }) => options.priority === 'job').map(({ jobId }) => jobId)).toEqual(
      jobs,
    )
    expect(sentFrames(made, 'job.reject')).toMatchObject([
      { error: { code: 'ENGINE_BUSY', message: 'every slot is taken' } },
    ])
  })

  it('that hold every slot longer than a job has time refuse it: it would be late', async () => {
    const made = onlineSeller({
      engine: {
        manual: true,
        stats: () => ({ running: 2, speed: { promptTokensPerSecond: null, perStream: [4, 4] } }),
      },
      exams: { route: () => route },
    })
    for (let n = 0; n < 2; n += 1)
      made.exchange.job({ examId: 'exam_1', itemId: `load-slots/1/${n}`, price: 0, maxTokens: 40 })
    made.exchange.job({ maxTokens: 4, deadlineMs: 10_000 })
    const taken = made.exchange.job({ maxTokens: 4, deadlineMs: 12_000 })
    made.exchange.deliverAll()
    expect(sentFrames(made, 'job.reject')).toMatchObject([{ error: { code: 'DEADLINE' } }])
    expect(made.engine.submitted.at(-1)!.jobId).toBe(taken)
  })
})

describe('jobs that end otherwise', () => {
  it('an engine crash fails the job, moves no money and counts as ours', async () => {
    const made = onlineSeller({ engine: { manual: true } })
    const jobId = made.exchange.job()
    made.exchange.deliverAll()
    made.engine.crash()
    await made.drain()
    expect(sentFrames(made, 'job.error')).toMatchObject([{ jobId, error: { code: 'ENGINE_CRASHED' } }])
    expect(jobRow(made, jobId)).toMatchObject({ state: 'failed' })
    expect(made.rows('SELECT failed FROM rollup_quarter')).toEqual([{ failed: 1 }])
    expect(made.balance('asset:held')).toEqual({ net: 0, pending: 0 })
  })

  it('a request that no engine can serve is turned away and counts as no failure of ours', async () => {
    const made = onlineSeller({
      engine: { answer: () => ({ code: 'GRAMMAR_INVALID', message: 'no such schema', data: {} }) },
    })
    const jobId = made.exchange.job()
    await made.drain()
    expect(sentFrames(made, 'job.error')).toMatchObject([{ jobId, error: { code: 'GRAMMAR_INVALID' } }])
    expect(jobRow(made, jobId)).toMatchObject({ state: 'rejected' })
    expect(made.rows('SELECT * FROM rollup_quarter WHERE failed > 0')).toEqual([])
    expect(made.rows('SELECT * FROM job_minutes WHERE failed > 0')).toEqual([])
  })

  it('a buyer who leaves midway pays for what was delivered; text made later is neither sent nor billed', async () => {
    const made = onlineSeller({ engine: { manual: true, answer: () => 'one two three four' } })
    const jobId = made.exchange.job()
    made.exchange.deliverAll()
    made.engine.release(jobId)
    made.exchange.push({ t: 'job.cancel', jobId, reason: 'buyer' })
    made.exchange.deliver()
    await made.drain()
    const [done] = sentFrames(made, 'job.done')
    expect(done!.claim).toMatchObject({
      finish: 'cancelled',
      usage: {
        outputTokens: bytes4(
          sentFrames(made, 'job.delta')
            .map(({ text }) => text)
            .join(''),
        ),
      },
    })
    expect(jobRow(made, jobId)).toMatchObject({ state: 'settled', finish: 'cancelled' })
  })

  it('a buyer who left pays for what was delivered, also when the engine crashes before it has stopped', async () => {
    const made = onlineSeller({ engine: { manual: true, answer: () => 'one two three four' } })
    const jobId = made.exchange.job()
    made.exchange.deliverAll()
    made.engine.release(jobId)
    made.exchange.push({ t: 'job.cancel', jobId, reason: 'buyer' })
    made.exchange.deliver()
    made.engine.crash()
    await made.drain()
    expect(sentFrames(made, 'job.error')).toEqual([])
    expect(jobRow(made, jobId)).toMatchObject({ state: 'settled', finish: 'cancelled' })
  })

  it('a missed deadline is a failure without a claim', async () => {
    const made = onlineSeller({ engine: { manual: true } })
    const jobId = made.exchange.job()
    made.exchange.deliverAll()
    made.exchange.push({ t: 'job.cancel', jobId, reason: 'deadline' })
    await made.drain()
    expect(sentFrames(made, 'job.done')).toHaveLength(0)
    expect(jobRow(made, jobId)).toMatchObject({ state: 'failed' })
  })

  it('a missed deadline counts as ours when the exchange voids the job in the same breath, as the real one does', async () => {
    const made = onlineSeller({ engine: { manual: true } })
    const jobId = made.exchange.job()
    made.exchange.deliverAll()
    made.exchange.push({ t: 'job.cancel', jobId, reason: 'deadline' })
    made.exchange.push({ t: 'job.void', jobId, reason: 'the deadline passed' })
    made.exchange.deliverAll()
    await made.drain()
    expect(jobRow(made, jobId)).toMatchObject({ state: 'failed', reason: 'the deadline passed' })
    expect(made.rows('SELECT failed FROM rollup_quarter')).toEqual([{ failed: 1 }])
  })

  it('a void frees what was pending', async () => {
    const made = onlineSeller()
    const jobId = made.exchange.job()
    made.exchange.deliver()
    made.exchange.jobs.get(jobId)!.state = 'void'
    await made.drain()
    expect(jobRow(made, jobId)).toMatchObject({ state: 'void' })
    expect(made.balance('asset:held')).toEqual({ net: 0, pending: 0 })
  })

  it('a receipt with a changed amount is refused and posts nothing', async () => {
    const made = onlineSeller()
    const jobId = made.exchange.job()
    for (let turn = 0; turn < 40 && made.exchange.receipts.length === 0; turn += 1) {
      if (turn === 0) made.exchange.deliver()
      await made.clock.advance(10)
    }
    made.exchange.queue = []
    made.exchange.push({ t: 'job.settled', receipt: { ...made.exchange.receipts[0]!, sellerNano: nano(1) } })
    made.exchange.deliver()
    expect(jobRow(made, jobId)).toMatchObject({ state: 'claimed' })
    expect(made.jobs.problems()).toEqual([
      'receipt 1: the receipt is not signed by the exchange it names; the amounts do not follow from tokens, price and fee',
      expect.stringContaining('What to do'),
    ])
  })
})
