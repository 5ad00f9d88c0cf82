import { describe, expect, it } from 'vitest'

import { HOUR_MS, MINUTE_MS } from '#contract/time.ts'

import { idleChoices } from '../../src-renderer/features/models/idle.ts'
import {
  fasterWords,
  cacheShare,
  calibrationTable,
  measuresOf,
  settingsWords,
} from '../../src-renderer/features/models/measured.ts'

const settings = {
  contextTokens: 1_024,
  slots: 4,
  threads: 2,
  gpuLayers: 0,
  processes: 1,
  gpus: 'together' as const,
  kvType: 'f16' as const,
  flashAttention: 'auto' as const,
  batchTokens: 512,
}
const values = (part: Partial<Parameters<typeof measuresOf>[0]>) =>
  measuresOf({ speed: null, cache: null, settings, ...part }).map(({ value }) => value)

describe('what a deployment did', () => {
  it('nothing measured is said so, never shown as 0', () => {
    expect(values({})).toEqual(['not measured yet', 'not measured yet', 'not measured yet', 'no prompt yet'])
    expect(
      values({
        speed: { promptTokensPerSecond: null, perStream: [120.4] },
        cache: { cachedTokens: 0, evaluatedTokens: 0 },
      }),
    ).toEqual(['not measured yet', '120 tok/s', 'not measured yet', 'no prompt yet'])
  })
  it('the speed of all streams is that of as many as there are slots, not the last one measured', () => {
    const measures = measuresOf({
      speed: { promptTokensPerSecond: 9_420, perStream: [200, 150, 120, 90, 10] },
      cache: { cachedTokens: 300, evaluatedTokens: 100 },
      settings,
    })
    expect(measures.map(({ value }) => value)).toEqual(['9,420 tok/s', '200 tok/s', '90.0 tok/s', '75\u00a0%'])
    expect(measures[2]?.foot).toBe('360 tok/s in all')
    expect(measuresOf({ speed: null, cache: null, settings: { ...settings, slots: 1 } })).toHaveLength(3)
  })
  it('a cache that served everything is whole, one that served nothing is zero and not unknown', () => {
    expect(cacheShare({ cachedTokens: 5, evaluatedTokens: 0 })).toBe(1)
    expect(cacheShare({ cachedTokens: 0, evaluatedTokens: 5 })).toBe(0)
    expect(cacheShare(null)).toBeNull()
  })
  it('settings out of the ordinary are named', () => {
    expect(
      settingsWords({
        engine: { kind: 'local' },
        settings: { ...settings, slots: 1, processes: 2, gpuLayers: 1_000, kvType: 'q8_0', flashAttention: 'on' },
      }),
    ).toBe(
      '1 slot of 1,024 tokens · 2 processes, 2 threads · all layers on the GPU · prompt batches of 512 · cache q8_0 · flash attention on',
    )
  })
})

describe('a measurement of the machine', () => {
  const point = (processes: number, threads: number, streams: number, tokensPerSecond: number) => ({
    processes,
    threads,
    streams,
    tokensPerSecond,
  })
  it('is a row for each setup; what was not tried stays empty, and only the chosen one is best', () => {
    const table = calibrationTable({
      processes: 2,
      threads: 8,
      points: [point(2, 8, 4, 90), point(1, 8, 4, 70), point(1, 8, 1, 30), point(2, 8, 1, 25), point(1, 16, 1, 31)],
    })
    expect(table.streams).toEqual([1, 4])
    expect(table.rows).toEqual([
      { processes: 1, threads: 8, best: false, rates: [30, 70] },
      { processes: 1, threads: 16, best: false, rates: [31, null] },
      { processes: 2, threads: 8, best: true, rates: [25, 90] },
    ])
  })
})

describe('times of idleness', () => {
  it('what was set by a program is offered too, once and in its place: else the screen would show another time', () => {
    expect(idleChoices(7 * MINUTE_MS)[1]).toBe(7 * MINUTE_MS)
    expect(idleChoices(HOUR_MS)).toEqual(idleChoices(null))
  })
})

it('says what a measurement would change', () => {
  expect(fasterWords({ processes: 1, threads: 2, batchTokens: 512, gpus: 'together' })).toBe(
    '1 process, 2 threads, prompt batches of 512',
  )
  expect(fasterWords({ processes: 2, threads: 1, batchTokens: 256, gpus: 'each' })).toBe(
    '2 processes on a GPU each, 1 thread, prompt batches of 256',
  )
})
