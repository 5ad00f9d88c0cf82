/**
 * Slots by themselves: what a job finds of its prompt, what is copied and saved. Whole runs are in scheduler-slots and
 * scheduler-prefix.
 */
import { describe, expect, it } from 'vitest'

import type { FakeStepModelOptions } from './fake-step-model.ts'
import { jobOf, slotsRig, tokens } from './slots-rig.ts'

describe('a job in a slot', () => {
  it('is counted once, whatever is released how often', async () => {
    const { slots, enter } = slotsRig({ slots: 2 })
    const [a, b] = [await enter(tokens(5)), await enter(tokens(5, 100))]
    expect([slots.running, slots.free, slots.bySlot]).toEqual([2, 0, [a, b]])
    slots.release(a)
    slots.release(a)
    expect([slots.running, slots.free, slots.bySlot]).toEqual([1, 1, [null, b]])
    const c = await enter(tokens(5, 200))
    // Its slot is another's now.
    slots.release(a)
    expect([slots.running, slots.bySlot]).toEqual([2, [c, b]])
  })

  it('holds what was fed to it, and says what it did not have to read', async () => {
    const { slots, enter, calls } = slotsRig({ slots: 1 })
    const a = await enter(tokens(30), { read: 10 })
    expect([a.slot, a.kvTokens, a.usage.cachedTokens]).toEqual([0, 10, 0])
    slots.release(a)
    const b = await enter([...tokens(10), 77, 78])
    expect([b.kvTokens, b.usage.cachedTokens]).toEqual([12, 10])
    expect(calls()).toEqual(['keep 0 0', 'keep 0 10'])
  })

  it('always has one token left to read, even where everything is known', async () => {
    const { slots, enter } = slotsRig({ slots: 1 })
    slots.release(await enter(tokens(30)))
    const again = jobOf(tokens(30))
    await slots.take(again)
    expect([again.kvTokens, again.usage.cachedTokens]).toEqual([29, 29])
  })

  it('takes nothing over where prefixes are not reused', async () => {
    const { slots, enter, calls } = slotsRig({ slots: 1, prefixReuse: false })
    slots.release(await enter(tokens(200)))
    const again = jobOf(tokens(200))
    await slots.take(again)
    expect([again.kvTokens, again.usage.cachedTokens, again.leader]).toEqual([0, 0, null])
    expect(calls()).toEqual(['keep 0 0', 'keep 0 0'])
  })

  it('finds nothing in a slot that was forgotten', async () => {
    const { slots, enter, calls } = slotsRig({ slots: 1 })
    slots.release(await enter(tokens(100)))
    calls()
    await slots.forget(0)
    const again = jobOf(tokens(100))
    await slots.take(again)
    expect(again.kvTokens).toBe(0)
    expect(calls()).toEqual(['keep 0 0', 'keep 0 0'])
  })

  it('holds only what the model kept', async () => {
    const { slots, enter, model } = slotsRig({ slots: 1 })
    slots.release(await enter(tokens(100)))
    model.keep = () => Promise.resolve(0)
    const again = jobOf(tokens(100))
    await slots.take(again)
    expect(again.kvTokens).toBe(0)
  })

  it('gets the slot whose content was left longest ago', async () => {
    const { slots, enter } = slotsRig({ slots: 2, savedPrefixBytes: 0 })
    const [a, b] = [await enter(tokens(20)), await enter(tokens(20, 100))]
    slots.release(b)
    slots.release(a)
    expect((await enter(tokens(20, 200))).slot).toBe(1)
  })
})

