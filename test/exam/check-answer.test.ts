import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { checkAnswer, REPLY_CHARS_MAX } from '#exam/check-answer.ts'
import { examItem, FAMILIES } from '#exam/generate-items.ts'

import vectors from './answers.json' with { type: 'json' }

describe('answer checks', () => {
  it.each(vectors)('$id expects $answer, was told $reply: $right', ({ id, answer, reply, right, reason }) => {
    expect(checkAnswer({ id, answer }, reply)).toEqual({ right, reason })
  })

  it('accepts the generated answer of every family and refuses another item’s (catches a check that accepts everything)', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...FAMILIES),
        fc.constantFrom(1 as const, 2 as const),
        fc.nat(500),
        fc.nat(500),
        (family, level, a, b) => {
          const item = examItem('check', family, level, a)
          const other = examItem('check', family, level, b)
          expect(checkAnswer(item, item.answer).right).toBe(true)
          expect(checkAnswer(item, `<think>${other.answer}</think>\n${item.answer}`).right).toBe(true)
          expect(checkAnswer(item, other.answer).right).toBe(item.answer === other.answer)
        },
      ),
      { numRuns: 300 },
    )
  })

  it('never throws and always gives a short reason, whatever the reply holds', () => {
    const piece = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      '"',
      '\\',
      '```',
      '**',
      '\\boxed{',
      '23',
      'answer',
      '=',
      '.',
      '\n',
      '<think>',
      '</think>',
      ':',
      ',',
      ' ',
      'é',
      '\ud800',
    )
    fc.assert(
      fc.property(
        fc.constantFrom(...FAMILIES),
        fc.constantFrom(1 as const, 2 as const),
        fc.array(piece, { maxLength: 40 }),
        (family, level, pieces) => {
          const { reason } = checkAnswer(examItem('check', family, level, 0), pieces.join(''))
          expect(reason.length).toBeLessThanOrEqual(80)
        },
      ),
      { numRuns: 500 },
    )
  })

  it.each(['=', '{', '[', '{"a":', '"', '*', '`', '(', '1', '1,', '<think', '[{"a":1},', '\\boxed{', '{"', '.'])(
    'judges the longest reply made of %j within two seconds of processor time (catches quadratic or recursive checks)',
    (unit) => {
      const reply = unit.repeat(Math.floor(REPLY_CHARS_MAX / unit.length))
      const started = process.cpuUsage()
      for (const level of [1, 2] as const)
        for (const family of FAMILIES) expect(checkAnswer(examItem('check', family, level, 0), reply).right).toBe(false)
      expect(process.cpuUsage(started).user / 1_000).toBeLessThan(2_000)
    },
  )

  it('reads a number of at most 40 digits, also at the end of a sentence', () => {
    const item = (digits: number) => ({ id: 'arith/1/0', answer: '9'.repeat(digits) })
    const told = (digits: number) => checkAnswer(item(digits), `So the answer is ${'9'.repeat(digits)}`)
    expect(told(40)).toEqual({ right: true, reason: 'right' })
    expect(told(41)).toEqual({ right: false, reason: 'no number where the answer belongs' })
  })

  it('reads a reply of exactly the limit', () => {
    expect(checkAnswer({ id: 'arith/1/0', answer: '23' }, '23'.padEnd(REPLY_CHARS_MAX)).right).toBe(true)
  })

  it('refuses a reply over the limit unread', () => {
    expect(checkAnswer({ id: 'arith/1/0', answer: '23' }, `23${' '.repeat(REPLY_CHARS_MAX)}`)).toEqual({
      right: false,
      reason: 'too long',
    })
  })

  it('refuses an item of an unknown family', () => {
    expect(() => checkAnswer({ id: 'poems/1/0', answer: 'x' }, 'x')).toThrow(RangeError)
  })
})
