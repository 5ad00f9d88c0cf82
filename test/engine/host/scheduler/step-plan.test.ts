import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { prefillBudget } from '#engine/host/scheduler/prefill-budget.ts'
import type { EngineJob } from '#engine/host/scheduler/engine-job.ts'
import { createJobOrder } from '#engine/host/scheduler/job-order.ts'
import { createSequence, type Sequence } from '#engine/host/scheduler/sequence.ts'
import { planStep, type StepPlan } from '#engine/host/scheduler/step-plan.ts'
import { createSpeedMeter } from '#engine/host/scheduler/speed-meter.ts'

const order = createJobOrder(createSpeedMeter(8), () => 1)

/** Jobs in slots: prompts that are still to be read, and streams that decode (0). */
function slotsOf(left: readonly number[]): Sequence[] {
  return left.map((tokens, slot) => {
    const prompt = Array.from({ length: tokens }, () => 1)
    const job = { id: `${slot}`, prompt, maxTokens: 10, sampler: { dispose: () => undefined } } as unknown as EngineJob
    return Object.assign(
      createSequence({ job, priority: 'job', arrival: slot, arrivedAt: 0, deadlineAt: null }),
      tokens === 0 ? { slot, nextToken: 1 } : { slot },
    )
  })
}
const plan = (
  left: readonly number[],
  options: { budget: number; batchTokens: number; adaptive?: boolean; turn?: number },
): StepPlan =>
  planStep(slotsOf(left), {
    order,
    now: 0,
    turn: options.turn ?? 1,
    adaptive: options.adaptive ?? true,
    batchTokens: options.batchTokens,
    budget: () => options.budget,
  })

describe('a step', () => {
  it('never holds more prompt tokens than its batch, nor more than 128 of a job that shares it, and always gets on', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 700 }), { minLength: 1, maxLength: 8 }),
        fc.integer({ min: 16, max: 512 }),
        fc.integer({ min: 1, max: 512 }),
        fc.integer({ min: 0, max: 7 }),
        (left, batchTokens, budget, turn) => {
          const prefills = left.filter((tokens) => tokens > 0).length
          const { items, promptTokens, decodes } = plan(left, {
            batchTokens,
            budget: Math.min(budget, batchTokens),
            turn,
          })
          expect(decodes).toBe(left.length - prefills)
          expect(promptTokens).toBeLessThanOrEqual(batchTokens)
          if (prefills > 0) expect(promptTokens).toBeGreaterThan(0)
          if (left.length > 1) expect(Math.max(0, ...items.map(({ tokens }) => tokens.length))).toBeLessThanOrEqual(128)
        },
      ),
    )
  })

  it('reads a prompt to its end when it is near, within the batch only (a step of 48 tokens broke a batch of 36)', () => {
    expect(plan([0, 60], { budget: 50, batchTokens: 512 }).promptTokens).toBe(60)
    expect(plan([0, 48], { budget: 32, batchTokens: 32 }).promptTokens).toBe(32)
  })

  it('cuts prompts at the same places whatever their ends where runs must repeat themselves', () => {
    const chunks = (left: readonly number[]): number[] =>
      plan(left, { budget: 200, batchTokens: 512, adaptive: false }).items.map(({ tokens }) => tokens.length)
    expect(chunks([110, 300])).toEqual([100, 100])
    expect(plan([110, 300], { budget: 200, batchTokens: 512 }).items.map(({ tokens }) => tokens.length)).not.toEqual([
      100, 100,
    ])
    expect(chunks([400])).toEqual([128])
  })

  it('lets the oldest prompt go first in every fourth step, and the one that is soonest read in the others', () => {
    // Slot 0 is the oldest and the longest; a step has room for one chunk.
    const reads = (turn: number): number[] =>
      plan([600, 300], { budget: 64, batchTokens: 512, turn }).items.map(({ slot }) => slot)
    expect(Array.from({ length: 9 }, (_, turn) => reads(turn))).toEqual([[1], [1], [1], [0], [1], [1], [1], [0], [1]])
  })

  it('lets a prompt of a low class go first in every fourth step too, when it is the oldest', () => {
    const reads = (turn: number): number[] => {
      const slots = slotsOf([300, 300, 300])
      Object.assign(slots[0]!, { priority: 'exam' })
      Object.assign(slots[2]!, { priority: 'own' })
      return planStep(slots, { order, now: 0, turn, adaptive: true, batchTokens: 512, budget: () => 64 }).items.map(
        ({ slot }) => slot,
      )
    }
    expect(Array.from({ length: 4 }, (_, turn) => reads(turn))).toEqual([[2], [2], [2], [0]])
  })

  it('takes half a second at most beside streams, however slow they are', () => {
    const speed = createSpeedMeter(4)
    for (let step = 0; step < 20; step += 1) speed.decoded(2, 200)
    speed.prefilled(100, 0, 1_000)
    const tokens = prefillBudget({ decoding: 2, prefilling: 1, speed, batchTokens: 512, adaptive: true })
    // 300 ms are left for them; without the bound it would be 1,800.
    expect(tokens).toBeGreaterThan(15)
    expect(tokens).toBeLessThanOrEqual(30)
  })
})
