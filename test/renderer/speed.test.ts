import { describe, expect, it } from 'vitest'

import { speedOf } from '#ui/shown-speed.ts'

describe('speed of a job', () => {
  const job = { tokPerS: 54.2, outputTokens: 40, ttftMs: 30, durationMs: 770 }
  it('is what was measured', () => expect(speedOf(job)).toBe(54.2))
  it('is not known of an answer that came in one piece: it would read as thousands a second', () => {
    expect(speedOf({ ...job, tokPerS: 41_000, outputTokens: 4 })).toBeNull()
    expect(speedOf({ ...job, tokPerS: 41_000, durationMs: 31 })).toBeNull()
    expect(speedOf({ ...job, tokPerS: null })).toBeNull()
  })
})
