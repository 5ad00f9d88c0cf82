import { describe, expect, it } from 'vitest'

import { createPrefillCost } from '#engine/host/scheduler/prefill-cost.ts'

const taught = (
  cost: (tokens: number) => number,
  chunks: readonly number[],
  passMs = 0,
): ReturnType<typeof createPrefillCost> => {
  const made = createPrefillCost(() => passMs)
  for (const tokens of chunks) made.add(tokens, cost(tokens))
  return made
}

describe('what prompt tokens of a step cost', () => {
  it('knows nothing before the first step', () => {
    expect(createPrefillCost(() => 30).within(1_000)).toBeNull()
  })

  it('tells the pass over the weights from the tokens, so that small chunks do not make tokens look costly', () => {
    const cost = taught((tokens) => 90 + 6.5 * tokens, [32, 43, 16, 21, 16, 64, 16], 30)
    expect(cost.within(90 + 6.5 * 100)).toBeGreaterThan(85)
    expect(cost.within(90 + 6.5 * 100)).toBeLessThan(115)
  })

  it('takes steps of one length as a decode and the rest', () => {
    const cost = taught((tokens) => 30 + 2 * tokens, [100, 100, 100], 30)
    expect(cost.within(30 + 2 * 200)).toBeCloseTo(200, 6)
  })

  it('stays a cost where noise turns the line over: longer chunks that took less, or a pass below nothing', () => {
    for (const [short, long] of [
      [500, 100],
      [1, 10_000],
    ] as const) {
      const cost = taught((tokens) => (tokens === 16 ? short : long), [16, 128, 16, 128])
      expect(cost.within(1_000)).toBeGreaterThan(0)
      expect(cost.within(2_000)).toBeGreaterThan(cost.within(1_000) ?? Number.POSITIVE_INFINITY)
    }
  })

  it('follows a machine that became slower within some steps', () => {
    const cost = taught((tokens) => tokens, [128, 64, 128, 64, 128, 64])
    const before = cost.within(400) ?? 0
    for (let step = 0; step < 16; step += 1) cost.add(step % 2 === 0 ? 128 : 64, 4 * (step % 2 === 0 ? 128 : 64))
    expect(before).toBeGreaterThan(380)
    expect(cost.within(400)).toBeLessThan(118)
  })
})
