import { describe, expect, it } from 'vitest'

import { faultSchedule, PAIR_MS, STOP_MAX_MS, STOP_MIN_MS } from './fault-schedule.ts'

describe('a schedule of faults', () => {
  it('is the same list for the same seed, and another for another', () => {
    const one = faultSchedule({ seed: 42, faults: 300 })
    expect(faultSchedule({ seed: 42, faults: 300 })).toEqual(one)
    expect(faultSchedule({ seed: 43, faults: 300 })).not.toEqual(one)
    expect(one.map(({ number }) => number)).toEqual(Array.from({ length: 300 }, (_, index) => index + 1))
  })

  it('begins alike whatever its length, so that a shorter run replays the beginning of a longer one', () => {
    expect(faultSchedule({ seed: 42, faults: 20 })).toEqual(faultSchedule({ seed: 42, faults: 300 }).slice(0, 20))
  })

  it('holds every kind in its first seven, and befalls every process in each way', () => {
    const all = faultSchedule({ seed: 7, faults: 300 })
    expect(new Set(all.slice(0, 7).map(({ kind }) => kind)).size).toBe(7)
    const seen = new Set(all.flatMap((fault) => ('target' in fault ? [`${fault.kind} ${fault.target}`] : [])))
    const each = ['core', 'engine', 'exchange'].flatMap((target) => [
      `kill ${target}`,
      `start ${target}`,
      `stop ${target}`,
    ])
    expect([...seen].toSorted()).toEqual([...each, 'settlement core', 'settlement exchange'].toSorted())
  })

  it('stays within its bounds and comes near both ends of a stop', () => {
    const all = faultSchedule({ seed: 3, faults: 2_000 })
    const stops = all.flatMap((fault) => (fault.kind === 'stop' ? [fault.forMs] : []))
    expect(Math.min(...stops)).toBeGreaterThanOrEqual(STOP_MIN_MS)
    expect(Math.min(...stops)).toBeLessThan(3_000)
    expect(Math.max(...stops)).toBeLessThanOrEqual(STOP_MAX_MS)
    expect(Math.max(...stops)).toBeGreaterThan(38_000)
    for (const fault of all) {
      if (fault.kind !== 'pair') continue
      expect(fault.gapMs).toBeLessThan(PAIR_MS)
      expect(fault.targets[0]).not.toBe(fault.targets[1])
    }
    const short = faultSchedule({ seed: 3, faults: 200, stopMaxMs: 2_000 })
    for (const fault of short) if (fault.kind === 'stop') expect(fault.forMs).toBeLessThanOrEqual(2_000)
  })
})
