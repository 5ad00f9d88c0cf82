import fc from 'fast-check'
import { expect, it } from 'vitest'

import { likeliest } from '#engine/host/native/native-sampler.ts'

it('finds the likeliest tokens as sorting all of them would', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: -20, max: 20 }), { maxLength: 60 }),
      fc.integer({ min: 0, max: 12 }),
      (values, count) => {
        const logits = Float32Array.from(values)
        const sorted = [...logits.keys()].sort((a, b) => (logits[b] ?? 0) - (logits[a] ?? 0) || a - b).slice(0, count)
        expect(likeliest(logits, count)).toEqual(sorted)
      },
    ),
  )
})
