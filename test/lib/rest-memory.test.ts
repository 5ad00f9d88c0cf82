/** Catches: a pause of everything under load, one that comes again and again, one that never comes. */
import { describe, expect, it } from 'vitest'

import { giveBackAtRest } from '#lib/rest-memory.ts'
import { FakeClock } from '#test/support/fake-clock.ts'

function resting(shares: number[]) {
  const clock = new FakeClock()
  const ending = new AbortController()
  const freedAt: number[] = []
  const done = giveBackAtRest(clock, ending.signal, {
    busyShare: () => (shares.length > 1 ? shares.shift()! : shares[0]!),
    free: () => void freedAt.push(clock.mono()),
  })
  return { clock, ending, freedAt, done }
}

describe('memory that a start left behind', () => {
  it('is given back once, after a while at rest', async () => {
    const { clock, freedAt, done } = resting([0])
    await clock.advance(29_999)
    expect(freedAt).toEqual([])
    await clock.advance(3_600_000)
    await done
    expect([freedAt, clock.waiting]).toEqual([[30_000], 0])
  })

  it('is left alone while there is work, and for good when there always is', async () => {
    const later = resting([0.5, 0.5, 0.05, 0.049])
    await later.clock.advance(60_000)
    expect(later.freedAt).toEqual([50_000])
    const busy = resting([0.2])
    await busy.clock.advance(3_600_000)
    expect([busy.freedAt, busy.clock.waiting]).toEqual([[], 0])
  })

  it('is forgotten when the process ends', async () => {
    const { clock, ending, freedAt, done } = resting([0])
    ending.abort()
    await done
    expect([freedAt, clock.waiting]).toEqual([[], 0])
  })

  it('really shrinks the heap of this process', async () => {
    const clock = new FakeClock()
    let junk: unknown[] | null = Array.from({ length: 400_000 }, (_, index) => ({ index, text: `${index}` }))
    const before = process.memoryUsage().heapUsed
    expect(junk.length).toBe(400_000)
    junk = null
    const done = giveBackAtRest(clock, new AbortController().signal, { busyShare: () => 0 })
    await clock.advance(30_000)
    await done
    expect(process.memoryUsage().heapUsed).toBeLessThan(before - 10_000_000)
  })
})
