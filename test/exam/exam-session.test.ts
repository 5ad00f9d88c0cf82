import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { inputTokens } from '#contract/bytes4.ts'
import { inferenceRequest } from '#contract/inference.ts'
import { loadGradeSpecs } from '#exam/grade-specs.ts'
import { createExamSession } from '#exam/exam-session.ts'
import type { ExamCall, ExamSession, ExamSessionOptions, RecordedItem } from '#exam/exam-types.ts'

import { FakeModel } from './fake-model.ts'

const [nano, micro] = loadGradeSpecs() as [ExamSessionOptions['spec'], ExamSessionOptions['spec']]
const SEED = 'session-test'
const CALLS_MAX = 5_000

/** Runs an attempt; `pick` chooses which call in flight answers next. */
function sit(
  session: ExamSession,
  model: FakeModel,
  pick: (inFlight: number) => number = () => 0,
  stopAfter = CALLS_MAX,
): { asked: string[]; recorded: RecordedItem[]; most: number } {
  const asked: string[] = []
  const recorded: RecordedItem[] = []
  const inFlight: ExamCall[] = []
  let most = 0
  for (let at = 0; at < stopAfter; at += 1) {
    const calls = session.next()
    asked.push(...calls.map((call) => call.callId))
    inFlight.push(...calls)
    most = Math.max(most, inFlight.length)
    if (session.state().verdict !== null || inFlight.length === 0) break
    const [call] = inFlight.splice(pick(inFlight.length) % inFlight.length, 1)
    recorded.push(session.record(model.answer(call!)))
  }
  return { asked, recorded, most }
}

const stateOf = (session: ExamSession) => ({ ...session.state(), counted: session.counted() })

