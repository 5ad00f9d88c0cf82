/** One process on each GPU, or one over all: what is chosen where nothing is requested, and which requests are refused. */
import { call } from '@orpc/server'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import type { Hardware } from '#contract/app.ts'
import { ALL_SCOPES } from '#core/os.ts'
import { rigContext, type RigContext } from '#test/support/rig-context.ts'

import { fakeModelEngines, type FakeModelEngines } from './fake-deployment-engine.ts'
import { addModel, machine, startDeployments, type Started } from './deployments-rig.ts'

const all = { context: { scopes: ALL_SCOPES } }
const GIB = 2 ** 30
const gpu = (freeGib: number | null): Hardware['gpus'][number] => ({
  name: 'Fake RTX',
  memoryBytes: 24 * GIB,
  memoryFreeBytes: freeGib === null ? null : freeGib * GIB,
})

let rig: RigContext
let engines: FakeModelEngines
beforeEach(() => {
  rig = rigContext()
  engines = fakeModelEngines()
})
afterEach(() => rig.dispose())

/** A rig with these GPUs, of which the engine sees so many. */
function startOn(gpus: Hardware['gpus'], sees = gpus.length): Started {
  engines.seesGpus = Array.from({ length: sees }, (_, index) => ({ index, name: 'Fake RTX' }))
  return startDeployments(rig, engines, { hardware: () => ({ ...machine, gpus }) })
}
const chosen = async (core: Started, requested: Parameters<Started['deployments']['deploy']>[1] = {}) =>
  (await core.deployments.deploy(await addModel(core, 'a.gguf'), requested)).settings
/** Memory of what is inspected with one process on each GPU. */
const onEach = (fits: 'yes' | 'tight' | 'no'): void => {
  engines.shared.header = (_path, settings) => ({
    memory: { neededBytes: 5e9, freeBytes: 4e9, fits: settings?.gpus === 'each' ? fits : 'yes', method: 'm' },
  })
}

describe('on several GPUs', () => {
  it('a model that fits on each gets a process on each, with the slots of one GPU on each; it is stored and loaded so', async () => {
    const core = startOn([gpu(20), gpu(20)])
    onEach('tight')
    const settings = await chosen(core)
    expect(settings).toMatchObject({ gpus: 'each', processes: 2, slots: 8, gpuLayers: 1_000 })
    expect(engines.loads().map((load) => load.settings)).toMatchObject([{ gpus: 'each', processes: 2, slots: 8 }])
    expect((await call(core.deployments.api.deployments, undefined, all))[0]?.settings).toEqual(settings)
    expect(startDeployments(rig, engines).deployments.list()[0]?.settings).toEqual(settings)
  })

  it('one that fits on all together only gets one process over them', async () => {
    onEach('no')
    expect(await chosen(startOn([gpu(20), gpu(20)]))).toMatchObject({
      gpus: 'together',
      processes: 1,
      slots: 4,
      gpuLayers: 1_000,
    })
  })

  it('one that even all together cannot hold keeps its partial offload, and nobody asks for more', async () => {
    engines.shared.header = () => ({ layers: 32 })
    const core = startOn([gpu(1), gpu(1)])
    expect(await chosen(core)).toMatchObject({ gpus: 'together', processes: 1 })
    expect(engines.inspections.some(({ settings }) => settings?.gpus === 'each')).toBe(false)
  })

  it.each([
    ['one GPU', [gpu(20)], 1],
    ['two, of which the engine can use one (the other is inside the processor)', [gpu(20), gpu(null)], 1],
    ['memory shared with the processor', [gpu(20), gpu(20)], 1],
    ['none', [], 0],
  ])('%s: one process, as ever', async (_name, gpus, sees) => {
    expect(await chosen(startOn(gpus, sees))).toMatchObject({ gpus: 'together', processes: 1, slots: 4 })
  })

  it('the engine that cannot say leaves them together: choosing must not keep a model from loading', async () => {
    const core = startOn([gpu(20), gpu(20)])
    engines.gpus = () => Promise.reject(new Error('no'))
    expect(await chosen(core)).toMatchObject({ gpus: 'together', processes: 1 })
  })
})

