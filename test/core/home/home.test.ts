import { describe, expect, it } from 'vitest'

import { gradeSpecs, type GradeSpec } from '#contract/grades.ts'
import { brandId, type Instrument } from '#contract/ids.ts'
import { nano, nanoPerMtok } from '#contract/money.ts'
import { home as homeSchema } from '#contract/app.ts'
import type { ExamFacts } from '#core/core-context.ts'
import type { HomeFacts } from '#core/home/home-facts.ts'
import { composeHome } from '#core/home/home.ts'

const NOW = Date.UTC(2026, 10, 21, 12)
const TEXT = brandId<Instrument>('practice/text-nano')
const SPECS: GradeSpec[] = gradeSpecs.parse([
  {
    instrument: TEXT,
    version: 1,
    title: 'Text nano',
    provisional: true,
    caveat: '',
    level: 1,
    tokenizer: 'bytes4',
    itemMaxTokens: 48,
    limits: {
      intelligence: { floor: 0.7, target: 0.8 },
      families: {},
      ttftCeilingMs: 5_000,
      throughputFloorTokPerS: 10,
      contextTokens: 128,
      outputTokens: 32,
      errorRateCeiling: 0.05,
    },
  },
])

const exam = (state: ExamFacts['state'], extra: Partial<ExamFacts> = {}): ExamFacts => ({
  examId: 'exam_1',
  instrument: TEXT,
  state,
  validUntil: state === 'passed' ? NOW + 1 : null,
  limits: [
    { name: 'intelligence', n: 100, k: 83, floor: 0.7, low: 0.75, high: 0.89, state: 'passed' },
    {
      name: 'time to first token',
      n: 100,
      k: 99,
      floor: 0.95,
      low: 0.951,
      high: 0.998,
      state: state === 'not-reached' ? 'not-reached' : 'passed',
    },
  ],
  ...extra,
})
const listing = (state: 'listed' | 'paused' | 'waiting' | 'refused', reason = ''): HomeFacts['listing'] => ({
  instrument: TEXT,
  askNanoPerMtok: nanoPerMtok(420_000_000),
  state,
  reason,
})

/** A rig that sells and just has no job at this moment. */
const SELLING: HomeFacts = {
  now: NOW,
  realm: 'practice',
  currency: 'PCR',
  engine: { kind: 'loaded', model: 'Nano', detail: null },
  exchange: { kind: 'online', lastSeenAt: NOW - 4_000, detail: null },
  running: 0,
  models: 1,
  modelsComing: false,
  modelsLost: 0,
  deployment: { modelName: 'Nano', state: 'loaded', detail: null },
  exams: [exam('passed')],
  qualified: [TEXT],
  listing: listing('listed'),
  jobsLastHour: 38,
  demand: { jobsLastHour: 40, waiting: 0, cheaper: 0 },
  unbooked: null,
  feeBps: 500,
  specs: SPECS,
  power: { nanoPerMtok: nano(31_000_000), currency: 'USD', method: 'estimate' },
  jobs24h: { jobs: 99, failed: 1 },
  connectedShare24h: 0.9994,
  today: { since: NOW - 1, availableNano: nano(1), heldNano: nano(2), powerNano: nano(3), jobs: 4 },
  onboarding: { step: 'done', skipped: false, startedAt: 1, firstEarningAt: 2 },
}
const EMPTY: Partial<HomeFacts> = {
  engine: { kind: 'stopped', model: null, detail: null },
  models: 0,
  deployment: null,
  exams: [],
  qualified: [],
  listing: null,
  jobsLastHour: 0,
  demand: null,
  jobs24h: { jobs: 0, failed: 0 },
  connectedShare24h: null,
  power: { nanoPerMtok: null, currency: 'USD', method: 'estimate' },
}
const FRESH: HomeFacts['onboarding'] = { step: 'welcome', skipped: false, startedAt: null, firstEarningAt: null }
const unlisted: Partial<HomeFacts> = { listing: null, qualified: [], jobsLastHour: 0, demand: null }

