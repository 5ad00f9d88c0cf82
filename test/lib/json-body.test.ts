/**
 * What both listeners (own use, the exchange) make of a request's body. Catches: one that is held beyond its bound, one
 * that is taken for an object and is none.
 */
import { describe, expect, it } from 'vitest'

import { boundedBytes, jsonObjectOf } from '#lib/json-body.ts'

const bytes = (text: string): Uint8Array => Buffer.from(text, 'utf8')

describe('a JSON body', () => {
  it('is an object in UTF-8', () => expect(jsonObjectOf(bytes('{"a":"Grüße"}'))).toEqual({ a: 'Grüße' }))

  it.each(['', '{"a":', '[]', 'null', '"text"', '7'])('is not %j', (text) => {
    expect(() => jsonObjectOf(bytes(text))).toThrow(
      expect.objectContaining({
        error: expect.objectContaining({ status: 400, code: 'invalid_json' }) as object,
      }) as Error,
    )
  })

  it('is not read with broken characters replaced', () => {
    expect(() => jsonObjectOf(new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]))).toThrow('UTF-8')
  })
})

describe('a bounded body', () => {
  it('may be as long as the bound, in any pieces', () => {
    for (const pieces of [['12345678'], ['1234', '5678'], ['', '12345678', '']]) {
      const body = boundedBytes(8, null)
      for (const piece of pieces) body.add(bytes(piece))
      expect(Buffer.from(body.joined()).toString()).toBe('12345678')
    }
    expect(boundedBytes(8, '8').joined()).toHaveLength(0)
  })

  it('is refused when it says that it is longer, and when it is and did not say so', () => {
    expect(() => boundedBytes(8, '9')).toThrow('at most 8 bytes')
    const body = boundedBytes(8, '4')
    body.add(bytes('12345'))
    expect(() => body.add(bytes('6789'))).toThrow(
      expect.objectContaining({
        error: expect.objectContaining({ status: 413, code: 'request_too_large' }) as object,
      }) as Error,
    )
    // Nothing of what came too late was kept.
    expect(body.joined()).toHaveLength(5)
  })
})
