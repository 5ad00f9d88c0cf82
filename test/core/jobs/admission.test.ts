/** Every reason to refuse a job at once, and none that turns everything away: pure tables. */
import { said } from '#contract/reasons.ts'
import { describe, it, expect } from 'vitest'

import { nano, NANO_LIMIT, nanoPerMtok, onePrice } from '#contract/money.ts'
import { finishesInMs, refusal, waitTokens, type Facts, type EngineLoad, type Route } from '#core/jobs/admission.ts'
import type { OfferedJob } from '#core/venues/index.ts'

import { NANO_INSTRUMENT } from '../../support/fake-exchange.ts'

/** 400 bytes of input are 100 reference tokens. */
const job = (change: Partial<OfferedJob> = {}, maxTokens = 100): OfferedJob =>
  ({
    jobId: 'job_1',
    instrument: NANO_INSTRUMENT,
    specVersion: 1,
    request: {
      messages: [{ role: 'user', content: 'x'.repeat(400) }],
      maxTokens,
      sampling: { temperature: 0, topP: 1, topK: 40, minP: 0 },
      stop: [],
      ignoreEos: false,
    },
    price: onePrice(nanoPerMtok(1_000_000)),
    reserveNano: nano(1_000_000),
    deadlineMs: 10_000,
    salt: 's'.repeat(43),
    ...change,
  }) as unknown as OfferedJob
const route: Route = {
  deploymentId: 'd',
  sha256: 'a'.repeat(64),
  specVersion: 1,
  prices: [onePrice(nanoPerMtok(1_000_000))],
  bounds: { contextTokens: 4_096, outputTokens: 1_024 },
  closed: null,
}
const idle: EngineLoad = {
  slots: 4,
  contextTokens: 4_096,
  running: 0,
  exams: 0,
  waitTokens: 0,
  engine: { running: 0, queued: 0 },
  speed: { promptTokensPerSecond: null, perStream: [] },
  waitingPromptTokens: 0,
  promptRatio: null,
}
const facts = (load: Partial<EngineLoad> = {}, change: Partial<Facts> = {}): Facts => ({
  realmFits: true,
  paysAsk: true,
  route,
  recovering: false,
  loaded: { ...idle, ...load },
  ...change,
})
const exam = { examId: 'exam_1', price: onePrice(nanoPerMtok(0)) } as Partial<OfferedJob>
const examRoute = { ...route, prices: [onePrice(nanoPerMtok(0))], bounds: null }