const STATES: [string, Partial<HomeFacts>, string, string, string | null, string | null][] = [
  [
    'money that cannot be booked comes before all else',
    {
      unbooked: 'receipt 7: the claim is not the one we signed',
      engine: { kind: 'broken', model: null, detail: null },
    },
    'The exchange’s records cannot all be booked (receipt 7: the claim is not the one we signed).',
    'Check the books: they say what to do',
    'settings',
    'engine',
  ],
  ['no model', EMPTY, 'There is no model here yet, so there is nothing to sell.', 'Add a model', 'models', 'model'],
  [
    'no model, first run',
    { ...EMPTY, onboarding: FRESH },
    'There is no model here yet, so there is nothing to sell.',
    'Start the first run',
    'welcome',
    'model',
  ],
  [
    'first run under way',
    { ...EMPTY, models: 1, onboarding: { ...FRESH, step: 'model', startedAt: 5 } },
    'A model is here, but none is loaded, so nothing can be sold.',
    'Continue the first run',
    'welcome',
    'model',
  ],
  [
    'first run skipped',
    { ...EMPTY, models: 1, onboarding: { ...FRESH, skipped: true } },
    'A model is here, but none is loaded, so nothing can be sold.',
    'Load a model',
    'models',
    'model',
  ],
  ['first start', { ...EMPTY, modelsComing: true }, 'Reading the model that comes with Stoker.', '', null, 'model'],
  [
    'model file gone',
    { ...EMPTY, modelsLost: 1 },
    'The model file is gone or changed, so there is nothing to sell.',
    'Open models',
    'models',
    'model',
  ],
  [
    'loading',
    { ...unlisted, exams: [], deployment: { modelName: 'Nano', state: 'loading', detail: null } },
    'Loading Nano.',
    '',
    null,
    'grade',
  ],
  [
    'loading failed',
    { ...unlisted, exams: [], deployment: { modelName: 'Nano', state: 'failed', detail: 'Too little memory' } },
    'Nano could not be loaded: Too little memory.',
    'Open models',
    'models',
    'model',
  ],
  [
    'loaded, no exam',
    { ...unlisted, exams: [] },
    'Nano is loaded and has not taken an exam, so nothing can be sold yet.',
    'Take the exam',
    'exam',
    'grade',
  ],
  [
    'exam running',
    { ...unlisted, exams: [exam('running')] },
    'Taking the exam for practice/text-nano.',
    'Watch the exam',
    'exam',
    'ask',
  ],
  [
    'exam interrupted',
    { ...unlisted, exams: [exam('interrupted')] },
    'The exam for practice/text-nano was interrupted; what was done is kept.',
    'Go on with the exam',
    'exam',
    'grade',
  ],
  [
    'exam stopped',
    { ...unlisted, exams: [exam('cancelled')] },
    'The exam for practice/text-nano was stopped, so nothing can be listed yet.',
    'Take the exam',
    'exam',
    'grade',
  ],
  [
    'exam not reached',
    { ...unlisted, exams: [exam('not-reached')] },
    'practice/text-nano was not reached: time to first token is below its floor.',
    'See the exam',
    'exam',
    'grade',
  ],
  [
    'exam undecided',
    { ...unlisted, exams: [exam('undecided')] },
    'The exam for practice/text-nano ended undecided: too close to a floor to tell.',
    'See the exam',
    'exam',
    'grade',
  ],
  [
    'qualification ended',
    { ...unlisted, exams: [exam('passed')] },
    'The qualification for practice/text-nano has ended.',
    'Take the exam again',
    'exam',
    'grade',
  ],
  [
    'passed, not listed',
    { listing: null, jobsLastHour: 0, demand: null },
    'Qualified for practice/text-nano, but not listed: nobody can buy yet.',
    'Set an ask',
    'market',
    'ask',
  ],
  [
    'serving one',
    { running: 1 },
    'Serving practice/text-nano at 0.42 practice credits per million tokens. One job running.',
    'See what it has earned',
    'earnings',
    null,
  ],
  [
    'serving two',
    { running: 2 },
    'Serving practice/text-nano at 0.42 practice credits per million tokens. 2 jobs running.',
    'See what it has earned',
    'earnings',
    null,
  ],
  [
    'serving while an exam runs too',
    { running: 1, exams: [exam('running')] },
    'Serving practice/text-nano at 0.42 practice credits per million tokens. One job running.',
    'See what it has earned',
    'earnings',
    null,
  ],
  [
    'between jobs',
    {},
    'Listed: practice/text-nano at 0.42 practice credits per million tokens. Waiting for the next job; 38 jobs in the last hour.',
    'See what they earned',
    'earnings',
    null,
  ],
  [
    'listed, no demand',
    { jobsLastHour: 0, demand: { jobsLastHour: 0, waiting: 0, cheaper: 0 } },
    'Listed: practice/text-nano at 0.42 practice credits per million tokens. Nobody bought in the last hour.',
    'Look at the book',
    'market',
    'demand',
  ],
  [
    'listed, others are cheaper',
    { jobsLastHour: 0, demand: { jobsLastHour: 9, waiting: 0, cheaper: 1 } },
    'Listed: practice/text-nano at 0.42 practice credits per million tokens, but 1 cheaper seller gets the jobs.',
    'Review the ask',
    'market',
    'demand',
  ],
  [
    'waiting',
    { listing: listing('waiting', 'the model is loading'), jobsLastHour: 0 },
    'The ask for practice/text-nano at 0.42 practice credits per million tokens waits: the model is loading.',
    'See what it waits for',
    'market',
    null,
  ],
  [
    'refused',
    { listing: listing('refused', 'Not qualified.'), jobsLastHour: 0 },
    'The exchange refused practice/text-nano: Not qualified.',
    'Review the ask',
    'market',
    'ask',
  ],
  [
    'paused',
    { listing: listing('paused') },
    'Paused by you: practice/text-nano is not offered to buyers.',
    'Resume the listing',
    'market',
    'not-paused',
  ],
  [
    'engine broken',
    { engine: { kind: 'broken', model: null, detail: 'exit code 139' } },
    'The engine has stopped after repeated crashes and serves nothing. exit code 139.',
    'Start the engine again',
    'models',
    'engine',
  ],
  [
    'engine restarting',
    { engine: { kind: 'backoff', model: null, detail: null } },
    'The engine crashed and starts again; practice/text-nano stays listed.',
    '',
    null,
    'engine',
  ],
  [
    'exchange offline, listed',
    { exchange: { kind: 'offline', lastSeenAt: NOW - 300_000, detail: 'connection refused' } },
    'The exchange cannot be reached (connection refused), so no jobs come in.',
    'Nothing to do: Stoker keeps trying',
    null,
    'online',
  ],
  [
    'exchange offline, not listed',
    { ...unlisted, exchange: { kind: 'offline', lastSeenAt: null, detail: null } },
    'The exchange cannot be reached.',
    'Nothing to do: Stoker keeps trying',
    null,
    'online',
  ],
]

