/** Exams against a scripted exchange: what the real one (whole-loop.test.ts) does not do by itself. */
import { call } from '@orpc/server'
import { describe, it, expect, onTestFinished } from 'vitest'

import { brandId, type ExamId, type JobId } from '#contract/ids.ts'
import { gradeSpecs } from '#contract/grades.ts'
import type { ExchangeFrame, SupplierFrame } from '#contract/supplier.ts'
import { createExams, examsApi } from '#core/exams/index.ts'
import type { ExamSink } from '#core/jobs/index.ts'
import { ALL_SCOPES } from '#core/os.ts'
import type { FakeEngineOptions } from '#test/support/fake-engine.ts'
import { examItemText, examResultText } from '#exam/evidence.ts'
import { sha256Hex } from '#lib/canonical.ts'
import { generateSigningKey } from '#lib/ed25519.ts'

import { settle } from '../../support/fake-clock.ts'
import { FAKE_SPEC, NANO_INSTRUMENT } from '../../support/fake-exchange.ts'
import { DEPLOYMENT, Seller } from '../../support/seller.ts'
import { tempDir } from '../../support/temp-dir.ts'
import { VENUE } from '#test/support/venue.ts'

const EXAM = brandId<ExamId>('exam_1')
const all = { context: { scopes: ALL_SCOPES } }
const limits = [
  { name: 'intelligence', n: 8, k: 8, s: 1, floor: 0.7, target: 0.8, state: 'undecided' as const, low: 0.5, high: 1 },
]

function setup(engine: FakeEngineOptions = {}) {
  let sink: ExamSink | null = null
  const seller = new Seller(tempDir(), {
    engine,
    exams: { route: (job) => sink?.route(job) ?? null, replied: (job, reply) => sink?.replied(job, reply) },
  })
  const exams = createExams(seller.context, {
    deployments: seller.deployments,
    specs: () => gradeSpecs.parse([FAKE_SPEC]),
  })
  const api = examsApi(seller.context.os, () => exams.calls)
  ;({ sink } = exams)
  exams.start()
  onTestFinished(() => {
    exams.stop()
    seller.close()
  })
  seller.exchange.online()
  seller.exchange.deliverAll()
  const push = (frame: ExchangeFrame): void => {
    seller.exchange.push(frame)
    seller.exchange.deliverAll()
  }
  const asked = (): Extract<SupplierFrame, { t: 'exam.start' }>[] =>
    seller.exchange.sent.filter((frame) => frame.t === 'exam.start')
  const begin = async (): Promise<void> => {
    const started = call(api.start, { venueId: VENUE, instrument: NANO_INSTRUMENT, deploymentId: DEPLOYMENT }, all)
    await settle()
    push({
      t: 'exam.started',
      requestId: asked().at(-1)!.requestId,
      examId: EXAM,
      spec: FAKE_SPEC,
      commitment: sha256Hex('seed'),
      attempt: 1,
      resumed: false,
      carried: {},
    })
    await started
  }
  const judge = (itemId: string, reply = 'yes'): void => {
    const item = { examId: EXAM, itemId, replySha256: sha256Hex(reply), arrivedAt: 5, right: true }
    push({
      t: 'exam.item',
      phase: 'items',
      reason: 'right',
      ttftMs: 3,
      tokens: 1,
      tokPerS: null,
      sig: seller.exchange.key.sign(examItemText(item)),
      ...item,
    })
    push({ t: 'exam.progress', examId: EXAM, phase: 'items', done: 1, atMost: 400, limits })
  }
  const result = (verdict: 'passed' | 'not-reached' | 'cancelled', key = seller.exchange.key): void => {
    const end = { examId: EXAM, verdict, limits, seed: 'seed', at: 9, validUntil: verdict === 'passed' ? 8e12 : null }
    push({ t: 'exam.result', ...end, sig: key.sign(examResultText(end)) })
  }
  /** An exam call that has sent its first word and goes on. */
  const underWay = (itemId: string): JobId => {
    const jobId = seller.exchange.job({ examId: EXAM, itemId, price: 0, content: 'one two three' })
    seller.exchange.deliverAll()
    seller.engine.release(jobId)
    return jobId
  }
  const reply = async (itemId: string): Promise<string | null> =>
    (await call(api.item, { venueId: VENUE, examId: EXAM, itemId }, all)).reply
  return {
    seller,
    exams,
    api,
    push,
    asked,
    begin,
    judge,
    result,
    underWay,
    reply,
    exam: () => call(api.get, { venueId: VENUE, examId: EXAM }, all),
  }
}

