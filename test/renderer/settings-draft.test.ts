import { describe, expect, it } from 'vitest'

import { EMPTY_DRAFT, readSettings } from '../../src-renderer/features/models/settings-draft.ts'

describe('settings of a deployment', () => {
  it('an empty field is no wish: it must not reach the core as 0', () => {
    expect(readSettings(EMPTY_DRAFT)).toEqual({ wish: {}, problems: {} })
    expect(readSettings({ ...EMPTY_DRAFT, slots: ' 2 ', gpuLayers: '0' })).toEqual({ wish: { slots: 2, gpuLayers: 0 }, problems: {} })
  })
  it.each([
    ['contextTokens', '31'],
    ['slots', '0'],
    ['slots', '2.5'],
    ['threads', 'all'],
    ['gpuLayers', '-1'],
    ['contextTokens', '99999999'],
  ] as const)('%s of %s is told before anything is asked of the core', (name, text) => {
    const { wish, problems } = readSettings({ ...EMPTY_DRAFT, [name]: text })
    expect(wish).toEqual({})
    expect(problems[name]).toMatch(/^A whole number from/)
  })
})
