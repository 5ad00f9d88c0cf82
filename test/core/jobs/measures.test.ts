import { describe, it, expect } from 'vitest'

import { DeploymentMeasures } from '#core/jobs/measures.ts'

describe('what finished jobs teach', () => {
  it('compares the engine’s tokens with the reference’s, large jobs counting more and the newest most', () => {
    const measures = new DeploymentMeasures()
    expect([measures.promptRatio, measures.outputRatio, measures.promptTokens]).toEqual([null, null, null])
    // A short prompt is mostly template; it must not set the ratio of the long ones.
    measures.counted({ inputTokens: 2, outputTokens: 10 }, { promptTokens: 20, cachedTokens: 0, generatedTokens: 20 })
    measures.counted(
      { inputTokens: 1_000, outputTokens: 0 },
      { promptTokens: 1_500, cachedTokens: 1_400, generatedTokens: 0 },
    )
    expect(measures.promptRatio).toBeCloseTo(1.52, 2)
    expect(measures.outputRatio).toBe(0.5)
    // Cached tokens cost no time.
    expect(measures.promptTokens).toBeLessThan(100)
    for (let n = 0; n < 100; n += 1)
      measures.counted(
        { inputTokens: 1_000, outputTokens: 100 },
        { promptTokens: 3_000, cachedTokens: 0, generatedTokens: 100 },
      )
    expect([measures.promptRatio!, measures.outputRatio!].map((ratio) => Math.round(ratio * 100) / 100)).toEqual([3, 1])
  })

  it('keeps the last hundred jobs of the last ten minutes, and from short answers no rate', () => {
    const measures = new DeploymentMeasures()
    const job = (at: number, outputTokens: number) => measures.served({ at, ttftMs: 1, tokPerS: 50, outputTokens })
    job(0, 15)
    job(1, 16)
    expect(measures.window(1, -1).map(({ tokPerS }) => tokPerS)).toEqual([null, 50])
    expect(measures.window(1, 0)).toHaveLength(1)
    expect(measures.window(600_001, -1)).toHaveLength(1)
    for (let at = 2; at < 300; at += 1) job(at, 20)
    expect(measures.window(300, -1)).toHaveLength(100)
  })
})
