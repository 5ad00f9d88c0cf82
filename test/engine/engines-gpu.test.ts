/**
 * Processes with a GPU each, as far as that can be shown without one: environments, real children that tell what they
 * see, and what is refused.
 */
import { resolve } from 'node:path'

import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'

import type { EngineSettings } from '#core/engine/engine.port.ts'
import type { EnginesPort } from '#core/engine/engines.port.ts'
import type { ForkedHost } from '#engine/client/engine-client.ts'
import { createEngines } from '#engine/engines.ts'
import { forkEngineChild } from '#engine/client/fork-child.ts'
import { systemClock } from '#lib/system-clock.ts'
import { createLog } from '#lib/log.ts'

import { FOUR_SLOTS, NANO, realEngine, SHA } from './engine-support.ts'

const log = createLog('test').child({}, { level: 'silent' })
const ENTRY = resolve(import.meta.dirname, 'gpu-child.ts')
const FILE = { path: '/models/a.gguf', sha256: SHA }
const EACH: EngineSettings = { ...FOUR_SLOTS, gpuLayers: 1_000, processes: 2, gpus: 'each', threads: 2 }
const DEVICES = [
  'CUDA_VISIBLE_DEVICES',
  'HIP_VISIBLE_DEVICES',
  'GGML_VK_VISIBLE_DEVICES',
  'ROCR_VISIBLE_DEVICES',
] as const

const made: EnginesPort[] = []
afterEach(async () => {
  vi.unstubAllEnvs()
  await Promise.all(made.splice(0).map((engines) => engines.stop()))
})

/** Engines whose hosts are real children that only tell what they see. */
function realChildren(environment: Record<string, string | undefined> = {}) {
  for (const name of DEVICES) vi.stubEnv(name, undefined)
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value)
  const forks: { gpu: number | null; host: ForkedHost }[] = []
  const engines = createEngines({
    clock: systemClock,
    log,
    fork: ({ gpu }) => {
      const host = forkEngineChild({ entry: ENTRY, gpu })
      forks.push({ gpu, host })
      return host
    },
  })
  made.push(engines)
  return { engines, forks }
}

describe('processes with a GPU each', () => {
  it('see it alone, through the real fork; the others see all', async () => {
    const { engines, forks } = realChildren()
    const model = await engines.of('d', { kind: 'local' }).load(FILE, EACH)
    expect(model).toMatchObject({ slots: 4, device: 'Fake GPU 0, Fake GPU 1', engine: '0 0 0, 1 1 1' })
    expect(
      engines
        .of('d', { kind: 'local' })
        .stats()
        .processes.map(({ name }) => name),
    ).toEqual(['process 1 of 2 on GPU 0', 'process 2 of 2 on GPU 1'])
    // The one that was asked for the GPUs, and those bound to them.
    expect(forks.map(({ gpu }) => gpu)).toEqual([null, 0, 1])
  })

  it('take the owner’s list as the rig there is; more processes than GPUs go round', async () => {
    const { engines, forks } = realChildren({ CUDA_VISIBLE_DEVICES: '3,1' })
    const model = await engines.of('d', { kind: 'local' }).load(FILE, { ...EACH, processes: 3 })
    expect(model.device).toBe('Fake GPU 3, Fake GPU 1')
    expect(forks.map(({ gpu }) => gpu)).toEqual([null, 0, 1, 0])
  })

  it('are started anew when a load wants another distribution (a process sees for good what it saw first)', async () => {
    const { engines, forks } = realChildren()
    const engine = engines.of('d', { kind: 'local' })
    expect((await engine.load(FILE, { ...EACH, gpus: 'together', processes: 1 })).device).toBe(
      'Fake GPU 0 + Fake GPU 1',
    )
    expect((await engine.load(FILE, EACH)).device).toBe('Fake GPU 0, Fake GPU 1')
    expect((await engine.load(FILE, { ...EACH, gpus: 'together' })).device).toBe('Fake GPU 0 + Fake GPU 1')
    expect(forks.map(({ gpu }) => gpu)).toEqual([null, null, 0, 1, null, null])
  })

  it('that have no room on one of the GPUs: a typed refusal with the next smaller setting for all, and no process tries again by itself', async () => {
    const { engines, forks } = realChildren({ TMPDIR: '/nowhere/full-1' })
    const engine = engines.of('d', { kind: 'local' })
    await expect(engine.load(FILE, EACH)).rejects.toMatchObject({
      code: 'ENGINE_OUT_OF_MEMORY',
      data: { slots: 4, contextTokens: 64 },
    })
    expect(engine.state().kind).toBe('ready')
    expect(forks).toHaveLength(3)
  })

  it('are refused where the engine sees no GPU, before any is started', async () => {
    const { engines, forks } = realChildren({ CUDA_VISIBLE_DEVICES: '' })
    await expect(engines.of('d', { kind: 'local' }).load(FILE, EACH)).rejects.toMatchObject({
      code: 'ENGINE_LOAD_FAILED',
      message: expect.stringContaining('no GPU'),
    })
    expect(forks).toHaveLength(1)
  })

  it('are asked for their memory one GPU at a time, and the tightest counts', async () => {
    const { engines, forks } = realChildren()
    const { memory } = await engines.inspect('/models/a.gguf', { ...EACH, processes: 3, slots: 5 })
    // GPU 0 has two of the processes, with three of the five slots.
    expect(memory).toMatchObject({
      neededBytes: 600,
      freeBytes: 1_000,
      method: 'Fake GPU 0, on the tightest of 2 GPUs',
    })
    expect(forks.map(({ gpu }) => gpu)).toEqual([null, 0, 1])
    expect((await engines.inspect('/models/a.gguf', { ...EACH, gpuLayers: 0 })).memory.method).toBe(
      'Fake GPU 0 + Fake GPU 1',
    )
    await engines.endHelpers()
    expect(await engines.gpus()).toEqual([
      { index: 0, name: 'Fake GPU 0' },
      { index: 1, name: 'Fake GPU 1' },
    ])
  })
})

it.skipIf(process.platform === 'darwin')(
  'a real host whose GPU is not there says so, and serves from the processor only when that is meant',
  async () => {
    const { engine } = realEngine(() => forkEngineChild({ gpu: 99 }))
    onTestFinished(() => engine.stop())
    const settings: EngineSettings = { ...EACH, processes: 1 }
    await expect(engine.load({ path: NANO, sha256: SHA }, settings)).rejects.toMatchObject({
      code: 'ENGINE_LOAD_FAILED',
      message: expect.stringContaining('cannot be seen'),
    })
    expect(await engine.load({ path: NANO, sha256: SHA }, { ...settings, gpuLayers: 0 })).toMatchObject({
      device: expect.stringMatching(/^CPU/),
    })
  },
)
