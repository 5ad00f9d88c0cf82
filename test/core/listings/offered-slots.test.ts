/** Which measurements and which exam a listing's slots follow. */
import { inEnglish } from '#test/support/in-english.ts'
import { describe, expect, it } from 'vitest'

import { nanoPerMtok, onePrice } from '#contract/money.ts'
import type { GradeSpec } from '#contract/grades.ts'
import type { MeasuredServing } from '#core/jobs/index.ts'
import type { ListingRow } from '#core/listings/listings.store.ts'
import { OfferedSlots, type OfferedSlotsDeps, type Pass } from '#core/listings/offered-slots.ts'

import { FakeClock } from '../../support/fake-clock.ts'
import { FAKE_SPEC, NANO_INSTRUMENT } from '../../support/fake-exchange.ts'

const ROW: ListingRow = {
  instrument: NANO_INSTRUMENT,
  deploymentId: 'dep_1',
  ask: onePrice(nanoPerMtok(5)),
  slots: 7,
  paused: false,
  pausedWhy: null,
  since: 0,
}
const SPEC: GradeSpec = { ...FAKE_SPEC, version: 3 }
const SHA = 'a'.repeat(64)
const pass = (change: Record<string, unknown> = {}): Pass =>
  ({
    instrument: NANO_INSTRUMENT,
    deploymentId: 'dep_1',
    sha256: SHA,
    examId: 'exam_1',
    specVersion: 3,
    validUntil: 9e12,
    slots: 2,
    ...change,
  }) as unknown as Pass
const measured = (...perStream: number[]): MeasuredServing => ({
  speed: { promptTokensPerSecond: null, perStream },
  outputRatio: 1,
  promptTokens: null,
  generatedTokens: null,
  window: [],
})
const late = { at: 1, ttftMs: 60_000, tokPerS: 50 }

/** A deployment of four slots in memory; every stored one has five. */
function setup({ passes = [], speed = null }: { passes?: Pass[]; speed?: MeasuredServing | null } = {}) {
  const clock = new FakeClock()
  const state = { loaded: true, slots: 4, known: true, speed, asked: [] as [string, number][] }
  const parts = {
    clock,
    deployments: {
      find: () => (state.known ? { settings: { slots: 5 } } : null),
      loaded: () => (state.loaded ? { sha256: SHA, model: { slots: state.slots } } : null),
    },
    passes: () => passes,
    serving: () => ({
      measured: (deploymentId: string, since: number) => {
        state.asked.push([deploymentId, since])
        return state.speed
      },
    }),
  } as unknown as OfferedSlotsDeps
  return { clock, state, slots: new OfferedSlots(parts) }
}

describe('the slots of a listing', () => {
  it('change once: the same figures again are no change', () => {
    const { slots } = setup()
    expect([slots.follow(ROW, SPEC), slots.follow(ROW, SPEC)]).toEqual([true, false])
    expect(slots.of(ROW)).toMatchObject({ slots: 4, why: null })
  })

  it('change with their reason too, though the number stays', () => {
    const { slots, state } = setup()
    state.slots = 1
    slots.follow(ROW, SPEC)
    state.speed = measured(9)
    expect([slots.follow(ROW, SPEC), slots.follow(ROW, SPEC)]).toEqual([true, false])
    expect(inEnglish(slots.of(ROW))).toMatchObject({
      slots: 1,
      why: '1 of 1: even alone each stream gets 9 tokens/s and the grade asks 10',
    })
  })

  it('do not follow a deployment that is not in memory: all it has, or had, are offered', () => {
    const { slots, state } = setup()
    state.loaded = false
    expect([slots.follow(ROW, SPEC), slots.of(ROW)]).toEqual([false, { slots: 5, why: null }])
    state.known = false
    expect(slots.of(ROW)).toEqual({ slots: 7, why: null })
  })

  it.each([
    ['of this grade and this model', {}, 2],
    ['of another grade', { instrument: 'practice/text-micro' }, 4],
    ['of another model', { sha256: 'b'.repeat(64) }, 4],
    ['of an older version of the grade', { specVersion: 2 }, 4],
  ])('are bound by the exam %s', (_name, change, expected) => {
    const { slots } = setup({ passes: [pass(change)] })
    slots.follow(ROW, SPEC)
    expect(slots.of(ROW).slots).toBe(expected)
  })

  it('are bound by the first pass that fits, and by none whose exam measured nothing at once', () => {
    const { slots } = setup({ passes: [pass({ specVersion: 2, slots: 1 }), pass({ slots: null })] })
    slots.follow(ROW, SPEC)
    expect(slots.of(ROW).slots).toBe(4)
  })

  it('begin anew with another deployment, and wait half a minute for the next change with the same', async () => {
    const { slots, state, clock } = setup()
    slots.follow(ROW, SPEC)
    state.speed = measured(40, 20, 9, 7)
    await clock.advance(10_000)
    slots.follow(ROW, SPEC)
    expect(slots.of(ROW).slots).toBe(4)
    const other = { ...ROW, deploymentId: 'dep_2' }
    expect(slots.of(other)).toEqual({ slots: 4, why: null })
    expect(slots.follow(other, SPEC)).toBe(true)
    expect(slots.of(other).slots).toBe(2)
  })

  it('judge the jobs of their own deployment since they were judged last', async () => {
    const { slots, state, clock } = setup()
    await clock.advance(1_000)
    slots.follow(ROW, SPEC)
    state.speed = { ...measured(), window: Array.from({ length: 20 }, () => late) }
    await clock.advance(1_000)
    slots.follow(ROW, SPEC)
    expect(slots.of(ROW).slots).toBe(3)
    slots.follow(ROW, SPEC)
    expect(state.asked).toEqual([
      ['dep_1', 0],
      ['dep_1', 1_000],
      ['dep_1', 2_000],
    ])
  })

  it('are forgotten with the listing', () => {
    const { slots, state } = setup()
    state.speed = measured(40, 9)
    slots.follow(ROW, SPEC)
    expect(slots.of(ROW).slots).toBe(1)
    slots.forget(NANO_INSTRUMENT)
    expect(slots.of(ROW)).toEqual({ slots: 4, why: null })
  })
})
