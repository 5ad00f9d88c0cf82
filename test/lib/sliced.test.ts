import { describe, expect, it } from 'vitest'

import { finishInSlices, finishSlices, type Sliced } from '#lib/sliced.ts'

function* counting(to: number, log: string[]): Sliced<number> {
  try {
    for (let done = 1; done <= to; done += 1) {
      log.push(`slice ${done}`)
      yield { part: 'x', rows: 1, done, of: to }
    }
    return to
  } finally {
    log.push('closed')
  }
}

describe('work in slices', () => {
  it('gives the same result at once and a slice at a time', async () => {
    expect(finishSlices(counting(3, []))).toBe(3)
    expect(await finishInSlices(counting(3, []))).toBe(3)
  })

  it('lets other work go on between two slices', async () => {
    const log: string[] = []
    setImmediate(() => log.push('other work'))
    await finishInSlices(counting(2, log))
    expect(log).toEqual(['slice 1', 'other work', 'slice 2', 'closed'])
  })

  it('tells of every slice', async () => {
    const done: number[] = []
    await finishInSlices(counting(3, []), { onSlice: (slice) => done.push(slice.done) })
    expect(done).toEqual([1, 2, 3])
  })

  it('ends with the signal after the slice it is in, and closes what the work holds', async () => {
    const log: string[] = []
    const cancelled = new AbortController()
    const working = finishInSlices(counting(9, log), {
      signal: cancelled.signal,
      onSlice: ({ done }) => void (done === 2 && cancelled.abort(new Error('enough'))),
    })
    await expect(working).rejects.toThrow('enough')
    expect(log).toEqual(['slice 1', 'slice 2', 'closed'])
  })
})