describe('home', () => {
  it.each(STATES)('%s', (_name, change, sentence, next, nextPage, firstFailing) => {
    const home = composeHome({ ...SELLING, ...change })
    expect({
      sentence: home.sentence,
      next: home.next,
      nextPage: home.nextPage,
      firstFailing: home.ladder.find(({ state }) => state === 'no')?.id ?? null,
    }).toEqual({
      sentence,
      next,
      nextPage,
      firstFailing,
    })
  })

  it.each(STATES)(
    '%s: is a valid answer, one fix at most, on the first failing rung, and no dollar sign for practice money',
    (_name, change) => {
      const home = composeHome({ ...SELLING, ...change })
      expect(homeSchema.safeParse(home).success).toBe(true)
      const failing = home.ladder.filter(({ state }) => state === 'no')
      expect(home.ladder.filter(({ fix }) => fix !== null)).toEqual(failing.slice(0, 1))
      expect(JSON.stringify(home)).not.toContain('$')
      expect(home.ladder.map(({ id }) => id).sort()).toEqual([
        'ask',
        'demand',
        'engine',
        'grade',
        'model',
        'not-paused',
        'online',
      ])
    },
  )

  it('writes a dollar sign for real money alone', () => {
    expect(composeHome({ ...SELLING, realm: 'real', currency: 'USD' }).sentence).toContain(
      'at $0.42 per million tokens',
    )
  })
})

