import { inEnglish } from '#test/support/in-english.ts'
import { said } from '#contract/reasons.ts'
import { describe, expect, it } from 'vitest'

import {
  defaultSettings,
  deploymentState,
  gpuLayersFor,
  measuredFor,
  offers,
  oneEach,
  smallerSettings,
  withMeasured,
  withRequested,
  type DeploymentSettings,
} from '#core/deployments/deployments.ts'
import { summarise } from '#core/deployments/engine-summary.ts'

const base: DeploymentSettings = {
  contextTokens: 4_096,
  slots: 4,
  threads: 8,
  gpuLayers: 0,
  processes: 1,
  gpus: 'together',
  kvType: 'f16',
  flashAttention: 'auto',
  batchTokens: 512,
}

describe('settings by rule', () => {
  const big = { parameters: 7e9, contextTokens: 131_072, neededBytes: 5e9 }
  it.each([
    ['every core may be used: the engine steps down by itself', big, { cores: 8, gpuFreeBytes: null }, base],
    [
      'a small model gets one thread and no GPU',
      { parameters: 9e5, contextTokens: 256, neededBytes: 1e7 },
      { cores: 64, gpuFreeBytes: 24e9 },
      { ...base, contextTokens: 256, threads: 1 },
    ],
    ['a GPU that holds it all', big, { cores: 8, gpuFreeBytes: 8e9 }, { ...base, gpuLayers: 1_000 }],
    ['a GPU that is short, of a model whose blocks are unknown', big, { cores: 8, gpuFreeBytes: 5.4e9 }, base],
    ['an unknown context', { ...big, contextTokens: null }, { cores: 8, gpuFreeBytes: null }, base],
  ] as const)('%s', (_name, model, facts, settings) => expect(defaultSettings(model, facts)).toEqual(settings))

  it.each([
    [null, 0],
    [8e9, 1_000],
    [2.75e9, 16],
    [0.4e9, 0],
  ])('with %s bytes of GPU memory free, %i of 32 blocks go there', (free, layers) =>
    expect(gpuLayersFor({ ...big, layers: 32 }, free)).toBe(layers),
  )

  it('what was measured stands over the defaults, and the owner’s fields over both', () => {
    const measured = { processes: 2, threads: 6, batchTokens: 256, gpus: 'together' } as const
    expect(withMeasured(base, measured, {})).toEqual({ ...base, threads: 6, processes: 2, batchTokens: 256 })
    expect(withMeasured(base, measured, { batchTokens: 64 }).batchTokens).toBe(64)
  })

  const onGpu: DeploymentSettings = { ...base, gpuLayers: 1_000 }
  it('one process on each GPU has the slots of one GPU on each; few threads do not keep a GPU idle, no layers leave nothing to choose', () => {
    expect(oneEach(onGpu, 3, {})).toEqual({ ...onGpu, gpus: 'each', processes: 3, slots: 12 })
    expect(oneEach(onGpu, 20, {})).toMatchObject({ processes: 8, slots: 32 })
    expect(oneEach({ ...onGpu, threads: 1 }, 4, {})).toMatchObject({ processes: 4, threads: 1 })
    expect(oneEach(onGpu, 3, { slots: 2 })).toMatchObject({ processes: 2, slots: 2 })
    expect(withRequested(onGpu, { gpus: 'each', gpuLayers: 0, processes: 2 })).toMatchObject({
      gpus: 'together',
      processes: 2,
    })
  })
  it('is made smaller without leaving a GPU idle first', () => {
    const each = oneEach(onGpu, 2, { contextTokens: 1_024 })
    expect(
      offers(each).map(({ slots, contextTokens, processes, gpus }) => [slots, contextTokens, processes, gpus]),
    ).toEqual([
      [4, 1_024, 2, 'each'],
      [2, 1_024, 2, 'each'],
      [2, 512, 2, 'each'],
    ])
  })
  it('a measurement of the processor is none of the GPUs, and one process each is taken only where it is the start already (it does not fit elsewhere)', () => {
    const found = { processes: 2, threads: 8, batchTokens: 512, gpus: 'each', quiet: true, onGpu: true } as const
    expect(measuredFor(onGpu, found)).toEqual({ processes: 2, threads: 8, batchTokens: 512, gpus: 'each' })
    expect(measuredFor(oneEach(onGpu, 2, {}), found)).toBeNull()
    expect(measuredFor(base, found)).toBeNull()
    expect(measuredFor(onGpu, { ...found, onGpu: false })).toBeNull()
    expect(withMeasured(onGpu, found, {})).toEqual(onGpu)
    expect(withMeasured(oneEach(onGpu, 2, {}), { ...found, processes: 1, gpus: 'together' }, {})).toMatchObject({
      gpus: 'together',
      processes: 1,
      slots: 8,
    })
  })

  it('the owner’s fields stand, and processes never outnumber what is shared out', () => {
    expect(withRequested(base, { threads: undefined, batchTokens: 1_024, flashAttention: 'off' })).toEqual({
      ...base,
      batchTokens: 1_024,
      flashAttention: 'off',
    })
    expect(withRequested(base, { processes: 8, slots: 2 }).processes).toBe(2)
    expect(withRequested(base, { processes: 4, threads: 1 }).processes).toBe(1)
  })

  it('smaller settings never grow and end', () => {
    expect(
      smallerSettings(base).map(({ slots, contextTokens, kvType, batchTokens }) => [
        slots,
        contextTokens,
        kvType,
        batchTokens,
      ]),
    ).toEqual([
      [4, 4_096, 'f16', 512],
      [4, 4_096, 'q8_0', 256],
      [2, 4_096, 'q8_0', 256],
      [1, 4_096, 'q8_0', 256],
      [1, 2_048, 'q8_0', 256],
      [1, 1_024, 'q8_0', 256],
      [1, 512, 'q8_0', 256],
    ])
    expect(offers({ ...base, slots: 2, contextTokens: 1_024 })).toEqual([
      { ...base, slots: 1, contextTokens: 1_024 },
      { ...base, slots: 1, contextTokens: 512 },
    ])
    expect(offers({ ...base, slots: 1, contextTokens: 64 })).toEqual([])
  })

  const failure = { code: 'ENGINE_CRASHED', reason: said('old'), smaller: null } as const
  it.each([
    [{ loading: true, attached: false, failure }, { kind: 'stopped' }, 'loading'],
    [{ loading: false, attached: true, failure }, { kind: 'backoff', until: 0, attempt: 1 }, 'failed'],
    [{ loading: false, attached: true, failure: null }, { kind: 'backoff', until: 0, attempt: 1 }, 'loading'],
    [{ loading: false, attached: true, failure: null }, { kind: 'broken', reason: said('x') }, 'failed'],
    [{ loading: false, attached: false, failure: null }, null, 'stopped'],
  ] as const)('%j with engine %j is %s', (wanted, state, shown) =>
    expect(deploymentState(wanted, state).state).toBe(shown),
  )
})

describe('several engines as one', () => {
  const model = { sha256: 'a' as never, contextTokens: 1, slots: 1, engine: 'e', device: 'd' }
  const loaded = (modelName: string) => ({ modelName, state: { kind: 'loaded', model } as const })
  const broken = { modelName: 'C', state: { kind: 'broken', reason: said('three crashes') } as const }
  it.each([
    [[], { kind: 'stopped', model: null, models: 0, detail: null }],
    [[loaded('A')], { kind: 'loaded', model: 'A', models: 1, detail: null }],
    [[loaded('A'), loaded('B'), broken], { kind: 'loaded', model: null, models: 2, detail: 'C: three crashes' }],
    [[broken], { kind: 'broken', model: null, models: 0, detail: 'three crashes' }],
    [
      [broken, { modelName: 'D', state: { kind: 'starting', attempt: 1 } as const }],
      { kind: 'starting', model: null, models: 0, detail: 'C: three crashes' },
    ],
  ])('%j: %j', (engines, shown) => expect(inEnglish(summarise(engines))).toEqual(shown))
})
