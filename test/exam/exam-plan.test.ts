/** Which call comes next, to the last one of every bound. */
import { describe, expect, it } from 'vitest'

import { FAMILIES } from '#exam/generate-items.ts'
import { EXTRA_MAX, LOAD_CALLS_MAX, ExamPlan, ROUNDS_MAX, type PlanStep } from '#exam/exam-plan.ts'
import { familyLimit, LIMIT, type Tally } from '#exam/tally.ts'
import type { LimitState } from '#exam/verdict.ts'

/** Limits stand as the test says; one that it does not name is passed. */
const fakeTally = (...undecided: string[]): Tally & { states: Map<string, LimitState> } => {
  const states = new Map<string, LimitState>(undecided.map((name) => [name, 'undecided']))
  return { states, state: (name: string) => states.get(name) ?? 'passed' } as unknown as Tally & {
    states: Map<string, LimitState>
  }
}
const steps = (plan: ExamPlan, tally: Tally, count: number): PlanStep[] =>
  Array.from({ length: count }, () => plan.step(tally))
const shown = (step: PlanStep): string => {
  if (step.kind !== 'call') return step.kind
  const { place } = step
  return place.phase === 'items' ? `${place.family} ${place.index}` : `${place.phase} ${place.index}`
}
const itemsOf = (index: number): string[] => FAMILIES.map((family) => `${family} ${index}`)
const inPhase = (phase: 'single' | 'slots', slots: number): ExamPlan => {
  const plan = new ExamPlan(slots)
  plan.nextPhase()
  if (phase === 'slots') plan.nextPhase()
  return plan
}

describe('calls at once', () => {
  it.each([
    ['items', new ExamPlan(3), 1],
    ['single', inPhase('single', 3), 1],
    ['slots', inPhase('slots', 3), 3],
  ])('in the phase %s wait for those in flight', (phase, plan, most) => {
    expect(plan.phase).toBe(phase)
    expect([plan.mustWait(most - 1), plan.mustWait(most), plan.mustWait(most + 1)]).toEqual([false, true, true])
  })
})

describe('rounds of questions', () => {
  it('ask every family once, while the level is undecided', () => {
    expect(steps(new ExamPlan(1), fakeTally(LIMIT.intelligence), 17).map(shown)).toEqual([
      ...itemsOf(0),
      ...itemsOf(1),
      'arith 2',
    ])
  })

  it('are finished when the level is decided inside one', () => {
    const tally = fakeTally(LIMIT.intelligence)
    const plan = new ExamPlan(1)
    const asked = steps(plan, tally, 9).map(shown)
    tally.states.set(LIMIT.intelligence, 'passed')
    asked.push(...steps(plan, tally, 8).map(shown))
    expect(asked).toEqual([...itemsOf(0), ...itemsOf(1), 'next-phase'])
  })

  it('end undecided after fifty', () => {
    const tally = fakeTally(LIMIT.intelligence)
    const plan = new ExamPlan(1)
    const asked = steps(plan, tally, ROUNDS_MAX * FAMILIES.length + 2).map(shown)
    expect(asked.slice(-10)).toEqual([...itemsOf(ROUNDS_MAX - 1), 'exhausted', 'exhausted'])
  })
})

describe('extra questions of a family', () => {
  it('come after the level, one family after the other, and end undecided after their number', () => {
    const tally = fakeTally(familyLimit('recall'), familyLimit('tools'))
    const plan = new ExamPlan(1)
    expect(steps(plan, tally, EXTRA_MAX - 1).map(shown)).toEqual(
      Array.from({ length: EXTRA_MAX - 1 }, (_, at) => `recall ${ROUNDS_MAX + at}`),
    )
    tally.states.set(familyLimit('recall'), 'passed')
    expect(steps(plan, tally, EXTRA_MAX + 1).map(shown)).toEqual([
      ...Array.from({ length: EXTRA_MAX }, (_, at) => `tools ${ROUNDS_MAX + at}`),
      'exhausted',
    ])
    tally.states.set(familyLimit('tools'), 'passed')
    expect(shown(plan.step(tally))).toBe('next-phase')
  })

  it('are outside the rounds: they close none', () => {
    const places = [
      { family: 'arith', index: 0 },
      { family: 'trace', index: 0 },
      { family: 'trace', index: ROUNDS_MAX - 1 },
      { family: 'trace', index: ROUNDS_MAX },
      { family: 'arith', index: ROUNDS_MAX + 3 },
    ]
    expect(places.map((place) => ExamPlan.endsRound(place))).toEqual([false, true, true, null, null])
  })
})

describe('load calls', () => {
  it.each<[phase: 'single' | 'slots', slots: number, needed: string[], after: string]>([
    ['single', 2, [LIMIT.single], 'next-phase'],
    ['single', 1, [LIMIT.single, LIMIT.ttft, LIMIT.full], 'exhausted'],
    ['slots', 2, [LIMIT.slots, LIMIT.ttft, LIMIT.full], 'exhausted'],
  ])('in the phase %s of %i slots go on until %j are decided', (phase, slots, needed, after) => {
    const all = [LIMIT.single, LIMIT.slots, LIMIT.ttft, LIMIT.full]
    const plan = inPhase(phase, slots)
    needed.forEach((name, at) => expect(shown(plan.step(fakeTally(name)))).toBe(`${phase} ${at}`))
    expect(shown(plan.step(fakeTally(...all.filter((name) => !needed.includes(name)))))).toBe(after)
  })

  it('end undecided after 500 of a phase', () => {
    const tally = fakeTally(LIMIT.single)
    const asked = steps(inPhase('single', 2), tally, LOAD_CALLS_MAX + 1).map(shown)
    expect(asked).toEqual([...Array.from({ length: LOAD_CALLS_MAX }, (_, at) => `single ${at}`), 'exhausted'])
  })
})

describe('the most calls that may still come', () => {
  const open = (): Tally =>
    fakeTally(LIMIT.intelligence, familyLimit('tools'), familyLimit('recall'), LIMIT.single, LIMIT.slots)

  it.each([
    ['one slot', 1, 400 + 240 + 500],
    ['more', 4, 400 + 240 + 1_000],
  ])('counts rounds, extras of open families and both phases of load, at the start with %s', (_, slots, most) => {
    const plan = new ExamPlan(slots)
    expect(plan.remaining(open())).toBe(most)
    steps(plan, open(), 3)
    expect(plan.remaining(open())).toBe(most - 3)
  })

  it('forgets the rounds with the level, a family with its floor, and counts its extras down', () => {
    const plan = new ExamPlan(1)
    const tally = fakeTally(familyLimit('recall'), familyLimit('tools'))
    expect(plan.remaining(tally)).toBe(240 + 500)
    steps(plan, tally, 5)
    expect(plan.remaining(tally)).toBe(235 + 500)
    expect(plan.remaining(fakeTally(familyLimit('tools')))).toBe(120 + 500)
    expect(plan.remaining(fakeTally())).toBe(500)
  })

  it('counts the calls of a phase down, and keeps the second phase whole', () => {
    const [one, two] = [inPhase('single', 1), inPhase('single', 4)]
    for (const plan of [one, two]) steps(plan, open(), 3)
    expect([one.remaining(open()), two.remaining(open())]).toEqual([497, 997])
    two.nextPhase()
    expect(two.phase).toBe('slots')
    steps(two, open(), 10)
    expect(two.remaining(open())).toBe(490)
  })
})