describe('exam session', () => {
  it('passes a perfect model after three rounds and 97 load calls, used for both throughput limits with one slot', () => {
    const session = createExamSession({ spec: nano, seed: SEED, slots: 1 })
    const { asked } = sit(session, new FakeModel(nano, SEED))
    const state = session.state()
    expect(state.verdict).toBe('passed')
    expect(asked.filter((id) => !id.startsWith('load'))).toHaveLength(24)
    expect(asked.filter((id) => id.startsWith('load-single'))).toHaveLength(97)
    expect(asked.filter((id) => id.startsWith('load-slots'))).toHaveLength(0)
    expect(state.done).toBe(asked.length)
    expect(state.atMost).toBe(state.done)
    const limits = new Map(state.limits.map((limit) => [limit.name, limit]))
    expect([...limits.keys()]).toEqual([
      'intelligence',
      'time to first token',
      'throughput single',
      'throughput at slots',
      'context and output',
    ])
    expect(limits.get('throughput at slots')).toMatchObject({ n: 97, k: 97, state: 'passed' })
  })

  it('asks one item of every family per round and one call at a time, then slots calls at a time (catches a wrong concurrency)', () => {
    const session = createExamSession({ spec: nano, seed: SEED, slots: 4 })
    const { asked, most } = sit(session, new FakeModel(nano, SEED))
    expect(asked.slice(0, 9)).toEqual([
      'arith/1/0',
      'order/1/0',
      'recall/1/0',
      'extract/1/0',
      'follow/1/0',
      'logic/1/0',
      'tools/1/0',
      'trace/1/0',
      'arith/1/1',
    ])
    expect(most).toBe(4)
    expect(asked.filter((id) => id.startsWith('load-slots')).length).toBeGreaterThanOrEqual(97)
  })

  it('counts in the order of the plan: any order of arrival gives the same state (catches verdicts by arrival)', () => {
    const model = new FakeModel(nano, SEED, { slowShare: 0.02 })
    const straight = createExamSession({ spec: nano, seed: SEED, slots: 8 })
    sit(straight, model)
    fc.assert(
      fc.property(fc.array(fc.nat(7), { minLength: 40, maxLength: 40 }), (picks) => {
        const session = createExamSession({ spec: nano, seed: SEED, slots: 8 })
        let at = 0
        sit(session, model, () => picks[(at += 1) % picks.length]!)
        expect(stateOf(session)).toEqual(stateOf(straight))
      }),
      { numRuns: 15 },
    )
  })

  it('resumes anywhere without asking a finished call again, and ends the same (catches lost or repeated items)', () => {
    const model = new FakeModel(micro, SEED, { rightShare: 0.8, slowShare: 0.01 })
    const whole = createExamSession({ spec: micro, seed: SEED, slots: 4 })
    const all = sit(whole, model)
    fc.assert(
      fc.property(fc.integer({ min: 0, max: all.recorded.length - 1 }), fc.nat(3), (stopAfter, lag) => {
        const first = createExamSession({ spec: micro, seed: SEED, slots: 4 })
        const { recorded } = sit(first, model, (inFlight) => Math.min(lag, inFlight - 1), stopAfter)
        const second = createExamSession({ spec: micro, seed: SEED, slots: 4, resumeFrom: [...recorded].reverse() })
        expect(second.state().done).toBe(first.state().done)
        const rest = sit(second, model)
        expect(rest.asked.filter((id) => recorded.some((item) => item.itemId === id))).toEqual([])
        expect(stateOf(second)).toEqual(stateOf(whole))
      }),
      { numRuns: 15 },
    )
  })

  it('stops as soon as one limit is not reached, before any load call (catches an exam that goes on in vain)', () => {
    const session = createExamSession({ spec: nano, seed: SEED, slots: 1 })
    const { asked } = sit(session, new FakeModel(nano, SEED, { rightShare: 0 }))
    expect(session.state().verdict).toBe('not-reached')
    expect(asked.length).toBeLessThanOrEqual(16)
    expect(session.next()).toEqual([])
  })

  it('stops at a family floor that is not reached while the level may pass (catches an ignored family floor)', () => {
    const session = createExamSession({ spec: micro, seed: SEED, slots: 1 })
    sit(session, new FakeModel(micro, SEED, { wrongFamilies: ['tools'] }))
    const state = session.state()
    expect(state.verdict).toBe('not-reached')
    expect(state.limits.find((limit) => limit.name === 'family tools')).toMatchObject({ state: 'not-reached', k: 0 })
  })

  it('asks extra items of an undecided family floor, outside the level count and never the same item (catches double counting)', () => {
    const session = createExamSession({ spec: micro, seed: SEED, slots: 1 })
    const { asked } = sit(session, new FakeModel(micro, SEED))
    const extras = asked.filter((id) => id.startsWith('tools/2/') && Number(id.split('/')[2]) >= 50)
    expect(session.state().verdict).toBe('passed')
    expect(extras.length).toBeGreaterThan(0)
    expect(new Set(asked).size).toBe(asked.length)
    const limits = session.state().limits
    expect(limits[0]!.n % 8).toBe(0)
    expect(limits[1]!.n).toBe(extras.length + limits[0]!.n / 8)
  })

  it('ends undecided at 50 rounds (catches an exam without a bound)', () => {
    // 300 of 400 right, spread evenly: between floor 0.7 and target 0.8, where the statistic goes nowhere.
    const session = createExamSession({ spec: nano, seed: SEED, slots: 1 })
    const { asked } = sit(session, new FakeModel(nano, SEED, { wrongFamilies: ['arith', 'order'] }))
    expect(session.state()).toMatchObject({ verdict: 'undecided', done: 400, atMost: 400 })
    expect(asked).toHaveLength(400)
  })

  it('ends undecided at 500 load calls of a phase, with several in flight (catches a hang at the bound)', () => {
    const session = createExamSession({ spec: nano, seed: SEED, slots: 8 })
    const { asked } = sit(session, new FakeModel(nano, SEED, { slowSlotsEvery: 28 }), (inFlight) => inFlight - 1)
    expect(session.state().verdict).toBe('undecided')
    expect(asked.filter((id) => id.startsWith('load-slots'))).toHaveLength(500)
  })

  it.each([
    ['slow', { slowShare: 1 }, 'throughput single'],
    ['late', { lateShare: 1 }, 'time to first token'],
    ['short', { shortShare: 1 }, 'context and output'],
    ['failing', { failShare: 1 }, 'time to first token'],
  ] as const)('turns away a %s deployment by the right limit', (_, faults, name) => {
    const session = createExamSession({ spec: nano, seed: SEED, slots: 2 })
    sit(session, new FakeModel(nano, SEED, faults))
    expect(session.state().verdict).toBe('not-reached')
    expect(
      session
        .state()
        .limits.filter((limit) => limit.state === 'not-reached')
        .map((limit) => limit.name),
    ).toContain(name)
  })

  it('carries counts over from an earlier attempt, so that trying again cannot outvote what was measured', () => {
    const fresh = createExamSession({ spec: nano, seed: SEED, slots: 1 })
    const carried = createExamSession({ spec: nano, seed: SEED, slots: 1, carried: { intelligence: { n: 80, k: 58 } } })
    const rounds = (session: ExamSession) =>
      sit(session, new FakeModel(nano, SEED)).asked.filter((id) => !id.startsWith('load')).length
    expect(rounds(fresh)).toBeLessThan(rounds(carried))
  })

  it('judges a call once and refuses one it never sent', () => {
    const session = createExamSession({ spec: nano, seed: SEED, slots: 1 })
    const model = new FakeModel(nano, SEED)
    const [call] = session.next()
    const first = session.record(model.answer(call!))
    expect(session.record({ ...model.answer(call!), reply: 'wrong' })).toEqual(first)
    expect(session.state().done).toBe(1)
    expect(() => session.record({ ...model.answer(call!), callId: 'arith/1/49' })).toThrow(/never sent/)
  })

  it('sends requests the protocol accepts, of exactly the grade size (catches load prompts that do not fill the context)', () => {
    const session = createExamSession({ spec: nano, seed: SEED, slots: 2 })
    const model = new FakeModel(nano, SEED)
    const prompts = new Set<string>()
    const loadSizes = new Set<number>()
    for (let at = 0; at < CALLS_MAX && session.state().verdict === null; at += 1) {
      for (const call of session.next()) {
        expect(inferenceRequest.parse(call.request)).toEqual(call.request)
        prompts.add(call.request.messages[0]!.content)
        expect(call.request).toMatchObject(
          call.phase === 'items' ? { maxTokens: 48, ignoreEos: false } : { maxTokens: 32, ignoreEos: true },
        )
        loadSizes.add(call.phase === 'items' ? 96 : inputTokens(call.request.messages))
        session.record(model.answer(call))
      }
    }
    expect(prompts.size).toBeGreaterThan(194)
    expect([...loadSizes]).toEqual([96])
  })

  it('keeps its promises whatever the model does: bounded, done never above atMost, atMost never rises', () => {
    const share = fc.constantFrom(0, 0.02, 0.3, 1)
    fc.assert(
      fc.property(
        fc.constantFrom(nano, micro),
        fc.integer({ min: 1, max: 5 }),
        fc.record({ rightShare: fc.constantFrom(0.5, 0.75, 0.9, 1), slowShare: share, failShare: share }),
        fc.stringMatching(/^[a-z]{1,8}$/),
        (spec, slots, faults, seed) => {
          const session = createExamSession({ spec, seed, slots })
          const model = new FakeModel(spec, seed, faults)
          let bound = session.state().atMost
          for (let at = 0; at < CALLS_MAX && session.state().verdict === null; at += 1) {
            const calls = session.next()
            expect(calls.length).toBeLessThanOrEqual(slots)
            for (const call of calls) session.record(model.answer(call))
            const state = session.state()
            expect(state.done).toBeLessThanOrEqual(state.atMost)
            expect(state.atMost).toBeLessThanOrEqual(bound)
            bound = state.atMost
          }
          expect(session.state().verdict).not.toBeNull()
        },
      ),
      { numRuns: 12 },
    )
  })

  it.each([0, 1.5, 2_000, Number.NaN])('refuses %s slots', (slots) => {
    expect(() => createExamSession({ spec: nano, seed: SEED, slots })).toThrow(RangeError)
  })
})
