/** Gaps between the running jobs of one context: when the highest moves down, and when it stays. */
import { describe, expect, it } from 'vitest'

import type { FakeStepModelOptions } from './fake-step-model.ts'
import { slotsRig, tokens } from './slots-rig.ts'

describe('a gap between running jobs', () => {
  /** Jobs in slots 0 to 2, of which 1 has left. */
  async function gapped(options: FakeStepModelOptions & { maxTokens?: number; saved?: boolean } = {}) {
    const made = slotsRig({ slots: 3, ...options })
    const low = await made.enter(tokens(10))
    const middle = await made.enter(tokens(options.saved === true ? 100 : 10, 100))
    const high = await made.enter(
      tokens(10, 200),
      options.maxTokens === undefined ? {} : { maxTokens: options.maxTokens },
    )
    made.slots.release(middle)
    made.calls()
    const close = async (times: number): Promise<void> => {
      for (let at = 0; at < times; at += 1) await made.slots.closeGap()
    }
    return { ...made, low, high, close }
  }

  it('is closed by the highest one after eight steps', async () => {
    const { slots, low, high, close, calls } = await gapped()
    await close(7)
    expect(calls()).toEqual([])
    await close(1)
    expect(calls()).toEqual(['copy 2 1 10'])
    expect([high.slot, slots.bySlot, slots.running]).toEqual([1, [low, high, null], 2])
    // It is closed: nothing more to do.
    await close(20)
    expect(calls()).toEqual([])
  })

  it('has to last: a step without it begins the count anew', async () => {
    const { slots, enter, close, calls } = await gapped({ slots: 4 })
    await close(5)
    const filler = await enter(tokens(10, 300))
    expect(filler.slot).toBe(1)
    await close(3)
    slots.release(filler)
    calls()
    await close(7)
    expect(calls()).toEqual([])
    await close(1)
    expect(calls()).toEqual(['copy 2 1 10'])
  })

  it('of two, the second is closed at once after the first', async () => {
    const { slots, enter, calls } = slotsRig({ slots: 5 })
    const jobs = [
      await enter(tokens(10)),
      await enter(tokens(10, 100)),
      await enter(tokens(10, 200)),
      await enter(tokens(10, 300)),
      await enter(tokens(10, 400)),
    ]
    slots.release(jobs[1]!)
    slots.release(jobs[2]!)
    calls()
    for (let at = 0; at < 9; at += 1) await slots.closeGap()
    expect(calls()).toEqual(['copy 4 1 10', 'copy 3 2 10'])
  })

  it('begins above the lowest running job, not at the first free slot', async () => {
    const { slots, enter, calls } = slotsRig({ slots: 4 })
    const jobs = [
      await enter(tokens(10)),
      await enter(tokens(10, 100)),
      await enter(tokens(10, 200)),
      await enter(tokens(10, 300)),
    ]
    slots.release(jobs[0]!)
    slots.release(jobs[2]!)
    calls()
    for (let at = 0; at < 8; at += 1) await slots.closeGap()
    expect(calls()).toEqual(['copy 3 2 10'])
  })

  it('below all running jobs is none', async () => {
    const { slots, enter, calls } = slotsRig({ slots: 3 })
    const jobs = [await enter(tokens(10)), await enter(tokens(10, 100)), await enter(tokens(10, 200))]
    slots.release(jobs[0]!)
    calls()
    for (let at = 0; at < 20; at += 1) await slots.closeGap()
    expect(calls()).toEqual([])
  })

  it.each([
    [24, []],
    [25, ['copy 2 1 10']],
  ])('is closed for a job with %i tokens to go: %j', async (maxTokens, expected) => {
    const { close, calls } = await gapped({ maxTokens })
    await close(8)
    expect(calls()).toEqual(expected)
  })

  it('counts what is left of the prompt as well', async () => {
    const { slots, enter, calls } = slotsRig({ slots: 3 })
    await enter(tokens(10))
    const middle = await enter(tokens(10, 100))
    const high = await enter(tokens(30, 200), { read: 10, maxTokens: 5 })
    slots.release(middle)
    calls()
    for (let at = 0; at < 8; at += 1) await slots.closeGap()
    expect([calls(), high.slot]).toEqual([['copy 2 1 10'], 1])
  })

  it('is not closed by a job that waits for another’s prompt', async () => {
    const { slots, enter, calls } = slotsRig({ slots: 3 })
    const reading = await enter(tokens(300), { read: 50 })
    const middle = await enter(tokens(10, 1_000))
    const high = await enter([...tokens(200), 9_001])
    expect(high.leader).toBe(reading)
    slots.release(middle)
    calls()
    for (let at = 0; at < 20; at += 1) await slots.closeGap()
    expect([calls(), high.slot]).toEqual([[], 2])
  })

  it('is left to a single job', async () => {
    const { slots, enter, calls } = slotsRig({ slots: 3 })
    slots.release(await enter(tokens(10)))
    await enter(tokens(10, 100))
    calls()
    for (let at = 0; at < 20; at += 1) await slots.closeGap()
    expect(calls()).toEqual([])
  })

  it('saves what the free slot held before the copy', async () => {
    const { close, calls } = await gapped({ saved: true })
    await close(8)
    expect(calls()).toEqual(['save 1 100', 'copy 2 1 10'])
  })

  it('stays where the copy is not whole, and the job with it', async () => {
    const { slots, low, high, model, close } = await gapped()
    model.copied = (count) => count - 1
    await close(8)
    expect([high.slot, slots.bySlot]).toEqual([2, [low, null, high]])
  })

  it('is never closed where nothing can be copied', async () => {
    const { close, calls } = await gapped({ kind: 'public' })
    await close(20)
    expect(calls()).toEqual([])
  })

  it('leaves the slot it came from as the one used last', async () => {
    const { slots, enter } = slotsRig({ slots: 4, savedPrefixBytes: 0 })
    const [low, middle, high, last] = [
      await enter(tokens(10)),
      await enter(tokens(10, 100)),
      await enter(tokens(10, 200)),
      await enter(tokens(10, 300)),
    ]
    slots.release(last)
    slots.release(middle)
    for (let at = 0; at < 8; at += 1) await slots.closeGap()
    expect(high.slot).toBe(1)
    slots.release(high)
    slots.release(low)
    // Left in this order: 3, then 2 by the move, then 1 and 0.
    expect((await enter(tokens(20, 1_000))).slot).toBe(3)
  })
})
