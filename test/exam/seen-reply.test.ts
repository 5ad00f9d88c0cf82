import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { bytes4 } from '#contract/bytes4.ts'
import { seenReply } from '#exam/seen-reply.ts'
import { sha256Hex } from '#lib/canonical.ts'

const seen = (text: string) => ({ replySha256: sha256Hex(text), tokens: bytes4(text) })

describe('what the exchange saw of a reply', () => {
  it('is found in what was sent, wherever the line was cut', () => {
    const texts = fc.array(fc.string({ unit: 'grapheme', maxLength: 6 }), { maxLength: 12 })
    fc.assert(
      fc.property(texts, texts, (arrived, late) => {
        expect(seenReply([...arrived, ...late].join(''), seen(arrived.join('')))).toBe(arrived.join(''))
      }),
    )
  })

  it('is not made up: other text, more text than was sent, or another count fits nothing', () => {
    expect(seenReply('abcdefgh', seen('abcx'))).toBeNull()
    expect(seenReply('abcd', seen('abcdefgh'))).toBeNull()
    expect(seenReply('abcdefgh', { replySha256: sha256Hex('abcd'), tokens: 2 })).toBeNull()
    expect(seenReply('', seen('a'))).toBeNull()
  })
})