describe('a job is refused at once', () => {
  it.each<[string, OfferedJob, Facts, string, RegExp]>([
    ['not listed', job(), facts({}, { route: null }), 'CONFLICT', /not listed/],
    [
      'draining',
      job(),
      facts({}, { route: { ...route, closed: said('this listing was paused and takes no new jobs') } }),
      'CONFLICT',
      /paused/,
    ],
    ['not in memory', job(), facts({}, { loaded: null }), 'ENGINE_NOT_LOADED', /not loaded/],
    [
      'not in memory, and coming back: only exam calls wait',
      job(),
      facts({}, { loaded: null, recovering: true }),
      'ENGINE_NOT_LOADED',
      /not loaded/,
    ],
    ['output beyond the grade', job({}, 1_025), facts(), 'OUTPUT_TOO_LONG', /output limit/],
    [
      'context beyond the grade',
      job({}, 1_000),
      facts({}, { route: { ...route, bounds: { contextTokens: 1_024, outputTokens: 1_024 } } }),
      'CONTEXT_TOO_LONG',
      /grade/,
    ],
    [
      'context beyond the engine’s, in its own tokens',
      job(),
      facts({ contextTokens: 256, promptRatio: 2.5 }),
      'CONTEXT_TOO_LONG',
      /its own tokens/,
    ],
    ['every slot taken', job(), facts({ running: 4 }), 'ENGINE_BUSY', /slot/],
    [
      'the owner’s own use fills slots and queue',
      job(),
      facts({ running: 1, engine: { running: 4, queued: 1 } }),
      'ENGINE_BUSY',
      /own requests/,
    ],
    [
      'the owner’s own use fills slots and queue, exam calls beside it',
      job(),
      facts({ running: 1, exams: 2, engine: { running: 4, queued: 3 } }),
      'ENGINE_BUSY',
      /own requests/,
    ],
    [
      'every slot taken, and exam calls wait behind',
      job(),
      facts({ running: 4, exams: 4, engine: { running: 4, queued: 4 } }),
      'ENGINE_BUSY',
      /slot/,
    ],
    [
      'too late for the slot that an exam call frees',
      job({}, 10),
      facts({ exams: 4, waitTokens: 100, speed: { promptTokensPerSecond: null, perStream: [10] } }),
      'DEADLINE',
      /11\.0 s/,
    ],
    [
      'answer too slow alone',
      job(),
      facts({ speed: { promptTokensPerSecond: null, perStream: [9] } }),
      'DEADLINE',
      /11\.1 s against 10\.0 s/,
    ],
    [
      'answer too slow beside the others, though fast enough alone',
      job(),
      facts({ running: 2, speed: { promptTokensPerSecond: null, perStream: [40, 20, 9] } }),
      'DEADLINE',
      /measured rate/,
    ],
    [
      'prompt too slow',
      job({}, 10),
      facts({ speed: { promptTokensPerSecond: 9, perStream: [100] } }),
      'DEADLINE',
      /measured rate/,
    ],
    [
      'prompt too slow in the engine’s own tokens',
      job({}, 10),
      facts({ promptRatio: 3, speed: { promptTokensPerSecond: 25, perStream: [100] } }),
      'DEADLINE',
      /measured rate/,
    ],
    [
      'other prompts wait before it',
      job({}, 10),
      facts({ waitingPromptTokens: 3_000, speed: { promptTokensPerSecond: 300, perStream: [100] } }),
      'DEADLINE',
      /measured rate/,
    ],
    ['an exam that is not ours', job(exam), facts({}, { route: null }), 'NOT_FOUND', /exam/],
    ['from an exchange of another realm', job(), facts({}, { realmFits: false }), 'CONFLICT', /another realm/],
    ['at another price than the ask', job({ price: onePrice(nanoPerMtok(999_999)) }), facts(), 'CONFLICT', /price/],
    [
      'a reserve one nano-unit short of prompt and max_tokens',
      job({ reserveNano: nano(199) }),
      facts(),
      'CONFLICT',
      /reserve/,
    ],
    [
      'a price at which it could cost more than an amount may be',
      job({ price: onePrice(nanoPerMtok(NANO_LIMIT)), reserveNano: nano(NANO_LIMIT) }, 1_000_000),
      facts({}, { route: { ...route, prices: [onePrice(nanoPerMtok(NANO_LIMIT))] } }),
      'CONFLICT',
      /reserve/,
    ],
  ])('%s', (_name, frame, known, code, message) => {
    const error = refusal(frame, known)
    expect(error).toMatchObject({ code })
    expect(error!.message).toMatch(message)
  })
})

