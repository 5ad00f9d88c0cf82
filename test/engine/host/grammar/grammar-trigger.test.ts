import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { createGrammarTrigger } from '#engine/host/grammar/grammar-trigger.ts'

/** Pieces as tokens: what the grammar is shown, and after how many pieces. */
function shown(triggers: readonly string[], pieces: readonly string[]): { at: number; text: string } | null {
  const trigger = createGrammarTrigger(triggers, (token) => Buffer.from(pieces[token] ?? '', 'utf8').toString('latin1'))
  for (const at of pieces.keys()) {
    const tokens = trigger.push(at)
    expect(trigger.found).toBe(tokens.length > 0)
    if (trigger.found) return { at, text: tokens.map((token) => pieces[token]).join('') }
  }
  return null
}

describe('the marker from which on a grammar holds', () => {
  it('is found however it is cut, and little is shown before it (a grammar that reads the whole answer with every token)', () => {
    expect(shown(['<tool_call>'], ['a <to', 'w> ', 'b <', 'tool', '_call', '>\n'])).toEqual({
      at: 5,
      text: 'b <tool_call>\n',
    })
    expect(shown(['<tool_call>'], ['<', '<tool_call>'])).toEqual({ at: 1, text: '<<tool_call>' })
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('<', 'a', 'ü', '<<', '<a'), { maxLength: 30 }),
        fc.array(fc.nat({ max: 7 }), { maxLength: 3 }),
        (noise, cuts) => {
          const at = [...new Set([0, ...cuts, 8])].sort((a, b) => a - b)
          const marker = at.slice(1).map((end, index) => '<ab"ü"c>'.slice(at[index], end))
          const found = shown(['<ab"ü"c>'], [...noise, ...marker])
          expect(found?.at).toBe(noise.length + marker.length - 1)
          expect(found?.text.length).toBeLessThanOrEqual('<ab"ü"c>'.length + 8)
        },
      ),
    )
  })

  it('is none when something follows in the same token that the grammar might not take (the process would end)', () => {
    expect(shown(['{"name": "add"'], ['{"name": "add', '"}'])).toBeNull()
    expect(shown(['<tool_call>', 'x'], ['<tool_call> ', 'x'])).toEqual({ at: 1, text: 'x' })
  })

  it('is never found in other text', () => {
    expect(
      shown(
        ['<tool_call>', '[TOOL_CALLS]'],
        Array.from({ length: 500 }, (_, index) => ['<tool_', '[TOOL', ' ', 'call>'][index % 4] ?? ''),
      ),
    ).toBeNull()
  })
})
