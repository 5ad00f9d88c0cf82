/** How what a receipt bills meets what its claim reserved, in every combination. */
import { describe, expect, it } from 'vitest'

import { nano } from '#contract/money.ts'
import { differenceReason } from '#core/jobs/differences.ts'
import { receiptPosting } from '#core/jobs/settlement.ts'
import { inEnglish } from '#test/support/in-english.ts'

describe('what a receipt bills', () => {
  it.each([
    ['claimed', 100, 100, { post: true, free: null, transfer: false }],
    ['claimed', 100, 40, { post: true, free: null, transfer: false }],
    ['claimed', 2, 0, { post: false, free: 'settled at zero', transfer: false }],
    ['claimed', 0, 0, { post: false, free: null, transfer: false }],
    ['claimed', 0, 5, { post: false, free: null, transfer: true }],
    ['claimed', null, 5, { post: false, free: null, transfer: true }],
    ['void', 100, 5, { post: false, free: null, transfer: true }],
    ['running', null, 0, { post: false, free: null, transfer: false }],
  ] as const)('of a %s job with %s reserved, at %s', (state, reserved, gross, posting) => {
    expect(receiptPosting({ state, grossNano: reserved === null ? null : nano(reserved) }, gross)).toEqual(posting)
  })

  it('and differs, is said in the owner’s units', () => {
    expect(inEnglish(differenceReason({ code: 'HOLD', ours: 30_000, theirs: 90_500 }))).toBe(
      'it holds the money for 90.5 s, longer than the 30 s that were stated',
    )
  })
})