describe('an exam', () => {
  it('refuses a second one while one runs, and one without the exchange', async () => {
    const { seller, begin, api } = setup()
    await begin()
    await expect(
      call(api.start, { venueId: VENUE, instrument: NANO_INSTRUMENT, deploymentId: DEPLOYMENT }, all),
    ).rejects.toMatchObject({ data: { code: 'EXAM_RUNNING' } })
    const other = setup()
    other.seller.exchange.offline()
    await expect(
      call(other.api.start, { venueId: VENUE, instrument: NANO_INSTRUMENT, deploymentId: DEPLOYMENT }, all),
    ).rejects.toMatchObject({ data: { code: 'EXCHANGE_OFFLINE' } })
    expect(seller.exchange.sent.filter(({ t }) => t === 'exam.start')).toHaveLength(1)
  })

  it('passes the exchange’s refusal on, and gives up when it does not answer', async () => {
    const { seller, asked, push, api } = setup()
    const refused = call(api.start, { venueId: VENUE, instrument: NANO_INSTRUMENT, deploymentId: DEPLOYMENT }, all)
    await settle()
    push({
      t: 'exam.refused',
      requestId: asked()[0]!.requestId,
      error: { code: 'EXAM_ATTEMPTS', message: 'three attempts in 7 days', data: {} },
    })
    await expect(refused).rejects.toMatchObject({ data: { code: 'EXAM_ATTEMPTS' } })
    const unanswered = call(api.start, { venueId: VENUE, instrument: NANO_INSTRUMENT, deploymentId: DEPLOYMENT }, all)
    await settle()
    await Promise.all([
      expect(unanswered).rejects.toMatchObject({ data: { code: 'TIMEOUT' } }),
      seller.clock.advance(16_000),
    ])
  })

  it('serves its calls at no price, keeps reply and verdict, and leaves no job, receipt or ledger row', async () => {
    const { seller, begin, judge, exam } = setup()
    await begin()
    seller.exchange.job({ examId: EXAM, itemId: 'arith/1/0', price: 0, content: 'what is it' })
    seller.exchange.deliverAll()
    await seller.drain()
    judge('arith/1/0', 'FAKE what is it')
    expect((await exam()).items).toEqual([
      { itemId: 'arith/1/0', phase: 'items', right: true, reason: 'right', ttftMs: 3, tokens: 1, tokPerS: null },
    ])
    expect(
      seller.rows(
        'SELECT (SELECT count(*) FROM jobs) + (SELECT count(*) FROM receipts) + (SELECT count(*) FROM transfers) AS n',
      ),
    ).toEqual([{ n: 0 }])
  })

  it('takes no result that the exchange did not sign (anybody between could pass a model)', async () => {
    const { begin, result, exam, exams } = setup()
    await begin()
    result('passed', generateSigningKey())
    expect([(await exam()).state, exams.qualifications()]).toEqual(['running', []])
    result('passed')
    expect((await exam()).state).toBe('passed')
    expect(exams.qualifications()).toMatchObject([{ instrument: NANO_INSTRUMENT, examId: EXAM }])
  })

  it('that ran while its model lay in main memory is cancelled and counts for nothing, whatever the exchange says of it', async () => {
    const { seller, begin, judge, result, exam, exams } = setup()
    await begin()
    judge('arith/1/0')
    exams.spoil(DEPLOYMENT, seller.clock.now(), 300 * 2 ** 20)
    expect(seller.exchange.sent.at(-1)).toEqual({ t: 'exam.cancel', examId: EXAM })
    expect(await exam()).toMatchObject({
      state: 'cancelled',
      voidReason: { code: 'exam.spilled', params: { mib: 300 } },
    })
    result('passed')
    expect([(await exam()).state, exams.qualifications()]).toEqual(['cancelled', []])
    // Taken up again by the exchange with what it had judged: ended, so that the next one begins anew.
    await begin()
    expect(seller.exchange.sent.at(-1)).toEqual({ t: 'exam.cancel', examId: EXAM })
    expect((await exam()).state).toBe('cancelled')
  })

  it('that passed after its model was last seen well does not stand; one that had passed before does', async () => {
    const { seller, begin, result, exam, exams } = setup()
    await begin()
    result('passed')
    exams.spoil(DEPLOYMENT, seller.clock.now() + 1, 2 ** 30)
    expect(exams.qualifications()).toHaveLength(1)
    exams.spoil(DEPLOYMENT, seller.clock.now() - 2_000, 2 ** 30)
    expect(exams.qualifications()).toEqual([])
    expect(await exam()).toMatchObject({ state: 'cancelled', validUntil: null, voidReason: { params: { mib: 1_024 } } })
  })

  it('is interrupted by a lost session and goes on by name', async () => {
    const { seller, begin, judge, asked, exam } = setup()
    await begin()
    judge('arith/1/0')
    seller.exchange.offline()
    seller.exchange.online()
    expect(await exam()).toMatchObject({ state: 'interrupted', done: 1, items: [{ itemId: 'arith/1/0' }] })
    await settle()
    expect(asked()).toMatchObject([{}, { examId: EXAM }])
  })

  it('streams its progress, at most ten times a second, and ends with the exam', async () => {
    const { seller, begin, judge, result, api } = setup()
    await begin()
    const stream = await call(api.progress, { venueId: VENUE, examId: EXAM }, all)
    expect((await stream.next()).value).toMatchObject({ state: 'running', items: [] })
    for (let n = 0; n < 50; n += 1) judge(`arith/1/${n}`)
    const next = stream.next()
    await seller.clock.advance(100)
    expect((await next).value).toHaveProperty('items.length', 50)
    const last = stream.next()
    result('not-reached')
    await seller.clock.advance(100)
    expect((await last).value).toMatchObject({ state: 'not-reached', seed: 'seed' })
    expect((await stream.next()).done).toBe(true)
  })

  it('can be cancelled while it runs and while it waits', async () => {
    const { seller, begin, result, exam, api } = setup()
    await begin()
    const cancelled = call(api.cancel, { venueId: VENUE, examId: EXAM }, all)
    await settle()
    expect(seller.exchange.sent.at(-1)).toEqual({ t: 'exam.cancel', examId: EXAM })
    result('cancelled')
    expect(await cancelled).toMatchObject({ state: 'cancelled', transcriptSha256: null })
    await expect(call(api.transcript, { venueId: VENUE, examId: EXAM }, all)).rejects.toMatchObject({
      data: { code: 'NOT_FOUND' },
    })
    expect((await exam()).endedAt).not.toBeNull()
  })

  it('keeps what was sent of a call past its deadline even when that call ends the exam, and shows the part the exchange judged', async () => {
    const { seller, begin, judge, result, push, underWay, reply } = setup({ manual: true })
    await begin()
    push({ t: 'job.cancel', jobId: underWay('arith/1/0'), reason: 'deadline' })
    judge('arith/1/0', 'FAK')
    result('not-reached')
    await seller.drain()
    expect(seller.rows('SELECT reply FROM exam_items')).toEqual([{ reply: 'FAKE' }])
    expect(await reply('arith/1/0')).toBe('FAK')
  })

  it('keeps what was sent of a call that a lost session broke off', async () => {
    const { seller, begin, underWay, reply } = setup({ manual: true })
    await begin()
    underWay('arith/1/0')
    seller.exchange.offline()
    seller.exchange.online()
    expect(await reply('arith/1/0')).toBe('FAKE')
  })

  it('keeps a call that comes while the engine restarts after a crash: it is not turned away and counted wrong', async () => {
    const { seller, begin } = setup({ manual: true })
    await begin()
    seller.engine.die()
    const jobId = seller.exchange.job({ examId: EXAM, itemId: 'arith/1/0', price: 0 })
    seller.exchange.deliverAll()
    expect(seller.exchange.sent.filter((frame) => frame.t === 'job.reject')).toEqual([])
    seller.engine.comeBack()
    seller.engine.release(jobId)
    await seller.drain()
    expect(seller.exchange.sent.at(-1)).toMatchObject({ t: 'job.done', jobId })
  })

  it('goes on whole when the exchange takes up a attempt that was stopped here while it waited', async () => {
    const { seller, asked, push, begin, underWay, reply, exam, api } = setup({ manual: true })
    await begin()
    seller.exchange.offline()
    seller.exchange.online()
    await settle()
    push({
      t: 'exam.refused',
      requestId: asked().at(-1)!.requestId,
      error: { code: 'UNAVAILABLE', message: 'not now', data: {} },
    })
    await settle()
    await call(api.cancel, { venueId: VENUE, examId: EXAM }, all)
    expect((await exam()).state).toBe('cancelled')
    await begin()
    expect(await exam()).toMatchObject({ state: 'running', endedAt: null })
    underWay('arith/1/0')
    await seller.drain()
    expect(await reply('arith/1/0')).toBe('FAKE one two three')
  })

  it('is over at once when the owner takes the machine back, and does not begin again by itself', async () => {
    const { seller, exams, begin, underWay, exam, result, asked, push, api } = setup({ manual: true })
    await begin()
    underWay('arith/1/0')
    exams.giveUp()
    expect(await exam()).toMatchObject({ state: 'cancelled', endedAt: seller.clock.now() })
    expect([exams.examining(), seller.exchange.sent.at(-1)]).toEqual([null, { t: 'exam.cancel', examId: EXAM }])
    result('passed')
    expect(exams.qualifications()).toEqual([])
    seller.exchange.offline()
    seller.exchange.online()
    await settle()
    expect(asked()).toHaveLength(1)
    // One that was asked for and not answered yet is called off when the answer comes.
    const late = call(api.start, { venueId: VENUE, instrument: NANO_INSTRUMENT, deploymentId: DEPLOYMENT }, all)
    await settle()
    exams.giveUp()
    await expect(late).rejects.toMatchObject({ data: { code: 'CANCELLED' } })
    const examId = brandId<ExamId>('exam_2')
    push({
      t: 'exam.started',
      requestId: asked().at(-1)!.requestId,
      examId,
      spec: FAKE_SPEC,
      commitment: sha256Hex('seed'),
      attempt: 2,
      resumed: false,
      carried: {},
    })
    expect(seller.exchange.sent.at(-1)).toEqual({ t: 'exam.cancel', examId })
  })

  it('that waits for the exchange is given up too: the next session would load its model again', async () => {
    const { seller, exams, begin, exam } = setup()
    await begin()
    seller.exchange.offline()
    exams.stop()
    exams.giveUp()
    expect((await exam()).state).toBe('cancelled')
  })
})
