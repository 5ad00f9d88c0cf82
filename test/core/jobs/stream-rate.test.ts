import { describe, it, expect } from 'vitest'

import { SpeedMemory, streamRate } from '#core/jobs/stream-rate.ts'

describe('the rate of so many streams', () => {
  it.each<[string, (number | null)[], number, number | null]>([
    ['as measured', [40, 25, 18], 2, 25],
    ['nothing measured', [], 3, null],
    ['nothing but holes and nonsense', [null, 0, Number.NaN], 2, null],
    ['between two: milliseconds a token grow evenly (25 ms, 100 ms; 50 ms between)', [40, null, null, 10], 2, 20],
    ['only more streams were measured: fewer are not slower', [null, null, null, 9], 1, 9],
    ['only fewer were measured: taken as good until more ran', [40, null], 4, 40],
  ])('%s', (_name, perStream, streams, rate) => {
    const found = streamRate(perStream, streams)
    if (rate === null) expect(found).toBeNull()
    else expect(found).toBeCloseTo(rate)
  })
})

describe('a figure that does not move any more', () => {
  it('counts as unmeasured after a while: a slow hour must not keep every job away for ever', () => {
    const memory = new SpeedMemory()
    memory.see({ promptTokensPerSecond: 100, perStream: [5, 4] }, 0)
    memory.see({ promptTokensPerSecond: 100, perStream: [6, 4] }, 50_000)
    expect(memory.fresh(60_000, 60_000)).toEqual({ promptTokensPerSecond: 100, perStream: [6, 4] })
    expect(memory.fresh(61_000, 60_000)).toEqual({ promptTokensPerSecond: null, perStream: [6, null] })
    memory.see({ promptTokensPerSecond: 100, perStream: [6, 4], crowding: 2 }, 61_000)
    expect(memory.fresh(61_000, 60_000)).toMatchObject({ crowding: 2 })
    expect(memory.fresh(121_001, 60_000)).not.toHaveProperty('crowding')
    // A new load measures anew.
    memory.see({ promptTokensPerSecond: null, perStream: [] }, 122_000)
    expect(memory.fresh(122_000, 60_000)).toEqual({ promptTokensPerSecond: null, perStream: [] })
  })
})
