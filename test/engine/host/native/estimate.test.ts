import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { describe, expect, it } from 'vitest'

import { StokerError } from '#contract/errors.ts'
import type { EngineSettings, ModelInspection } from '#core/engine/engine.port.ts'
import { loadFitting, nextSmaller } from '#engine/host/gguf/memory-fit.ts'
import {
  openEstimator,
  poolsTokens,
  scarcer,
  type Estimator,
  type MemorySettings,
} from '#engine/host/native/llama-estimate.ts'

import { tempDir } from '#test/support/temp-dir.ts'

import { NANO, ONE_SLOT } from '../../engine-support.ts'

/**
 * The bundled model as one that makes embeddings: its vocabulary's size (which its list of tokens says too) becomes
 * pooling by mean, its description gives the two bytes.
 */
function poolingNano(): string {
  const bytes = readFileSync(NANO)
  const description = bytes.indexOf('general.description') + 'general.description'.length + 4
  const length = Number(bytes.readBigUInt64LE(description))
  bytes.writeBigUInt64LE(BigInt(length - 2), description)
  const [end, key] = [description + 8 + length, bytes.indexOf('llama.vocab_size')]
  const name = Buffer.alloc(8 + 18 + 4 + 4)
  name.writeBigUInt64LE(18n)
  name.write('llama.pooling_type', 8)
  bytes.copy(name, 26, key + 16, key + 20)
  name.writeUInt32LE(1, 30)
  const path = join(tempDir(), 'pooling.gguf')
  writeFileSync(
    path,
    Buffer.concat([bytes.subarray(0, end - 2), bytes.subarray(end, key - 8), name, bytes.subarray(key + 24)]),
  )
  return path
}

const GIB = 2 ** 30
const settings: EngineSettings = { ...ONE_SLOT, slots: 16, contextTokens: 32_768 }
/** 1 GiB of weights and 64 KiB a token. */
const needed = ({ slots, contextTokens }: Pick<EngineSettings, 'slots' | 'contextTokens'>): number =>
  GIB + slots * contextTokens * 65_536
const fake =
  (freeBytes: number): Estimator =>
  async (settings) => ({
    neededBytes: needed(settings),
    freeBytes,
    totalBytes: 64 * GIB,
    supported: true,
    method: 'fake',
  })
const seen = (fits: 'yes' | 'tight' | 'no') => async (): Promise<ModelInspection> =>
  ({ memory: { fits } }) as ModelInspection
const caught = (work: Promise<unknown>): Promise<StokerError> =>
  work.then(
    () => expect.fail('it was loaded'),
    (error: StokerError) => error,
  )

describe('the memory a setting needs', () => {
  it('counts cache type, batch and processes on the real estimator (a setting that is offered and does not fit)', async () => {
    const estimator = await openEstimator(NANO, false)
    const bytes = async (more: Partial<MemorySettings>): Promise<number> =>
      (await estimator({ contextTokens: 1_024, slots: 4, gpuLayers: 0, ...more })).neededBytes
    const plain = await bytes({})
    expect(await bytes({ kvType: 'q8_0' })).toBeLessThan(plain)
    expect(await bytes({ batchTokens: 128 })).toBeLessThan(plain)
    expect(await bytes({ slots: 8 })).toBeGreaterThan(plain)
    expect(await bytes({ processes: 2 })).toBeGreaterThan(plain + 100 * 2 ** 20)
    expect(await bytes({ prefixReuse: true })).toBe(plain + 256 * 2 ** 20)
    expect(await bytes({ prefixReuse: true, savedPrefixBytes: 2 ** 20 })).toBe(plain + 2 ** 20)
    expect(await bytes({ prefixReuse: false, savedPrefixBytes: 2 ** 20 })).toBe(plain)
    expect(
      (await estimator({ contextTokens: 1_024, slots: 4, gpuLayers: 0, processes: 2, kvType: 'q8_0' })).method,
    ).toContain('4 × 1024 tokens, q8_0 cache, 2 processes')
  })
})

describe('the memory that counts', () => {
  const room = (neededBytes: number, freeBytes: number) => ({ neededBytes, freeBytes, totalBytes: 64 * GIB })
  it('is the scarcer one (a model too large for the GPU that fits the sum of both)', () => {
    expect(scarcer(room(GIB, 60 * GIB), room(9 * GIB, 8 * GIB))).toEqual(room(9 * GIB, 8 * GIB))
    expect(scarcer(room(9 * GIB, 8 * GIB), room(GIB, 60 * GIB))).toEqual(room(9 * GIB, 8 * GIB))
    expect(scarcer(room(GIB, 8 * GIB), room(0, 0))).toEqual(room(GIB, 8 * GIB))
  })

  it('holds a second context where the file pools its tokens for embeddings, as it can only there', async () => {
    expect([
      poolsTokens({ general: { architecture: 'bert' }, bert: { pooling_type: 1 } } as never),
      poolsTokens({ general: { architecture: 'llama' } }),
    ]).toEqual([true, false])
    const plain = await (await openEstimator(NANO, false))({ contextTokens: 1_024, slots: 1, gpuLayers: 0 })
    const pooling = await (await openEstimator(poolingNano(), false))({ contextTokens: 1_024, slots: 1, gpuLayers: 0 })
    expect(pooling.neededBytes).toBeGreaterThan(plain.neededBytes + 2 ** 20)
  })
})

