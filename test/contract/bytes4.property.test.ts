/** A text cut to so many bytes is the longest beginning that has them, at whole characters. */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { utf8Length, utf8Prefix } from '#contract/bytes4.ts'
import { StreamedAnswer } from '#exchange-server/jobs/routed-job.ts'

const text = fc.string({ unit: 'binary', maxLength: 40 })

describe('a text cut to a number of bytes', () => {
  it('begins the text, has no more, and could not have one character more', () => {
    fc.assert(
      fc.property(text, fc.nat({ max: 130 }), (whole, most) => {
        const cut = utf8Prefix(whole, most)
        expect(whole.startsWith(cut)).toBe(true)
        expect(utf8Length(cut)).toBeLessThanOrEqual(most)
        const next = whole.codePointAt(cut.length)
        if (next !== undefined) expect(utf8Length(cut + String.fromCodePoint(next))).toBeGreaterThan(most)
      }),
    )
  })

  it('is the same whether it comes at once or in pieces, surrogate pairs split over two among them', () => {
    fc.assert(
      fc.property(text, fc.array(fc.nat({ max: 40 }), { maxLength: 6 }), fc.nat({ max: 130 }), (whole, cuts, most) => {
        const answer = new StreamedAnswer(most)
        const at = [0, ...cuts.filter((cut) => cut < whole.length).toSorted((a, b) => a - b), whole.length]
        const passed = at.slice(1).map((end, index) => answer.add(whole.slice(at[index], end)))
        passed.push(answer.end())
        expect(passed.join('')).toBe(utf8Prefix(whole, most))
        expect(answer.passedOn).toBe(utf8Prefix(whole, most))
        expect(answer.text).toBe(whole)
        expect(answer.cut).toBe(utf8Length(whole) > most)
      }),
    )
  })
})
