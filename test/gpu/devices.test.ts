/** What the engine sees of GPUs and of their memory, and what it says where a variable names none. */
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'

import { ensureShape } from '../../tools/bench/shapes.ts'
import { ask, NANO, realEngine, run, SHA } from '../engine/engine-support.ts'
import { gpus, isCard, makeEngines, noGpu, noTwo, ON_GPU, SOFTWARE_BYTES, TWO } from './gpu-machine.ts'

afterEach(() => void vi.unstubAllEnvs())

/** KV cache of 4 KiB a token: 64 slots of 8,192 tokens are two GiB of it. */
const wide = (): string => ensureShape({ preset: 'mini', type: 'q8_0' })

function engine() {
  const made = realEngine()
  onTestFinished(() => made.engine.stop())
  return made.engine
}
const inspector = () => {
  const { engines } = makeEngines()
  onTestFinished(() => engines.stop())
  return engines
}

describe.skipIf(noGpu)('the list', () => {
  it('names each device once, in the order of its backend', async ({ task }) => {
    expect(gpus.map(({ index }) => index)).toEqual(gpus.map((_, at) => at))
    for (const { name } of gpus) expect(name).toMatch(/\w/)
    if (!isCard)
      expect(gpus).toEqual([
        {
          index: 0,
          name: expect.stringMatching(/llvmpipe/i),
          backend: 'Vulkan',
          integrated: false,
          totalBytes: 2_147_483_648,
          freeBytes: expect.any(Number),
          pci: null,
        },
      ])
    task.meta.seen = gpus.map(({ name }) => name).join(' + ')
  })

  it.skipIf(noTwo)('has two where two are named', async ({ task }) => {
    if (TWO !== undefined) vi.stubEnv('GGML_VK_VISIBLE_DEVICES', TWO)
    const seen = await engine().gpus()
    expect(seen.length).toBeGreaterThan(1)
    expect(seen.map(({ index }) => index)).toEqual(seen.map((_, at) => at))
    task.meta.seen = `${seen.length} devices`
  })
})

describe.skipIf(noGpu || isCard)('a device that is not there', () => {
  it('by a variable that names none: the list is empty, and a load says which variable says what', async ({ task }) => {
    vi.stubEnv('GGML_VK_VISIBLE_DEVICES', '7')
    const one = engine()
    expect(await one.gpus()).toEqual([])
    await expect(one.load({ path: NANO, sha256: SHA }, ON_GPU)).rejects.toMatchObject({
      code: 'ENGINE_LOAD_FAILED',
      message: expect.stringContaining('none here with GGML_VK_VISIBLE_DEVICES=7'),
    })
    expect(one.state().kind).toBe('ready')
    // Without layers on it nobody needs one.
    expect(await one.load({ path: NANO, sha256: SHA }, { ...ON_GPU, gpuLayers: 0 })).toMatchObject({ slots: 2 })
    task.meta.seen = 'refused with the variable and its value'
  })

  it('any more between the list and the load: refused, and what was loaded before serves on', async ({ task }) => {
    const { engines } = makeEngines()
    onTestFinished(() => engines.stop())
    const file = { path: NANO, sha256: SHA }
    const before = engines.of('before', { kind: 'local' })
    await before.load(file, { ...ON_GPU, slots: 1 })
    expect(await engines.gpus()).toHaveLength(1)
    vi.stubEnv('GGML_VK_VISIBLE_DEVICES', '7')
    await expect(engines.of('after', { kind: 'local' }).load(file, { ...ON_GPU, gpus: 'each' })).rejects.toMatchObject({
      code: 'ENGINE_LOAD_FAILED',
      message: expect.stringContaining('cannot be seen here'),
    })
    expect(before.state().kind).toBe('loaded')
    expect(await run(before, ask('Say hello.', { maxTokens: 2 }))).toMatchObject({ error: null })
    task.meta.seen = 'refused; the other one answers'
  })
})

describe.skipIf(noGpu)('memory', () => {
  it.skipIf(isCard)('of the software device is 2 GiB to the byte, for one and for two', async ({ task }) => {
    const one = (await inspector().inspect(NANO, ON_GPU)).memory
    expect(one).toMatchObject({ freeBytes: SOFTWARE_BYTES, fits: 'yes' })
    expect(one.method).toMatch(/^vulkan, 2 × 96 tokens/)
    expect(one.neededBytes).toBeGreaterThan(1_000_000)
    vi.stubEnv('GGML_VK_VISIBLE_DEVICES', TWO)
    const engines = inspector()
    expect((await engines.inspect(NANO, ON_GPU)).memory.freeBytes).toBe(2 * SOFTWARE_BYTES)
    const each = await engines.inspect(NANO, { ...ON_GPU, gpus: 'each', processes: 2 })
    expect(each.memory).toMatchObject({
      freeBytes: SOFTWARE_BYTES,
      method: expect.stringMatching(/on the tightest of 2 GPUs/),
    })
    task.meta.seen = `${one.freeBytes.toLocaleString('en')} bytes free, ${one.neededBytes.toLocaleString('en')} needed`
  })

  it.skipIf(isCard)(
    'needed is compared with it at the edge: yes to 80 %, tight to all of it, no beyond',
    async ({ task }) => {
      const engines = inspector()
      const path = wide()
      const seen: string[] = []
      for (const slots of [40, 44, 48, 52, 56, 60, 64]) {
        const { neededBytes, freeBytes, fits } = (
          await engines.inspect(path, { ...ON_GPU, slots, contextTokens: 8_192 }).catch((error: unknown) => {
            expect(error).toMatchObject({ code: 'MODEL_TOO_BIG', data: { totalBytes: SOFTWARE_BYTES } })
            const { neededBytes } = (error as { data: { neededBytes: number } }).data
            return { memory: { neededBytes, freeBytes: SOFTWARE_BYTES, fits: 'no' as const } }
          })
        ).memory
        expect(freeBytes).toBe(SOFTWARE_BYTES)
        const expected = neededBytes <= 0.8 * freeBytes ? 'yes' : neededBytes <= freeBytes ? 'tight' : 'no'
        expect(`${slots} slots: ${fits}`).toBe(`${slots} slots: ${expected}`)
        seen.push(fits)
      }
      expect(new Set(seen)).toEqual(new Set(['yes', 'tight', 'no']))
      task.meta.seen = seen.join(' ')
    },
  )

  it.skipIf(isCard)('too small: a typed refusal with a smaller setting, which then loads', async ({ task }) => {
    const one = engine()
    const file = { path: wide(), sha256: SHA }
    const error: unknown = await one
      .load(file, { ...ON_GPU, slots: 64, contextTokens: 8_192 })
      .catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'ENGINE_OUT_OF_MEMORY', data: { slots: expect.any(Number) } })
    const { slots, contextTokens } = (error as { data: { slots: number; contextTokens: number } }).data
    expect(slots * contextTokens).toBeLessThan(64 * 8_192)
    const smaller = (await inspector().inspect(file.path, { ...ON_GPU, slots, contextTokens })).memory
    expect(smaller.neededBytes).toBeLessThanOrEqual(SOFTWARE_BYTES)
    expect(one.state().kind).toBe('ready')
    expect(await one.load({ path: NANO, sha256: SHA }, ON_GPU)).toMatchObject({ slots: 2 })
    task.meta.seen = `64 × 8,192 refused, ${slots} × ${contextTokens.toLocaleString('en')} offered`
  })
})
