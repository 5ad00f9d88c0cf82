import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'

import { lowerPriority } from '#engine/host/processor/lower-priority.ts'

const fake = vi.hoisted(() => ({ lowered: [] as [thread: number, niceness: number][], forbidden: false }))
// A process may lower itself and not come back: this one must not.
vi.mock(import('node:os'), async (original) => ({
  ...(await original()),
  setPriority: (thread: number, niceness?: number) => {
    if (fake.forbidden) throw new Error('EACCES')
    fake.lowered.push([thread, niceness ?? 0])
  },
}))

function onPlatform(platform: string): void {
  const real = Object.getOwnPropertyDescriptor(process, 'platform')!
  Object.defineProperty(process, 'platform', { ...real, value: platform })
  onTestFinished(() => void Object.defineProperty(process, 'platform', real))
}

describe('the priority of an engine host', () => {
  beforeEach(() => Object.assign(fake, { lowered: [], forbidden: false }))

  it.runIf(process.platform === 'linux')('is lowered for every thread on Linux, where each has its own', () => {
    lowerPriority()
    expect(fake.lowered).toContainEqual([process.pid, 5])
    expect(fake.lowered.length).toBeGreaterThan(1)
    expect(new Set(fake.lowered.map(([, niceness]) => niceness))).toEqual(new Set([5]))
  })

  it('is lowered for the process elsewhere', () => {
    onPlatform('darwin')
    lowerPriority()
    expect(fake.lowered).toEqual([[0, 5]])
  })

  it('stays as it is where the system forbids it, and the engine starts all the same', () => {
    fake.forbidden = true
    lowerPriority()
    expect(fake.lowered).toEqual([])
  })
})
