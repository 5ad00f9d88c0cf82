import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { createTextStream } from '#engine/host/text-stream.ts'

/** Tokens are bytes: the hardest vocabulary for UTF-8. */
const bytes = (tokens: readonly number[]): string => Buffer.from(tokens).toString('utf8')

describe('tokens to text', () => {
  it('never cuts a character, whatever its length (mojibake in the stream)', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 20 }), (text) => {
        const stream = createTextStream(bytes, [])
        const pieces = [...Buffer.from(text, 'utf8')].map((byte) => stream.push(byte))
        expect(pieces.join('')).toBe(text)
        for (const piece of pieces) expect(piece).not.toMatch(/\uFFFD/)
      }),
    )
  })

  it('lets bytes through that never become a character (a stream held for ever)', () => {
    const stream = createTextStream(bytes, [])
    expect([0xff, 0xff, 0xff, 0xff, 65].map((byte) => stream.push(byte)).join('')).toMatch(/A$/)
  })

  it('shows the last tokens before, so that a leading space is kept', () => {
    const seen: number[][] = []
    const stream = createTextStream(
      (tokens, before) => {
        seen.push([...before])
        return bytes(tokens)
      },
      [1, 2, 3, 4, 5],
    )
    stream.push(65)
    stream.push(66)
    expect(seen).toEqual([
      [2, 3, 4, 5],
      [3, 4, 5, 65],
    ])
  })
})
