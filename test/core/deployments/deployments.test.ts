import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { call } from '@orpc/server'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { StokerError } from '#contract/errors.ts'
import type { Hardware } from '#contract/app.ts'
import { createDeployments } from '#core/deployments/index.ts'
import { defaultSettings, deploymentState, smallerSettings } from '#core/deployments/deployments.ts'
import { createModels } from '#core/models/index.ts'
import { ALL_SCOPES } from '#core/rpc.ts'
import { settle } from '#test/support/fake-clock.ts'
import { rigContext, type RigContext } from '#test/support/rig-context.ts'

import { FakeModelEngine } from './fake-engine.ts'

const all = { context: { scopes: ALL_SCOPES } }
const machine: Hardware = { hostname: 'h', os: 'o', cpu: 'c', cores: 8, memoryBytes: 1, memoryFreeBytes: 1, gpus: [], at: 0 }

let rig: RigContext
let engine: FakeModelEngine
let inUse: Map<string, string>
beforeEach(() => {
  rig = rigContext()
  engine = new FakeModelEngine()
  inUse = new Map()
})
afterEach(() => rig.dispose())

function start() {
  const models = createModels({ ...rig, engine, bundledModelsDir: join(rig.dataDir, 'none') }, { inUse: (sha256) => deployments.modelInUse(sha256), freeBytes: () => 1e10 })
  const deployments = createDeployments({ ...rig, engine }, { models, hardware: { current: () => Promise.resolve(machine) } }, { inUse: (id) => inUse.get(id) ?? null })
  return { models, deployments }
}
type Core = ReturnType<typeof start>

async function add({ models }: Core, name: string): Promise<string> {
  const path = join(rig.dataDir, name)
  writeFileSync(path, name)
  for await (const step of models.import(path)) if (step.kind === 'done') return step.model.sha256
  throw new Error('no model')
}
/** Waits for background loads: they are promise chains without time, but with file reads in between. */
async function until(what: () => boolean): Promise<void> {
  for (let tries = 0; tries < 2_000 && !what(); tries += 1) await settle()
  expect(what()).toBe(true)
}

describe('deploying', () => {
  it('chooses settings for the machine, loads, and finds the same deployment the next time', async () => {
    const core = start()
    const sha256 = await add(core, 'a.gguf')
    const first = await call(core.deployments.api.deploy, { sha256 }, all)
    expect(first).toMatchObject({ state: 'loaded', detail: 'fake CPU', rssBytes: 123_456, modelName: 'Fake 7B', settings: { contextTokens: 4_096, slots: 4, gpuLayers: 0 } })
    expect(engine.loads).toEqual([{ path: join(rig.dataDir, 'a.gguf'), settings: { ...first.settings, prefixReuse: true } }])
    expect((await call(core.deployments.api.deploy, { sha256 }, all)).deploymentId).toBe(first.deploymentId)
    expect((await core.deployments.deploy(sha256, first.settings)).deploymentId).toBe(first.deploymentId)
    expect(engine.loads).toHaveLength(1)
    expect(core.deployments.loaded()).toMatchObject({ deploymentId: first.deploymentId, sha256, modelName: 'Fake 7B', model: { engine: 'fake 1' } })
    const other = await core.deployments.deploy(sha256, { slots: 2 })
    expect(other.deploymentId).not.toBe(first.deploymentId)
    expect(core.deployments.list().map(({ state }) => state)).toEqual(['stopped', 'loaded'])
  })

  it('takes fewer slots, then less context, when memory is short, and only when the owner named nothing', async () => {
    const core = start()
    const sha256 = await add(core, 'a.gguf')
    engine.header = (_path, settings) => ({
      memory: { neededBytes: 1, freeBytes: 1, fits: (settings?.slots ?? 1) * (settings?.contextTokens ?? 0) > 2_048 ? 'no' : 'tight', method: 'm' },
    })
    expect((await core.deployments.deploy(sha256, {})).settings).toMatchObject({ slots: 1, contextTokens: 2_048 })
    expect((await core.deployments.deploy(sha256, { contextTokens: 8_192 })).settings).toMatchObject({ slots: 4, contextTokens: 8_192 })
  })

  it('shows a failed load with its reason, throws it, and does not try again by itself', async () => {
    const core = start()
    const sha256 = await add(core, 'a.gguf')
    engine.onLoad = () => {
      throw new StokerError('ENGINE_OUT_OF_MEMORY', 'Too little memory: try 1 slot.')
    }
    await expect(core.deployments.deploy(sha256, {})).rejects.toMatchObject({ code: 'ENGINE_OUT_OF_MEMORY' })
    await settle()
    expect(core.deployments.list()).toMatchObject([{ state: 'failed', detail: 'Too little memory: try 1 slot.' }])
    expect(engine.loads).toHaveLength(1)
    expect(core.deployments.loaded()).toBeNull()
  })

  it('runs changes one after another', async () => {
    const core = start()
    const [one, two] = [await add(core, 'a.gguf'), await add(core, 'b.gguf')]
    let let1: () => void = () => undefined
    engine.onLoad = () =>
      new Promise((resolve) => {
        let1 = resolve
      })
    const first = core.deployments.deploy(one, {})
    await until(() => engine.loads.length === 1)
    const second = core.deployments.deploy(two, {})
    await settle()
    expect(core.deployments.list().filter(({ state }) => state === 'loading')).toHaveLength(1)
    expect(engine.loads).toHaveLength(1)
    engine.onLoad = () => undefined
    let1()
    expect((await Promise.all([first, second])).map(({ sha256 }) => sha256)).toEqual([one, two])
    expect(core.deployments.loaded()?.sha256).toBe(two)
  })
})

