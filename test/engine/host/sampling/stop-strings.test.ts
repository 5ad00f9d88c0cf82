import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { createStopMatcher } from '#engine/host/sampling/stop-strings.ts'

/** What a matcher that sees the whole text at once would deliver. */
function whole(text: string, stops: readonly string[]): string {
  let end = text.length
  for (let length = 1; length <= text.length; length += 1) {
    const at = stops.map((stop) => text.slice(0, length).indexOf(stop)).filter((index) => index >= 0)
    if (at.length > 0) {
      end = Math.min(...at)
      break
    }
  }
  return text.slice(0, end)
}

describe('stop strings on streamed text', () => {
  it('delivers the same for any cutting into pieces (a stop that crosses a token boundary is missed, or its start leaks out)', () => {
    fc.assert(
      fc.property(
        fc.array(fc.stringMatching(/^[ab\n]{0,4}$/), { maxLength: 12 }),
        fc.array(fc.stringMatching(/^[ab\n]{1,4}$/), { minLength: 1, maxLength: 4 }),
        (pieces, stops) => {
          const matcher = createStopMatcher(stops)
          let text = ''
          let stopped = false
          for (const character of pieces.join('')) {
            const result = matcher.push(character)
            text += result.text
            if (result.stopped) {
              stopped = true
              break
            }
          }
          if (!stopped) text += matcher.rest()
          expect(text).toBe(whole(pieces.join(''), stops))
        },
      ),
    )
  })

  it('holds back only what could still become a stop string (a stream that stalls)', () => {
    const matcher = createStopMatcher(['</end>'])
    expect(matcher.push('one </en')).toEqual({ text: 'one ', stopped: false })
    expect(matcher.push('try')).toEqual({ text: '</entry', stopped: false })
    expect(matcher.push('</end> more')).toEqual({ text: '', stopped: true })
  })

  it('takes the earliest of several in one piece', () => {
    expect(createStopMatcher(['z', 'b']).push('abcz')).toEqual({ text: 'a', stopped: true })
  })

  it('takes the longest of several that end at once, and never half a character', () => {
    expect(createStopMatcher(['c', 'bc']).push('abc')).toEqual({ text: 'a', stopped: true })
    const matcher = createStopMatcher(['\uDE00'])
    expect(matcher.push('x\u{1F600}')).toEqual({ text: 'x\u{1F600}', stopped: false })
  })

  it('stays linear on stop strings made to be slow (a list that stalls every stream)', () => {
    const matcher = createStopMatcher(Array.from({ length: 16 }, (_, index) => `${'a'.repeat(255 - index)}b`))
    const started = process.cpuUsage()
    let text = ''
    for (let token = 0; token < 2_000; token += 1) text += matcher.push('aaaaaaaa').text
    expect(text.length).toBeGreaterThan(15_000)
    // Of processor time: what else runs on the machine does not count.
    expect(process.cpuUsage(started).user / 1_000).toBeLessThan(2_000)
  })
})
