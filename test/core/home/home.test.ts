import { because, said } from '#contract/reasons.ts'
import { describe, expect, it } from 'vitest'

import { home as homeSchema } from '#contract/app.ts'
import { DAY_MS } from '#contract/time.ts'
import { unitOf } from '#contract/units.ts'
import type { HomeFacts } from '#core/home/home-facts.ts'
import { composeHome } from '#core/home/home.ts'

import { inEnglish } from '#test/support/in-english.ts'

import { EMPTY, exam, FRESH, listing, NOW, SELLING, unlisted } from './home-rig.ts'

/** As English writes a date, in this machine's zone. */
const SILENT = because('breaker.silentEngine', { model: 'Nano', seconds: 3 })
const NOT_WRITABLE = because('breaker.booksNotWritable', { trouble: because('disk.full', { path: '/p.db' }) })
const date = (at: number): string => new Intl.DateTimeFormat('en', { dateStyle: 'medium' }).format(at)
const SIXTH = date(NOW + 6 * DAY_MS)
const TODAY = date(NOW - 1)

const STATES: [string, Partial<HomeFacts>, string, string, string | null, string | null][] = [
  [
    'money that cannot be booked comes before all else',
    {
      unbooked: 'receipt 7: the claim is not the one we signed',
      engine: { kind: 'broken', model: null, models: 0, detail: null },
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
    { ...unlisted, exams: [], deployment: { modelName: 'Nano', state: 'failed', detail: said('Too little memory') } },
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
    'paused by a restore',
    {
      listing: {
        ...listing('paused')!,
        reason: because('listing.restored', { madeAt: NOW }),
      },
    },
    `Paused: practice/text-nano is not offered to buyers; put back from the copy of ${date(NOW)}, with the ask of that day; resume it if you still want it so.`,
    'Resume the listing',
    'market',
    'not-paused',
  ],
  [
    'paused',
    { listing: { ...listing('paused')!, reason: because('listing.pausedByYou') } },
    'Paused by you: practice/text-nano is not offered to buyers.',
    'Resume the listing',
    'market',
    'not-paused',
  ],
  [
    'qualification ends within a week, and nothing changes yet but what is said',
    { listing: { ...listing('listed')!, qualifiedUntil: NOW + 6 * DAY_MS } },
    `Listed: practice/text-nano at 0.42 practice credits per million tokens. Its qualification ends on ${SIXTH}; without a new exam it is offered no more then.`,
    'Take the exam again',
    'exam',
    null,
  ],
  [
    'qualification ends within a week, while it serves',
    { running: 1, listing: { ...listing('listed')!, qualifiedUntil: NOW + 6 * DAY_MS } },
    'Serving practice/text-nano at 0.42 practice credits per million tokens. One job running.',
    'Take the exam again',
    'exam',
    null,
  ],
  [
    'qualification ended, and the exchange took the offer back',
    { listing: { ...listing('refused', 'ended')!, qualifiedUntil: NOW - 1 }, qualified: [] },
    `The qualification for practice/text-nano ended on ${TODAY}, so it is not offered to buyers.`,
    'Take the exam again',
    'exam',
    'grade',
  ],
  [
    'qualification ended by this clock, and the exchange still offers it: its word counts',
    { listing: { ...listing('listed')!, qualifiedUntil: NOW - 1 } },
    `Listed: practice/text-nano at 0.42 practice credits per million tokens. Its qualification ends on ${TODAY}; without a new exam it is offered no more then.`,
    'Take the exam again',
    'exam',
    null,
  ],
  [
    'stopped by Stoker',
    { listing: { ...listing('waiting')!, reason: SILENT, stopped: SILENT } },
    'Stoker stopped selling practice/text-nano: the engine of Nano has said nothing for 3 s; it is tried with a short answer before it is offered again.',
    'Read why, and what starts it again',
    'market',
    'not-paused',
  ],
  [
    'stopped by Stoker, and its qualification ended meanwhile',
    {
      engine: { kind: 'silent', model: 'Nano', models: 1, detail: because('engine.saysNothing', { seconds: 9 }) },
      listing: {
        ...listing('waiting')!,
        qualifiedUntil: NOW - 1,
        stopped: because('breaker.fileMissing', { path: '/m.gguf' }),
        reason: because('reasons.both', {
          first: because('breaker.fileMissing', { path: '/m.gguf' }),
          rest: because('listing.qualificationOver', { until: NOW - 1 }),
        }),
      },
    },
    'Stoker stopped selling practice/text-nano: the model’s file is gone: /m.gguf; it is offered again when the file is back.',
    'Read why, and what starts it again',
    'market',
    'engine',
  ],
  [
    'books that cannot be written, and money that therefore cannot be booked: the cause first',
    {
      unbooked: 'receipt 7: attempt to write a readonly database',
      listing: {
        ...listing('waiting')!,
        reason: NOT_WRITABLE,
        stopped: NOT_WRITABLE,
      },
      stopped: NOT_WRITABLE,
    },
    'Stoker stopped selling practice/text-nano: nothing could be booked, so no job could be paid: the disk that holds /p.db is full: free some space on it; it is offered again when a write comes through.',
    'Read why, and what starts it again',
    'market',
    'not-paused',
  ],
  [
    'books that cannot be written, with nothing listed, and money that cannot be booked: the cause all the same',
    { unbooked: 'receipt 7: attempt to write a readonly database', listing: null, stopped: NOT_WRITABLE },
    'Nothing is sold now: nothing could be booked, so no job could be paid: the disk that holds /p.db is full: free some space on it; it is offered again when a write comes through.',
    '',
    null,
    'ask',
  ],
  [
    'engine broken',
    { engine: { kind: 'broken', model: null, models: 0, detail: said('exit code 139') } },
    'The engine has stopped after repeated crashes and serves nothing. exit code 139.',
    'Start the engine again',
    'models',
    'engine',
  ],
  [
    'engine restarting',
    { engine: { kind: 'backoff', model: null, models: 0, detail: null } },
    'The engine crashed and starts again; practice/text-nano stays listed.',
    '',
    null,
    'engine',
  ],
  [
    'exchange offline, listed',
    { exchange: { kind: 'offline', lastSeenAt: NOW - 300_000, detail: said('connection refused'), cause: 'network' } },
    'The exchange cannot be reached (connection refused), so no jobs come in.',
    'Nothing to do: Stoker keeps trying',
    null,
    'online',
  ],
  [
    'exchange offline, as another start has our key: the owner’s to end, in whatever words the venue says it',
    { exchange: { kind: 'offline', lastSeenAt: NOW, detail: said('your key is elsewhere'), cause: 'credential' } },
    'The exchange cannot be reached (your key is elsewhere), so no jobs come in.',
    'If this is the rig that is to sell: npm run -s stoker -- venue take-over',
    null,
    'online',
  ],
  [
    'exchange offline, not listed',
    { ...unlisted, exchange: { kind: 'offline', lastSeenAt: null, detail: null, cause: 'network' } },
    'The exchange cannot be reached.',
    'Nothing to do: Stoker keeps trying',
    null,
    'online',
  ],
]

describe('home', () => {
  it.each(STATES)('%s', (_name, change, sentence, next, nextPage, firstFailing) => {
    const home = inEnglish(composeHome({ ...SELLING, ...change }))
    expect({
      sentence: home.sentence,
      next: home.next ?? '',
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
      expect(JSON.stringify(inEnglish(home))).not.toContain('$')
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
    expect(inEnglish(composeHome({ ...SELLING, realm: 'real', unit: unitOf('USD') }).sentence)).toContain(
      'at $0.42 per million tokens',
    )
  })
})
