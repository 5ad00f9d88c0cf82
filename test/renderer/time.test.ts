import { describe, expect, it, onTestFinished, vi } from 'vitest'

import { age, duration, until, viewerZone } from '#ui/format-time.ts'

describe('durations', () => {
  it.each([
    [412, '412 ms'],
    [1_080, '1.08 s'],
    [5_000, '5 s'],
    [27_900, '27.9 s'],
    [100_000, '1 min 40 s'],
    [120_000, '2 min'],
    [11_520_000, '3 h 12 min'],
    [23 * 86_400_000, '23 days'],
    [-5, '0 ms'],
  ])('%d ms is %s', (ms, text) => expect(duration(ms)).toBe(text))
})

describe('ages', () => {
  it('says how old, and never a negative age when two clocks differ', () => {
    expect(age(1_000, 5_400)).toBe('4 s ago')
    expect(age(9_000, 5_000)).toBe('now')
    expect(age(0, 7_200_000)).toBe('2 h ago')
    expect(until(12_000, 0)).toBe('in 12 s')
    expect(until(0, 10)).toBe('now')
  })
})

describe('the viewer’s zone', () => {
  const told = (timeZone: string | undefined) => {
    const spy = vi.spyOn(Intl.DateTimeFormat.prototype, 'resolvedOptions').mockReturnValue({ timeZone } as never)
    onTestFinished(() => spy.mockRestore())
    return viewerZone()
  }
  it('is the browser’s', () => expect(told('America/St_Johns')).toBe('America/St_Johns'))
  it('is UTC where the browser cannot tell it', () =>
    expect([told('Etc/Unknown'), told(undefined)]).toEqual(['UTC', 'UTC']))
})
