import { describe, expect, it } from 'vitest'

import { late } from '#lib/late.ts'

describe('a late value', () => {
  it('asked too early is an error that names it, and is there once set', () => {
    const core = late<{ name: string }>('the core')
    expect(() => core.get()).toThrow('the core cannot be asked before everything is built')
    core.set({ name: 'rig' })
    expect(core.get().name).toBe('rig')
  })

  it('undefined is a value as any other', () => {
    const nothing = late<undefined>('nothing')
    nothing.set(undefined)
    expect(nothing.get()).toBeUndefined()
  })

  it('is set once: a second one would leave two parts with different partners', () => {
    const core = late<number>('the core')
    core.set(1)
    expect(() => core.set(2)).toThrow('the core is set already')
    expect(core.get()).toBe(1)
  })
})
