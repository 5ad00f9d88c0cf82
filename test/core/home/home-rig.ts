/** Facts of rigs in different states, for the tests of Home. */
import { said } from '#contract/reasons.ts'
import { gradeSpecs, type GradeSpec } from '#contract/grades.ts'
import { brandId, type Instrument } from '#contract/ids.ts'
import { nano, nanoPerMtok, onePrice } from '#contract/money.ts'
import { unitOf } from '#contract/units.ts'
import type { ExamFacts } from '#core/core-context.ts'
import type { HomeFacts } from '#core/home/home-facts.ts'
import { VENUE } from '#test/support/venue.ts'

export const NOW = Date.UTC(2026, 10, 21, 12)
export const TEXT = brandId<Instrument>('practice/text-nano')
export const SPECS: GradeSpec[] = gradeSpecs.parse([
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

export const exam = (state: ExamFacts['state'], extra: Partial<ExamFacts> = {}): ExamFacts => ({
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
export const listing = (state: 'listed' | 'paused' | 'waiting' | 'refused', reason = ''): HomeFacts['listing'] => ({
  instrument: TEXT,
  ask: onePrice(nanoPerMtok(420_000_000)),
  state,
  reason: said(reason),
  stopped: null,
  qualifiedUntil: null,
})

/** A rig that sells and just has no job at this moment. */
export const SELLING: HomeFacts = {
  now: NOW,
  venueId: VENUE,
  realm: 'practice',
  unit: unitOf('PCR'),
  engine: { kind: 'loaded', model: 'Nano', models: 1, detail: null },
  exchange: { kind: 'online', lastSeenAt: NOW - 4_000, detail: null, cause: null },
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
  today: { since: NOW - 1, zone: 'UTC', availableNano: nano(1), heldNano: nano(2), powerNano: nano(3), jobs: 4 },
  onboarding: { step: 'done', skipped: false, startedAt: 1, firstEarningAt: 2 },
}
export const EMPTY: Partial<HomeFacts> = {
  engine: { kind: 'stopped', model: null, models: 0, detail: null },
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
export const FRESH: HomeFacts['onboarding'] = { step: 'welcome', skipped: false, startedAt: null, firstEarningAt: null }
export const unlisted: Partial<HomeFacts> = { listing: null, qualified: [], jobsLastHour: 0, demand: null }