describe('a job whose beginning another one reads', () => {
  it('waits, and copies all of it that they share once it is there', async () => {
    const { slots, enter, read, calls } = slotsRig()
    const leader = await enter(tokens(300), { read: 10 })
    const follower = await enter([...tokens(200), 9_001])
    expect([follower.leader, follower.kvTokens]).toEqual([leader, 0])
    await read(leader, 100)
    await slots.catchUp()
    expect(follower.leader).toBe(leader)
    await read(leader, 100)
    calls()
    await slots.catchUp()
    expect(calls()).toEqual(['copy 0 1 200'])
    expect([follower.leader, follower.kvTokens, follower.usage.cachedTokens]).toEqual([null, 200, 200])
  })

  it('reads its last token itself where the other’s prompt is longer', async () => {
    const { slots, enter, read } = slotsRig()
    const leader = await enter(tokens(300), { read: 10 })
    const follower = await enter(tokens(100))
    await read(leader, 200)
    await slots.catchUp()
    expect(follower.kvTokens).toBe(99)
  })

  it.each([
    [15, 0, []],
    [16, 16, ['copy 0 1 16']],
  ])('copies from one that finished after %i tokens: %i', async (count, kvTokens, copies) => {
    const { slots, enter, read, calls } = slotsRig()
    const leader = await enter(tokens(300), { read: 1 })
    const follower = await enter([...tokens(200), 9_001])
    await read(leader, count - 1)
    calls()
    leader.finished = true
    slots.release(leader)
    await slots.catchUp()
    expect([follower.leader, follower.kvTokens, calls()]).toEqual([null, kvTokens, copies])
  })

  it('waits for the next one who reads it when the first has left', async () => {
    const { slots, enter, read } = slotsRig()
    const first = await enter(tokens(300), { read: 20 })
    const second = await enter([...tokens(250), 9_001])
    const third = await enter([...tokens(250), 9_002])
    expect([second.leader, third.leader]).toEqual([first, first])
    first.finished = true
    slots.release(first)
    await slots.catchUp()
    // One of the two reads on and the other waits for it.
    expect([second.leader, third.leader]).toEqual([third, null])
    await read(third, 230)
    await slots.catchUp()
    expect([second.leader, second.kvTokens]).toEqual([null, 250])
  })

  it('waits for none that it may not wait for', async () => {
    const { enter } = slotsRig({}, () => false)
    await enter(tokens(300), { read: 10 })
    const other = await enter([...tokens(200), 9_001], { read: 0 })
    expect(other.leader).toBeNull()
  })

  it('waits for nobody where nothing can be copied', async () => {
    const { enter, calls } = slotsRig({ kind: 'public' })
    await enter(tokens(300), { read: 10 })
    const other = await enter([...tokens(200), 9_001], { read: 0 })
    expect([other.leader, calls().filter((call) => call.startsWith('copy'))]).toEqual([null, []])
  })

  it('no longer waits once it is released, and catching up goes on with the others', async () => {
    const { slots, enter, read } = slotsRig()
    const leader = await enter(tokens(300), { read: 10 })
    const [gone, stays] = [await enter([...tokens(200), 9_001]), await enter([...tokens(200), 9_002])]
    slots.release(gone)
    expect(gone.leader).toBeNull()
    await read(leader, 250)
    await slots.catchUp()
    expect([gone.kvTokens, stays.kvTokens]).toEqual([0, 200])
  })

  it('reads on by itself once it has copied, though a third one reads more of its beginning by now', async () => {
    const met: { follower: unknown } = { follower: null }
    const { slots, enter, read } = slotsRig({}, (leader) => leader !== met.follower)
    const leader = await enter(tokens(300), { read: 10 })
    const follower = await enter([...tokens(200), ...tokens(100, 5_000)])
    met.follower = follower
    const third = await enter([...tokens(200), ...tokens(90, 5_000), 9_001])
    expect([follower.leader, third.leader]).toEqual([leader, leader])
    await read(leader, 240)
    await slots.catchUp()
    expect([follower.leader, follower.kvTokens]).toEqual([null, 200])
  })

  it('is copied to as often as there is need, as long as it works', async () => {
    const { slots, enter, calls } = slotsRig({ slots: 2, savedPrefixBytes: 0 })
    await enter(tokens(200))
    for (let at = 0; at < 5; at += 1) {
      slots.release(await enter(tokens(20, 1_000 * (at + 1))))
      slots.release(await enter([...tokens(200), 9_000 + at]))
    }
    expect(calls().filter((call) => call.startsWith('copy'))).toEqual(Array.from({ length: 5 }, () => 'copy 0 1 200'))
  })

  it('takes over no more than was copied, and a copy that brings nothing is not tried for ever', async () => {
    const { slots, enter, read, model, calls } = slotsRig()
    model.copied = () => 0
    const leader = await enter(tokens(300), { read: 10 })
    const follower = await enter([...tokens(200), 9_001])
    await read(leader, 250)
    await slots.catchUp()
    expect([follower.kvTokens, follower.usage.cachedTokens]).toEqual([0, 0])
    await read(follower, 201)
    for (let at = 0; at < 4; at += 1) {
      slots.release(leader)
      const next = jobOf([...tokens(300), 9_100 + at])
      await slots.take(next)
      slots.release(next)
    }
    expect(calls().filter((call) => call.startsWith('copy')).length).toBeLessThanOrEqual(3)
  })
})

