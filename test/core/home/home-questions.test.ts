import { describe, expect, it } from 'vitest'

import { brandId, type Instrument } from '#contract/ids.ts'
import { nanoPerMtok, onePrice } from '#contract/money.ts'
import { composeHome } from '#core/home/home.ts'

import { EMPTY, exam, NOW, SELLING, SPECS, TEXT } from './home-rig.ts'

describe('the three questions', () => {
  it('cost: ask, fee and electricity stand side by side and are not netted', () => {
    expect(composeHome(SELLING).cost).toEqual({
      powerNanoPerMtok: 31_000_000,
      method: 'estimate',
      ask: onePrice(nanoPerMtok(420_000_000)),
      net: onePrice(nanoPerMtok(399_000_000)),
      powerCurrency: 'USD',
    })
    expect(composeHome({ ...SELLING, feeBps: null }).cost.net).toBeNull()
    expect(composeHome({ ...SELLING, ...EMPTY }).cost).toMatchObject({
      powerNanoPerMtok: null,
      ask: null,
      net: null,
    })
  })

  it('quality: the share with its interval, and what limits a pass', () => {
    expect(composeHome(SELLING).quality).toEqual({
      instrument: TEXT,
      share: 0.83,
      low: 0.75,
      high: 0.89,
      floor: 0.7,
      verdict: 'passed',
      limitedBy: 'time to first token',
      validUntil: NOW + 1,
    })
    expect(composeHome({ ...SELLING, exams: [exam('running', { limits: [] })] }).quality).toMatchObject({
      verdict: 'none',
      share: null,
      limitedBy: null,
    })
    expect(composeHome({ ...SELLING, exams: [] }).quality.verdict).toBe('none')
  })

  it('quality: of what is listed, else of what is qualified, though another grade was sat since (a nano seller shown the micro exam it failed)', () => {
    const other = brandId<Instrument>('practice/text-micro')
    const failed = exam('not-reached', { instrument: other, examId: 'exam_2' })
    const again = exam('running', { limits: [] })
    expect(composeHome({ ...SELLING, exams: [failed, exam('passed')] }).quality).toMatchObject({
      instrument: TEXT,
      verdict: 'passed',
    })
    expect(composeHome({ ...SELLING, exams: [again, failed, exam('passed')] }).quality).toMatchObject({
      instrument: TEXT,
      verdict: 'passed',
    })
    expect(composeHome({ ...SELLING, listing: null, exams: [failed, exam('passed')] }).quality).toMatchObject({
      instrument: TEXT,
      verdict: 'passed',
    })
    expect(
      composeHome({ ...SELLING, listing: null, qualified: [], exams: [failed, exam('passed')] }).quality,
    ).toMatchObject({ instrument: other, verdict: 'not-reached' })
  })

  it('reliability: no rate without jobs, provisional below 300', () => {
    expect(composeHome(SELLING).reliability).toEqual({
      jobs24h: 99,
      failed24h: 1,
      errorRate: 0.01,
      errorCeiling: 0.05,
      provisional: true,
      connectedShare24h: 0.9994,
    })
    expect(composeHome({ ...SELLING, ...EMPTY, specs: [] }).reliability).toMatchObject({
      errorRate: null,
      errorCeiling: null,
      provisional: true,
    })
    expect(
      composeHome({
        ...SELLING,
        jobs24h: { jobs: 400, failed: 0 },
        specs: SPECS.map((spec) => ({ ...spec, provisional: false })),
      }).reliability.provisional,
    ).toBe(false)
  })
})