describe('the next smaller setting', () => {
  it('fits, with some room, and gives up slots and context in turns', async () => {
    const smaller = await nextSmaller(settings, 8 * GIB, async (settings) => needed(settings))
    expect(smaller).toEqual({ slots: 4, contextTokens: 16_384 })
    expect(needed(smaller!)).toBeLessThan(8 * GIB * 0.9)
  })

  it('keeps a useful context while there are slots to give up, and is none when even the smallest does not fit', async () => {
    expect(
      await nextSmaller({ ...settings, contextTokens: 2_048 }, 1.5 * GIB, async (settings) => needed(settings)),
    ).toEqual({
      slots: 2,
      contextTokens: 2_048,
    })
    expect(await nextSmaller(settings, GIB, async (settings) => needed(settings))).toBeNull()
    expect(await nextSmaller({ ...settings, slots: 1, contextTokens: 100 }, 0, async () => 1)).toBeNull()
  })
})

describe('a load', () => {
  const openFake = (freeBytes: number) => async (): Promise<Estimator> => fake(freeBytes)

  it('is refused before it starts when it needs more than is free, with the setting that fits (Linux would end the process in the middle)', async () => {
    let loads = 0
    const error = await caught(
      loadFitting(settings, { inspect: seen('no'), openEstimator: openFake(8 * GIB) }, async () => (loads += 1)),
    )
    expect(error).toMatchObject({ code: 'ENGINE_OUT_OF_MEMORY', data: { slots: 4, contextTokens: 16_384 } })
    expect(error.message).toContain('Use 4 slots of 16384 tokens')
    expect(loads).toBe(0)
  })

  it('goes on when it is tight, and offers something smaller when the engine itself runs out of memory', async () => {
    expect(
      await loadFitting(settings, { inspect: seen('tight'), openEstimator: openFake(64 * GIB) }, async () => 'loaded'),
    ).toBe('loaded')
    const refuse = async (): Promise<never> => {
      throw new StokerError('ENGINE_OUT_OF_MEMORY', 'Not enough memory for the context.')
    }
    const error = await caught(
      loadFitting(settings, { inspect: seen('yes'), openEstimator: openFake(64 * GIB) }, refuse),
    )
    expect(error).toMatchObject({ code: 'ENGINE_OUT_OF_MEMORY', data: { slots: 8, contextTokens: 32_768 } })
  })

  it('is told apart from memory that was taken meanwhile: two that both want the last of it', async () => {
    let left = 200 * 2 ** 20
    const load = async (): Promise<string> => {
      if (left < 150 * 2 ** 20) throw new StokerError('ENGINE_OUT_OF_MEMORY', 'allocation failed')
      left -= 150 * 2 ** 20
      return 'loaded'
    }
    // Both look before either takes any.
    const [first, second] = await Promise.allSettled(
      [1, 2].map(() => loadFitting(settings, { inspect: seen('tight'), openEstimator: openFake(64 * GIB) }, load)),
    )
    expect(first).toMatchObject({ value: 'loaded' })
    expect(second).toMatchObject({
      reason: {
        code: 'ENGINE_OUT_OF_MEMORY',
        message: expect.stringMatching(/seemed to be memory.*something else took it/),
        data: { slots: 8 },
      },
    })
  })

  it('keeps what else went wrong, and says too big when nothing smaller fits', async () => {
    const fail = async (): Promise<never> => {
      throw new StokerError('ENGINE_LOAD_FAILED', 'no')
    }
    expect(
      (await caught(loadFitting(settings, { inspect: seen('yes'), openEstimator: openFake(64 * GIB) }, fail))).code,
    ).toBe('ENGINE_LOAD_FAILED')
    const tooBig = async (): Promise<never> => {
      throw new StokerError('MODEL_TOO_BIG', 'no')
    }
    expect(
      (await caught(loadFitting(settings, { inspect: tooBig, openEstimator: openFake(8 * GIB) }, fail))).data,
    ).toMatchObject({ slots: 4 })
    expect((await caught(loadFitting(settings, { inspect: tooBig, openEstimator: openFake(GIB) }, fail))).code).toBe(
      'MODEL_TOO_BIG',
    )
  })
})