describe('a job is taken', () => {
  it.each<[string, OfferedJob, Facts]>([
    ['when nothing was ever measured: the first job is what measures', job({ deadlineMs: 1 }), facts()],
    [
      'at another price than the ask, where the venue pays by a rule of its own',
      job({ price: onePrice(nanoPerMtok(0)) }),
      facts({}, { paysAsk: false }),
    ],
    [
      'when only prompts were measured',
      job({ deadlineMs: 1 }),
      facts({ speed: { promptTokensPerSecond: 1, perStream: [] } }),
    ],
    [
      'when the measured rate just meets the deadline',
      job(),
      facts({ speed: { promptTokensPerSecond: 100, perStream: [100 / 9] } }),
    ],
    [
      'when the average prompt ratio says it is a little too long: the engine knows better',
      job(),
      facts({ contextTokens: 280, promptRatio: 2 }),
    ],
    [
      'when a stale count of the engine still holds jobs that ended',
      job(),
      facts({ running: 3, engine: { running: 4, queued: 0 } }),
    ],
    [
      'though exam calls fill every slot and the queue: it goes before them',
      job(),
      facts({ running: 3, exams: 4, engine: { running: 4, queued: 3 } }),
    ],
    [
      'as an exam call whatever the rate says: its deadline is the exchange’s to keep',
      job({ ...exam, deadlineMs: 1 }),
      facts({ running: 9, speed: { promptTokensPerSecond: 1, perStream: [1] } }, { route: examRoute }),
    ],
    [
      'at the price asked a moment ago',
      job(),
      facts({}, { route: { ...route, prices: [onePrice(nanoPerMtok(2_000_000)), onePrice(nanoPerMtok(1_000_000))] } }),
    ],
    [
      'with the grade’s output and context to the last token',
      job(),
      facts({}, { route: { ...route, bounds: { contextTokens: 200, outputTokens: 100 } } }),
    ],
    [
      'with the engine’s context to the last token, less what the average may err',
      job(),
      facts({ contextTokens: 300, promptRatio: 2.5 }),
    ],
    ['when the reserve just covers prompt and max_tokens', job({ reserveNano: nano(200) }), facts()],
    [
      'when nobody waits in the engine’s queue, however many it still counts as running',
      job(),
      facts({ running: 1, engine: { running: 5, queued: 0 } }),
    ],
    [
      'when what is queued are exam calls only, to the last',
      job(),
      facts({ running: 2, exams: 2, engine: { running: 4, queued: 2 } }),
    ],
    [
      'as an exam call while the engine comes back',
      job(exam),
      facts({}, { route: examRoute, loaded: null, recovering: true }),
    ],
  ])('%s', (_name, frame, known) => {
    expect(refusal(frame, known)).toBeNull()
  })

  it('by the time of waiting prompts, its own prompt and all of maxTokens beside the others', () => {
    const load = {
      ...idle,
      running: 1,
      waitingPromptTokens: 300,
      promptRatio: 2,
      speed: { promptTokensPerSecond: 500, perStream: [50, 25] },
    }
    expect(finishesInMs(job(), load)).toBeCloseTo(1_000 + 4_000)
    // As much longer as streams wait for the prompts of others now.
    expect(finishesInMs(job(), { ...load, speed: { ...load.speed, crowding: 1.5 } })).toBeCloseTo(1_000 + 6_000)
  })
})

describe('the rate that is taken for a job', () => {
  it.each<[string, Partial<EngineLoad>, number]>([
    ['alone in it, that of one stream', {}, 40],
    ['beside a job, that of two', { running: 1 }, 20],
    ['beside a job and an exam call, that of three', { running: 1, exams: 1 }, 10],
    ['beside what the engine counts, where that is more', { running: 1, engine: { running: 2, queued: 0 } }, 10],
    ['with every slot taken, that of all slots and no more', { running: 4, exams: 2 }, 5],
  ])('is %s', (_name, load, perSecond) => {
    const speed = { promptTokensPerSecond: null, perStream: [40, 20, 10, 5, 2] }
    expect(finishesInMs(job(), { ...idle, speed, ...load })).toBeCloseTo(100_000 / perSecond)
  })
})

it('a frame that is no job is an error, not a refusal', () => {
  expect(() => refusal(job({ request: { maxTokens: 1 } as never }), facts())).toThrow(TypeError)
})

describe('the wait for a slot', () => {
  it.each<[string, number, Parameters<typeof waitTokens>[0], number]>([
    [
      'none while one is free',
      3,
      [
        { left: 50, waits: false },
        { left: 60, waits: false },
      ],
      0,
    ],
    [
      'the call that ends next',
      2,
      [
        { left: 50, waits: false },
        { left: 60, waits: false },
      ],
      50,
    ],
    [
      'exam calls in the queue are no reason to wait',
      2,
      [
        { left: 50, waits: false },
        { left: 40, waits: false },
        { left: 64, waits: false },
        { left: 64, waits: false },
      ],
      40,
    ],
    [
      'a job that waits already gets the first one that ends',
      2,
      [
        { left: 50, waits: false },
        { left: 60, waits: false },
        { left: 64, waits: true },
      ],
      60,
    ],
    [
      'a job without text that has its slot already is not counted before the next one',
      2,
      [
        { left: 50, waits: false },
        { left: 60, waits: true },
        { left: 64, waits: true },
      ],
      60,
    ],
  ])('%s', (_name, slots, calls, tokens) => {
    expect(waitTokens(calls, slots)).toBe(tokens)
  })
})
