/**
 * Prefixes are reused inside one cache scope: what a job finds of another's prompt shows in its time to the first token,
 * so a buyer could ask who else asked what.
 */
import { describe, expect, it } from 'vitest'

import { prefixesOf } from '#engine/pool/affinity.ts'

import { FakeStepModel } from './fake-step-model.ts'
import { start } from './scheduler-run.ts'
import { slotsRig, tokens } from './slots-rig.ts'

describe('a job of another cache scope', () => {
  it.each([
    ['one', 'one', 199],
    ['one', 'two', 0],
    ['one', null, 0],
    [null, 'one', 0],
    [null, null, 0],
  ] as const)('left by %s, asked by %s: %i tokens are reused in the slot itself', async (first, second, cached) => {
    const { slots, enter } = slotsRig({ slots: 1 })
    slots.release(await enter(tokens(200), { cacheScope: first }))
    const again = await enter(tokens(200), { cacheScope: second })
    expect(again.usage.cachedTokens).toBe(cached)
  })

  it('copies nothing from a slot that runs, and waits for no leader', async () => {
    const { enter, calls } = slotsRig({ slots: 3 })
    await enter(tokens(200), { cacheScope: 'one' })
    const another = await enter(tokens(200), { cacheScope: 'two' })
    const known = await enter(tokens(200), { cacheScope: 'one' })
    expect([another.usage.cachedTokens, known.usage.cachedTokens]).toEqual([0, 199])
    const rig = slotsRig({ slots: 3 })
    await rig.enter(tokens(200), { cacheScope: 'one', read: 10 })
    const other = await rig.enter(tokens(200), { cacheScope: 'two', read: 5 })
    const nobody = await rig.enter(tokens(200), { cacheScope: null, read: 5 })
    expect([other.leader, nobody.leader]).toEqual([null, null])
    expect(calls().filter((call) => call.startsWith('copy'))).toHaveLength(1)
  })

  it('finds no saved prefix of another, and one of its own again', async () => {
    const { slots, enter, calls } = slotsRig({ slots: 1 })
    slots.release(await enter(tokens(200), { cacheScope: 'one' }))
    // Overwrites the slot, so that the first one's prefix is saved.
    slots.release(await enter(tokens(200), { cacheScope: 'two' }))
    expect(calls().filter((call) => call.startsWith('save'))).toHaveLength(1)
    slots.release(await enter(tokens(200, 1_000), { cacheScope: 'three' }))
    const another = await enter(tokens(200), { cacheScope: 'four' })
    expect(another.usage.cachedTokens).toBe(0)
    slots.release(another)
    const own = await enter(tokens(200), { cacheScope: 'one' })
    expect(own.usage.cachedTokens).toBe(199)
  })

  it('leaves nothing to be saved without a scope', async () => {
    const { slots, enter, calls } = slotsRig({ slots: 1 })
    slots.release(await enter(tokens(200), { cacheScope: null }))
    await enter(tokens(200, 1_000), { cacheScope: 'one' })
    expect(calls().filter((call) => call.startsWith('save'))).toEqual([])
  })

  it('takes its scope along when it moves into a gap', async () => {
    const { slots, enter } = slotsRig({ slots: 3 })
    await enter(tokens(10), { cacheScope: 'one' })
    const middle = await enter(tokens(10, 500), { cacheScope: 'one' })
    const high = await enter(tokens(200, 1_000), { cacheScope: 'two' })
    slots.release(middle)
    for (let step = 0; step < 8; step += 1) await slots.closeGap()
    expect(high.slot).toBe(1)
    const another = await enter(tokens(200, 1_000), { cacheScope: 'one' })
    expect([another.slot, another.usage.cachedTokens]).toEqual([2, 0])
    slots.release(another)
    const same = await enter(tokens(200, 1_000), { cacheScope: 'two' })
    expect(same.usage.cachedTokens).toBe(199)
  })
})

it('takes its scope from the request, and answers the same text either way', async () => {
  const shared = 'system prompt of some forty characters....'
  const { submit, text } = start(new FakeStepModel({ slots: 2, prefixReuse: true }))
  await submit('first', `${shared}one`, { cacheScope: 'buyer 1' })
  expect(await submit('second', `${shared}two`, { cacheScope: 'buyer 2' })).toMatchObject({
    usage: { cachedTokens: 0 },
  })
  expect(await submit('third', `${shared}two`, { cacheScope: undefined })).toMatchObject({ usage: { cachedTokens: 0 } })
  expect(await submit('fourth', `${shared}six`, { cacheScope: 'buyer 1' })).toMatchObject({
    usage: { cachedTokens: shared.length },
  })
  expect(['second', 'third', 'fourth'].map(text)).toEqual([`${shared}two`, `${shared}two`, `${shared}six`])
})

it('routes to a process by the prefixes of its own scope only', () => {
  const messages = [{ role: 'user' as const, content: 'x'.repeat(100) }]
  const of = (cacheScope?: string): string[] =>
    prefixesOf(cacheScope === undefined ? { messages } : { messages, cacheScope })
  expect(of()).toEqual([])
  expect(of('one')).toEqual(of('one'))
  expect(of('one')).toHaveLength(1)
  expect(of('one')).not.toEqual(of('two'))
})