describe('the three questions', () => {
  it('cost: ask, fee and electricity stand side by side and are not netted', () => {
    expect(composeHome(SELLING).cost).toEqual({
      powerNanoPerMtok: 31_000_000,
      method: 'estimate',
      askNanoPerMtok: 420_000_000,
      netNanoPerMtok: 399_000_000,
      powerCurrency: 'USD',
    })
    expect(composeHome({ ...SELLING, feeBps: null }).cost.netNanoPerMtok).toBeNull()
    expect(composeHome({ ...SELLING, ...EMPTY }).cost).toMatchObject({
      powerNanoPerMtok: null,
      askNanoPerMtok: null,
      netNanoPerMtok: null,
    })
  })

  it('quality: the share with its interval, and what limits a pass', () => {
    expect(composeHome(SELLING).quality).toEqual({
      instrument: TEXT,
      share: 0.83,
      low: 0.75,
      high: 0.89,
      floor: 0.7,
      verdict: 'passed',
      limitedBy: 'time to first token',
      validUntil: NOW + 1,
    })
    expect(composeHome({ ...SELLING, exams: [exam('running', { limits: [] })] }).quality).toMatchObject({
      verdict: 'none',
      share: null,
      limitedBy: null,
    })
    expect(composeHome({ ...SELLING, exams: [] }).quality.verdict).toBe('none')
  })

  it('quality: of what is listed, else of what is qualified, though another grade was sat since (a nano seller shown the micro exam it failed)', () => {
    const other = brandId<Instrument>('practice/text-micro')
    const failed = exam('not-reached', { instrument: other, examId: 'exam_2' })
    const again = exam('running', { limits: [] })
    expect(composeHome({ ...SELLING, exams: [failed, exam('passed')] }).quality).toMatchObject({
      instrument: TEXT,
      verdict: 'passed',
    })
    expect(composeHome({ ...SELLING, exams: [again, failed, exam('passed')] }).quality).toMatchObject({
      instrument: TEXT,
      verdict: 'passed',
    })
    expect(composeHome({ ...SELLING, listing: null, exams: [failed, exam('passed')] }).quality).toMatchObject({
      instrument: TEXT,
      verdict: 'passed',
    })
    expect(
      composeHome({ ...SELLING, listing: null, qualified: [], exams: [failed, exam('passed')] }).quality,
    ).toMatchObject({ instrument: other, verdict: 'not-reached' })
  })

  it('reliability: no rate without jobs, provisional below 300', () => {
    expect(composeHome(SELLING).reliability).toEqual({
      jobs24h: 99,
      failed24h: 1,
      errorRate: 0.01,
      errorCeiling: 0.05,
      provisional: true,
      connectedShare24h: 0.9994,
    })
    expect(composeHome({ ...SELLING, ...EMPTY, specs: [] }).reliability).toMatchObject({
      errorRate: null,
      errorCeiling: null,
      provisional: true,
    })
    expect(
      composeHome({
        ...SELLING,
        jobs24h: { jobs: 400, failed: 0 },
        specs: SPECS.map((spec) => ({ ...spec, provisional: false })),
      }).reliability.provisional,
    ).toBe(false)
  })
})
