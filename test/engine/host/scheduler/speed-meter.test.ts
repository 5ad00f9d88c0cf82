import { describe, expect, it } from 'vitest'

import { createSpeedMeter } from '#engine/host/scheduler/speed-meter.ts'

describe('how much longer decodes take for prompts beside them', () => {
  const decodes = (count: number): ReturnType<typeof createSpeedMeter> => {
    const speed = createSpeedMeter(4)
    for (let step = 0; step < count; step += 1) {
      speed.decoded(1, 5)
      speed.waited(1, 5)
    }
    return speed
  }

  it('is not told by one long prompt after a rest (every job was refused for it)', () => {
    const speed = decodes(50)
    speed.idle()
    for (let left = 1_500; left > 0; left -= 115) {
      speed.prefilled(115, 1, 120)
      speed.waited(1, 120)
    }
    expect(speed.view().crowding).toBeLessThan(2)
  })

  it('comes near to the truth when prompts keep coming, and fades when they end', () => {
    const speed = decodes(50)
    for (let step = 0; step < 2_000; step += 1) speed.waited(1, step % 5 === 0 ? 55 : 5)
    const crowded = speed.view().crowding ?? 0
    // Three times as long in truth.
    expect(crowded).toBeGreaterThan(1.9)
    expect(crowded).toBeLessThan(3)
    for (let step = 0; step < 2_000; step += 1) speed.waited(1, 5)
    expect(speed.view().crowding).toBeLessThan(1.35)
  })

  it('is never less than one: a decode faster than usual gains nobody a deadline', () => {
    const speed = decodes(50)
    for (let step = 0; step < 1_000; step += 1) speed.waited(1, 1)
    expect(speed.view().crowding).toBeCloseTo(1)
  })
})