describe('a deployment in use', () => {
  it('is not unloaded, not replaced and its model not removed', async () => {
    const core = start()
    const [one, two] = [await add(core, 'a.gguf'), await add(core, 'b.gguf')]
    const { deploymentId } = await core.deployments.deploy(one, {})
    expect(() => {
      throw new Error(core.deployments.modelInUse(one) ?? 'free')
    }).toThrow('Fake 7B is in memory; unload it first.')
    inUse.set(deploymentId, 'It is listed on practice/text-nano; withdraw it first.')
    await expect(call(core.deployments.api.unload, { deploymentId }, all)).rejects.toMatchObject({
      data: { code: 'MODEL_IN_USE' },
      message: 'It is listed on practice/text-nano; withdraw it first.',
    })
    await expect(core.deployments.deploy(two, {})).rejects.toMatchObject({ code: 'MODEL_IN_USE' })
    expect(core.deployments.loaded()?.sha256).toBe(one)
    expect(engine.unloads).toBe(0)
    inUse.clear()
    expect(await call(core.deployments.api.unload, { deploymentId }, all)).toMatchObject({ state: 'stopped', rssBytes: null })
    expect(await core.models.remove(one)).toBe(true)
    await expect(core.deployments.unload(deploymentId)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })
})

describe('crashes and restarts', () => {
  it('loads again after a crash, at most three times without success', async () => {
    const core = start()
    const { deploymentId } = await core.deployments.deploy(await add(core, 'a.gguf'), {})
    engine.crashAndReturn()
    await until(() => engine.loads.length === 2 && engine.state().kind === 'loaded')
    engine.onLoad = () => {
      throw new StokerError('ENGINE_CRASHED', 'The engine crashed while loading.')
    }
    engine.crashAndReturn()
    for (let crash = 0; crash < 6; crash += 1) {
      await until(() => core.deployments.list()[0]?.state === 'failed')
      engine.crashAndReturn()
    }
    await until(() => core.deployments.list()[0]?.state === 'failed')
    expect(engine.loads).toHaveLength(5)
    engine.onLoad = () => undefined
    expect(await call(core.deployments.api.retryEngine, undefined, all)).toEqual({ state: 'loaded' })
    expect(core.deployments.loaded()?.deploymentId).toBe(deploymentId)
  })

  it('loads at start what was in memory at the end, but not what the owner unloaded', async () => {
    const before = start()
    const { deploymentId } = await before.deployments.deploy(await add(before, 'a.gguf'), {})
    before.deployments.stop()
    expect(engine.listenerCount).toBe(0)
    engine = new FakeModelEngine()
    const after = start()
    after.deployments.start()
    await until(() => after.deployments.loaded()?.deploymentId === deploymentId)
    await after.deployments.unload(deploymentId)
    engine = new FakeModelEngine()
    const third = start()
    third.deployments.start()
    for (let turn = 0; turn < 20; turn += 1) await settle()
    expect(engine.loads).toEqual([])
  })

  it('ensureLoaded brings a stored one into memory and knows unknown ids', async () => {
    const core = start()
    const { deploymentId } = await core.deployments.deploy(await add(core, 'a.gguf'), {})
    await core.deployments.unload(deploymentId)
    expect(await core.deployments.ensureLoaded(deploymentId)).toMatchObject({ engine: 'fake 1' })
    await expect(core.deployments.ensureLoaded('dep_none')).rejects.toMatchObject({ code: 'NOT_FOUND' })
    expect(core.deployments.find('dep_none')).toBeNull()
  })
})

describe('settings by rule', () => {
  const big = { parameters: 7e9, contextTokens: 131_072, neededBytes: 5e9 }
  it.each([
    ['one core is left for the machine', big, { cores: 8, gpuFreeBytes: null }, { contextTokens: 4_096, slots: 4, threads: 7, gpuLayers: 0 }],
    ['a single core is still one thread', big, { cores: 1, gpuFreeBytes: null }, { contextTokens: 4_096, slots: 4, threads: 1, gpuLayers: 0 }],
    [
      'a small model gets one thread and no GPU',
      { parameters: 9e5, contextTokens: 256, neededBytes: 1e7 },
      { cores: 64, gpuFreeBytes: 24e9 },
      { contextTokens: 256, slots: 4, threads: 1, gpuLayers: 0 },
    ],
    ['a GPU that holds it all', big, { cores: 8, gpuFreeBytes: 8e9 }, { contextTokens: 4_096, slots: 4, threads: 7, gpuLayers: 1_000 }],
    ['a GPU that is a little short', big, { cores: 8, gpuFreeBytes: 5.4e9 }, { contextTokens: 4_096, slots: 4, threads: 7, gpuLayers: 0 }],
    ['an unknown context', { ...big, contextTokens: null }, { cores: 8, gpuFreeBytes: null }, { contextTokens: 4_096, slots: 4, threads: 7, gpuLayers: 0 }],
  ])('%s', (_name, model, facts, settings) => expect(defaultSettings(model, facts)).toEqual(settings))

  it('smaller settings never grow and end', () => {
    const steps = smallerSettings({ contextTokens: 4_096, slots: 4, threads: 7, gpuLayers: 0 }).map(({ slots, contextTokens }) => [slots, contextTokens])
    expect(steps).toEqual([
      [4, 4_096],
      [2, 4_096],
      [1, 4_096],
      [1, 2_048],
      [1, 1_024],
      [1, 512],
    ])
    expect(smallerSettings({ contextTokens: 64, slots: 1, threads: 1, gpuLayers: 0 })).toHaveLength(1)
  })

  it.each([
    [{ loading: true, held: false, failure: 'old' }, { kind: 'stopped' }, 'loading'],
    [{ loading: false, held: true, failure: 'crashed' }, { kind: 'backoff', until: 0, attempt: 1 }, 'failed'],
    [{ loading: false, held: true, failure: null }, { kind: 'backoff', until: 0, attempt: 1 }, 'loading'],
    [{ loading: false, held: true, failure: null }, { kind: 'broken', reason: 'x' }, 'failed'],
    [{ loading: false, held: false, failure: null }, { kind: 'broken', reason: 'x' }, 'stopped'],
  ] as const)('%j with engine %j is %s', (wanted, state, shown) => expect(deploymentState(wanted, state).state).toBe(shown))
})
