import { describe, expect, it } from 'vitest'

import { choiceFields, EMPTY_DRAFT, readSettings } from '../../src-renderer/features/models/settings-draft.ts'
import { insteadWords, smallerIn } from '../../src-renderer/features/models/smaller.ts'

describe('settings of a deployment', () => {
  it('an empty field requests nothing: it must not reach the core as 0', () => {
    expect(readSettings(EMPTY_DRAFT)).toEqual({ requested: {}, problems: {} })
    expect(readSettings({ ...EMPTY_DRAFT, slots: ' 2 ', gpuLayers: '0' })).toEqual({
      requested: { slots: 2, gpuLayers: 0 },
      problems: {},
    })
  })
  it('choices are sent as the contract names them; an unknown one requests nothing', () => {
    expect(readSettings({ ...EMPTY_DRAFT, kvType: 'q8_0', flashAttention: 'off', processes: '2' })).toEqual({
      requested: { kvType: 'q8_0', flashAttention: 'off', processes: 2 },
      problems: {},
    })
    expect(readSettings({ ...EMPTY_DRAFT, kvType: 'q4_0' }).requested).toEqual({})
  })
  it('GPUs are a question only with several of them and layers there; what is not asked requests nothing', () => {
    const asked = (gpuLayers: string, gpus: number): boolean =>
      choiceFields({ ...EMPTY_DRAFT, gpuLayers }, gpus).some(({ name }) => name === 'gpus')
    expect([asked('', 2), asked('1000', 2), asked('', 1), asked('', 0), asked(' 0 ', 2)]).toEqual([
      true,
      true,
      false,
      false,
      false,
    ])
    expect(readSettings({ ...EMPTY_DRAFT, gpus: 'each' }).requested).toEqual({ gpus: 'each' })
    expect(readSettings({ ...EMPTY_DRAFT, gpus: 'each', gpuLayers: '0' }).requested).toEqual({ gpuLayers: 0 })
    expect(readSettings({ ...EMPTY_DRAFT, gpus: 'some' }).requested).toEqual({})
  })
  it.each([
    ['contextTokens', '31'],
    ['slots', '0'],
    ['slots', '2.5'],
    ['threads', 'all'],
    ['gpuLayers', '-1'],
    ['processes', '9'],
    ['batchTokens', '16'],
    ['contextTokens', '99999999'],
  ] as const)('%s of %s is told before anything is asked of the core', (name, text) => {
    const { requested, problems } = readSettings({ ...EMPTY_DRAFT, [name]: text })
    expect(requested).toEqual({})
    expect(problems[name]).toMatch(/^A whole number from/)
  })
})

describe('what fits instead', () => {
  const refused = (code: string, data: object): Error =>
    Object.assign(new Error('Not enough memory.'), { data: { code, data } })
  it('is read from a load refused for memory, and from nothing else', () => {
    expect(smallerIn(refused('ENGINE_OUT_OF_MEMORY', { slots: 1, contextTokens: 4_096 }))).toEqual({
      slots: 1,
      contextTokens: 4_096,
    })
    expect(smallerIn(refused('ENGINE_OUT_OF_MEMORY', { slots: 1 }))).toBeNull()
    expect(smallerIn(refused('CONTEXT_TOO_LONG', { slots: 1, contextTokens: 4_096 }))).toBeNull()
    expect(smallerIn(new Error('offline'))).toBeNull()
  })
  it('says both figures: a button without them would load who knows what', () => {
    expect(insteadWords({ slots: 2, contextTokens: 8_192 })).toBe('Load with 2 slots of 8,192 tokens instead')
  })
})