describe('what the owner requested', () => {
  it('stands: together, one process, other slots, more processes than GPUs', async () => {
    const core = startOn([gpu(20), gpu(20)])
    const sha256 = await addModel(core, 'a.gguf')
    const deployed = async (requested: Parameters<Started['deployments']['deploy']>[1]) =>
      (await core.deployments.deploy(sha256, requested)).settings
    expect(await deployed({ gpus: 'together' })).toMatchObject({ gpus: 'together', processes: 1 })
    expect(await deployed({ processes: 1 })).toMatchObject({ gpus: 'together', processes: 1 })
    expect(await deployed({ slots: 3 })).toMatchObject({ gpus: 'each', processes: 2, slots: 3 })
    expect(await deployed({ processes: 4 })).toMatchObject({ gpus: 'each', processes: 4, slots: 8 })
    expect(await deployed({ gpuLayers: 0 })).toMatchObject({ gpus: 'together', processes: 1 })
  })

  it('for one process on each counts the layers by the GPU with the least room, and is made where it does not seem to fit', async () => {
    const core = startOn([gpu(20), gpu(3)])
    engines.shared.header = (_path, settings) => ({
      layers: 32,
      memory: { neededBytes: 5e9, freeBytes: 4e9, fits: settings?.gpus === 'each' ? 'tight' : 'yes', method: 'm' },
    })
    const { gpus, gpuLayers } = await chosen(core, { gpus: 'each' })
    expect([gpus, gpuLayers]).toEqual(['each', Math.floor((32 * 3 * GIB) / (5e9 * 1.1))])
  })

  it.each([
    ['no layers on a GPU', [gpu(20), gpu(20)], 2, { gpus: 'each', gpuLayers: 0 }, /only with layers on a GPU/],
    ['one GPU', [gpu(20)], 1, { gpus: 'each' }, /sees one here/],
    ['a second one that the engine cannot use', [gpu(20), gpu(null)], 1, { gpus: 'each' }, /sees one here/],
    ['none', [], 0, { gpus: 'each', gpuLayers: 1_000 }, /sees none here/],
  ] as const)(
    'for one on each is refused with %s, and no deployment is made of it',
    async (_name, gpus, sees, requested, message) => {
      const core = startOn([...gpus], sees)
      await expect(chosen(core, requested)).rejects.toMatchObject({
        code: 'BAD_REQUEST',
        message: expect.stringMatching(message),
      })
      expect(core.deployments.list()).toEqual([])
    },
  )

  it.each([[34], [999]])(
    'for %i layers of a model that has 32 is refused with both numbers, others load',
    async (asked) => {
      const core = startOn([gpu(20)])
      engines.shared.header = () => ({ layers: 32 })
      await expect(chosen(core, { gpuLayers: asked })).rejects.toMatchObject({
        code: 'BAD_REQUEST',
        message: expect.stringMatching(new RegExp(`has 32 layers.*${asked} cannot lie on a GPU.*or 1000 for all`)),
      })
      expect(core.deployments.list()).toEqual([])
      const sha256 = await addModel(core, 'b.gguf')
      for (const gpuLayers of [0, 12, 33, 1_000])
        expect((await core.deployments.deploy(sha256, { gpuLayers })).settings.gpuLayers).toBe(gpuLayers)
    },
  )

  it('is one of two words', async () => {
    const core = startOn([gpu(20), gpu(20)])
    const sha256 = await addModel(core, 'a.gguf')
    await expect(
      call(core.deployments.api.deploy, { sha256, settings: { gpus: 'some' as never } }, all),
    ).rejects.toMatchObject({ code: 'BAD_REQUEST' })
  })

  it('that has no room on one of them is refused with the next smaller setting, for all of them together', async () => {
    const core = startOn([gpu(20), gpu(20)])
    engines.shared.header = (_path, settings) => ({
      memory: {
        neededBytes: 9e9,
        freeBytes: 4e9,
        fits: (settings?.slots ?? 1) * (settings?.contextTokens ?? 0) > 2 * 4_096 ? 'no' : 'tight',
        method: 'm',
      },
    })
    await expect(chosen(core, { gpus: 'each', slots: 8, contextTokens: 4_096 })).rejects.toMatchObject({
      code: 'ENGINE_OUT_OF_MEMORY',
      message: expect.stringContaining('on the GPU with the least room'),
      data: { slots: 2, contextTokens: 4_096 },
    })
  })
})
