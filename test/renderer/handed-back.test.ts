import { describe, expect, it } from 'vitest'

import { unitOf } from '#contract/units.ts'
import type { HandedBack } from '#contract/models.ts'

import { handedBackLines, isServing } from '../../src-renderer/forms/handed-back.ts'

const result = (part: Partial<HandedBack>): HandedBack => ({
  tookMs: 312,
  unloaded: 1,
  handedOff: 0,
  failed: 0,
  sellerNano: 0,
  lostTokens: 0,
  paused: [],
  ...part,
})

describe('what handing the machine back cost', () => {
  it('without a lost job says so, and nothing of money', () => {
    expect(handedBackLines(result({}), unitOf('PCR'))).toEqual([
      'One model left the memory in 312 ms.',
      'No job was lost.',
    ])
    expect(handedBackLines(result({ unloaded: 0 }), unitOf('PCR'))[0]).toBe('Nothing was in memory.')
  })
  it('failed jobs come with what is not earned, in the realm’s own currency, and are never called earned', () => {
    const lines = handedBackLines(
      result({
        unloaded: 2,
        handedOff: 2,
        failed: 1,
        sellerNano: 24_600,
        lostTokens: 63,
        paused: ['practice/text-nano'],
      }),
      unitOf('PCR'),
    )
    expect(lines).toEqual([
      '2 models left the memory in 312 ms.',
      'Sent back for another supplier before they began: 2 jobs.',
      'Ended in the middle: one job. Its buyer pays nothing; 63 tokens delivered, 0.00002460 practice credits not earned.',
      'Paused: text-nano. Resume on the market page; that loads the model again.',
    ])
  })
})

describe('whether there is anything to hand back', () => {
  it('a model on its way into memory counts, as does an offer whose model is not loaded yet', () => {
    expect(isServing([{ state: 'loading' }], [])).toBe(true)
    expect(isServing([{ state: 'stopped' }], [{ state: 'waiting' }])).toBe(true)
    expect(isServing([{ state: 'failed' }, { state: 'stopped' }], [{ state: 'paused' }])).toBe(false)
  })
})