describe('what a slot held before', () => {
  /** One slot: `first` is left in it, then `second` comes. */
  async function overwritten(first: number[], second: number[], options: FakeStepModelOptions = {}): Promise<string[]> {
    const { slots, enter, calls } = slotsRig({ slots: 1, ...options })
    slots.release(await enter(first))
    calls()
    await enter(second)
    return calls()
  }

  it.each<[string, number[], number[], FakeStepModelOptions, string[]]>([
    ['is saved from 64 tokens on', tokens(64), tokens(9, 900), {}, ['save 0 64', 'keep 0 0']],
    ['not below', tokens(63), tokens(9, 900), {}, ['keep 0 0']],
    ['where 64 of it would be lost', tokens(164), [...tokens(100), 9_001], {}, ['save 0 164', 'keep 0 100']],
    ['not where fewer would', tokens(163), [...tokens(100), 9_001], {}, ['keep 0 100']],
    [
      'of a long one, where an eighth would be lost',
      tokens(800),
      [...tokens(700), 9_001],
      {},
      ['save 0 800', 'keep 0 700'],
    ],
    ['not where less than that would', tokens(800), [...tokens(701), 9_001], {}, ['keep 0 701']],
    ['not without memory for it', tokens(200), tokens(9, 900), { savedPrefixBytes: 0 }, ['keep 0 0']],
    ['not where prefixes are not reused', tokens(200), tokens(9, 900), { prefixReuse: false }, ['keep 0 0']],
  ])('%s', async (_, first, second, options, expected) => {
    expect(await overwritten(first, second, options)).toEqual(expected)
  })

  it.each([
    ['all but 64 tokens of it', 236, ['keep 0 0', 'save 0 300']],
    ['more than that', 237, ['keep 0 0']],
  ])('is not saved where another slot holds it: %s', async (_, shared, expected) => {
    const { slots, enter, calls } = slotsRig({ slots: 2, savedPrefixBytes: 1_000_000 })
    const occupant = await enter(tokens(300))
    // Its own beginning is taken from the first slot, then it goes its own way.
    await enter([...tokens(shared), ...tokens(50, 5_000)])
    slots.release(occupant)
    calls()
    await enter(tokens(9, 900))
    expect(calls().toSorted()).toEqual(expected)
  })

  it('is not saved twice', async () => {
    const { slots, enter, calls } = slotsRig({ slots: 1 })
    slots.release(await enter(tokens(200)))
    slots.release(await enter(tokens(9, 900)))
    slots.release(await enter(tokens(200)))
    calls()
    await enter(tokens(9, 950))
    expect(calls()).toEqual(['keep 0 0'])
  })

  it('comes back whole, and stays saved for the next', async () => {
    const { slots, enter, calls } = slotsRig({ slots: 1 })
    slots.release(await enter(tokens(200)))
    slots.release(await enter(tokens(9, 900)))
    calls()
    const again = await enter([...tokens(200), 9_001])
    expect(calls()).toEqual(['restore 0 200', 'keep 0 200'])
    expect([again.kvTokens, again.usage.cachedTokens]).toEqual([201, 200])
  })

  it('is given up where it cannot be restored: the job reads its whole prompt, and nobody tries again', async () => {
    const { slots, enter, model, calls } = slotsRig({ slots: 1 })
    slots.release(await enter(tokens(200)))
    slots.release(await enter(tokens(9, 900)))
    expect(model.saved).toBe(1)
    model.restore = (slot) => model.keep(slot, 0).then(() => false)
    const again = jobOf([...tokens(200), 9_001])
    await slots.take(again)
    expect([again.kvTokens, again.usage.cachedTokens, model.saved]).toEqual([0, 0, 0])
    slots.release(again)
    calls()
    await slots.take(jobOf([...tokens(200), 9_002]))
    expect(calls()).toEqual(['keep 0 0'])
  })

  it('that was used last is kept longest', async () => {
    // Room for two states of 200 tokens: 10 bytes a token and 8 for its number.
    const { slots, enter, calls } = slotsRig({ slots: 1, savedPrefixBytes: 2 * 200 * 18 })
    const [a, b, c, short] = [tokens(200), tokens(200, 1_000), tokens(200, 2_000), tokens(9, 9_000)]
    for (const prompt of [a, b, short]) slots.release(await enter(prompt))
    // A is taken up again, and C comes: B has to go.
    for (const prompt of [[...a, 9_500], short, c, short]) slots.release(await enter(prompt))
    calls()
    const again = jobOf([...b, 9_501])
    await slots.take(again)
    expect(again.kvTokens).toBe(0)
    slots.release(again)
    const first = jobOf([...a, 9_502])
    await slots.take(first)
    expect(first.kvTokens).toBeGreaterThanOrEqual(200)
  })

  it('is freed with the slots', async () => {
    const { slots, enter, model } = slotsRig({ slots: 1 })
    slots.release(await enter(tokens(200)))
    slots.release(await enter(tokens(9, 900)))
    expect(model.saved).toBe(1)
    slots.dispose()
    expect(model.saved).toBe(0)
  })
})
