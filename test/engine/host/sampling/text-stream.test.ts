import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { createTextStream } from '#engine/host/sampling/text-stream.ts'

describe('tokens to text', () => {
  it('never cuts a character, whatever its length and the tokens it comes in (mojibake in the stream)', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', maxLength: 20 }),
        fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1 }),
        (text, sizes) => {
          const stream = createTextStream()
          const bytes = new TextEncoder().encode(text)
          const pieces: string[] = []
          for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
            const size = sizes[turn % sizes.length] ?? 1
            pieces.push(stream.push(bytes.subarray(at, at + size)))
            at += size
          }
          expect(pieces.join('')).toBe(text)
          for (const piece of pieces) expect(piece.isWellFormed()).toBe(true)
        },
      ),
    )
  })

  it('lets bytes through that never become a character, and holds three at most (a stream held for ever)', () => {
    const stream = createTextStream()
    expect([0xff, 0xf0, 0x9f, 0x98, 0x41].map((byte) => stream.push(Uint8Array.of(byte)))).toEqual([
      '\uFFFD',
      '',
      '',
      '',
      '\uFFFDA',
    ])
  })

  it('keeps a leading space and a byte order mark as generated', () => {
    const stream = createTextStream()
    expect(stream.push(new TextEncoder().encode(' a')) + stream.push(new TextEncoder().encode('\uFEFFb'))).toBe(
      ' a\uFEFFb',
    )
  })
})
