import { said, type Reason } from '#contract/reasons.ts'
import { join } from 'node:path'

import { call } from '@orpc/server'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { StokerError } from '#contract/errors.ts'
import { ALL_SCOPES } from '#core/os.ts'
import { settle } from '#test/support/fake-clock.ts'
import { rigContext, type RigContext } from '#test/support/rig-context.ts'
import { inEnglish } from '#test/support/in-english.ts'

import { fakeModelEngines, type FakeModelEngines } from './fake-deployment-engine.ts'
import { addModel as add, startDeployments, type StartOptions } from './deployments-rig.ts'
import { rest, until } from '../../support/until.ts'

const all = { context: { scopes: ALL_SCOPES } }

let rig: RigContext
let engines: FakeModelEngines
let inUse: Map<string, Reason>
beforeEach(() => {
  rig = rigContext()
  engines = fakeModelEngines()
  inUse = new Map()
})
afterEach(() => rig.dispose())

const start = (options: StartOptions = {}) =>
  startDeployments(rig, engines, { inUse: (id) => inUse.get(id) ?? null, ...options })
/** So many models in memory at once fit; one more does not. */
const roomFor = (models: number): void => {
  engines.shared.header = () => ({
    memory: { neededBytes: 4.0001e9, freeBytes: 4e9, fits: engines.made.size >= models ? 'no' : 'yes', method: 'm' },
  })
}

describe('deploying', () => {
  it('chooses settings for the machine, loads, and finds the same deployment the next time', async () => {
    const core = start()
    const sha256 = await add(core, 'a.gguf')
    const first = await call(core.deployments.api.deploy, { sha256 }, all)
    expect(inEnglish(first)).toMatchObject({
      state: 'loaded',
      detail: 'fake CPU',
      rssBytes: 123_456,
      modelName: 'Fake 7B',
      engine: { kind: 'local' },
      settings: { contextTokens: 4_096, slots: 4, gpuLayers: 0 },
    })
    expect(engines.loads()).toEqual([
      { path: join(rig.dataDir, 'a.gguf'), settings: { ...first.settings, prefixReuse: true } },
    ])
    expect((await call(core.deployments.api.deploy, { sha256 }, all)).deploymentId).toBe(first.deploymentId)
    expect((await core.deployments.deploy(sha256, first.settings)).deploymentId).toBe(first.deploymentId)
    expect(engines.loads()).toHaveLength(1)
    expect(core.deployments.loaded(first.deploymentId)).toMatchObject({
      deploymentId: first.deploymentId,
      sha256,
      modelName: 'Fake 7B',
      model: { engine: 'fake 1' },
    })
  })

  it('other settings of the same model take its place, unless somebody needs it as it is', async () => {
    const core = start()
    const sha256 = await add(core, 'a.gguf')
    const first = await core.deployments.deploy(sha256, {})
    const other = await core.deployments.deploy(sha256, { slots: 2, kvType: 'q8_0' })
    expect(other.deploymentId).not.toBe(first.deploymentId)
    expect(core.deployments.list().map(({ state, rssBytes }) => [state, rssBytes])).toEqual([
      ['stopped', null],
      ['loaded', 123_456],
    ])
    inUse.set(other.deploymentId, said('It is listed.'))
    await core.deployments.deploy(sha256, first.settings)
    expect(core.deployments.list().map(({ state }) => state)).toEqual(['loaded', 'loaded'])
  })

  it('a first load that does not fit is made smaller, but not where the owner named what takes the memory', async () => {
    const core = start()
    const sha256 = await add(core, 'a.gguf')
    engines.shared.header = (_path, settings) => ({
      memory: {
        neededBytes: 9e9,
        freeBytes: 4e9,
        fits: (settings?.slots ?? 1) * (settings?.contextTokens ?? 0) > 2_048 ? 'no' : 'tight',
        method: 'm',
      },
    })
    expect((await core.deployments.deploy(sha256, {})).settings).toMatchObject({
      slots: 1,
      contextTokens: 2_048,
      kvType: 'q8_0',
      batchTokens: 256,
    })
    await expect(core.deployments.deploy(sha256, { contextTokens: 8_192 })).rejects.toMatchObject({
      code: 'ENGINE_OUT_OF_MEMORY',
      data: { slots: 1, contextTokens: 2_048 },
    })
    expect(core.deployments.list().at(-1)).toMatchObject({
      state: 'failed',
      settings: { slots: 4, contextTokens: 8_192 },
      smaller: { slots: 1, contextTokens: 2_048 },
    })
    expect(engines.loads()).toHaveLength(1)
    // The one that worked stays: the other could not have had its place.
    expect(engines.made.size).toBe(1)
  })

  it('runs changes one after another', async () => {
    const core = start()
    const [one, two] = [await add(core, 'a.gguf'), await add(core, 'b.gguf')]
    let let1: () => void = () => undefined
    engines.shared.onLoad = () =>
      new Promise((resolve) => {
        let1 = resolve
      })
    const first = core.deployments.deploy(one, {})
    await until('the first load', () => engines.loads().length === 1)
    const second = core.deployments.deploy(two, {})
    await settle()
    expect(core.deployments.list().filter(({ state }) => state === 'loading')).toHaveLength(1)
    expect(engines.loads()).toHaveLength(1)
    engines.shared.onLoad = () => undefined
    let1()
    expect((await Promise.all([first, second])).map(({ sha256 }) => sha256)).toEqual([one, two])
    expect(core.deployments.allLoaded().map(({ sha256 }) => sha256)).toEqual([one, two])
  })
})

describe('several in memory', () => {
  it('two work at once, each in its own engine; unloading one ends its processes and nothing else', async () => {
    const core = start()
    const a = await core.deployments.deploy(await add(core, 'a.gguf'), {})
    const b = await core.deployments.deploy(await add(core, 'b.gguf'), {})
    engines.engine(b.deploymentId).measured = {
      speed: { promptTokensPerSecond: 900, perStream: [50, null] },
      cachedTokens: 30,
      promptTokens: 70,
    }
    expect(core.deployments.list()).toMatchObject([
      {
        state: 'loaded',
        speed: null,
        cache: { cachedTokens: 0, evaluatedTokens: 0 },
        processes: [{ pid: 77, state: 'loaded' }],
      },
      {
        state: 'loaded',
        speed: { promptTokensPerSecond: 900, perStream: [50, null] },
        cache: { cachedTokens: 30, evaluatedTokens: 70 },
      },
    ])
    expect(core.deployments.engine(a.deploymentId)).not.toBe(core.deployments.engine(b.deploymentId))
    const before = core.stale.count
    expect(await call(core.deployments.api.unload, { deploymentId: a.deploymentId }, all)).toMatchObject({
      state: 'stopped',
      rssBytes: null,
      processes: [],
    })
    expect(core.stale.count).toBeGreaterThan(before)
    expect(engines.released).toEqual([a.deploymentId])
    expect(engines.all.map(({ stopped }) => stopped)).toEqual([true, false])
    expect(core.deployments.engine(a.deploymentId)).toBeNull()
    expect(core.deployments.allLoaded().map(({ deploymentId }) => deploymentId)).toEqual([b.deploymentId])
    expect(core.deployments.engines()).toMatchObject([{ modelName: 'Fake 7B', state: { kind: 'loaded' } }])
  })

  it('when memory is short the least recently used idle one leaves; never one that is listed or works', async () => {
    const core = start()
    const [one, two, three, four] = [
      await add(core, 'a.gguf'),
      await add(core, 'b.gguf'),
      await add(core, 'c.gguf'),
      await add(core, 'd.gguf'),
    ]
    roomFor(3)
    const a = await core.deployments.deploy(one, {})
    await rig.clock.advance(10)
    const b = await core.deployments.deploy(two, {})
    await rig.clock.advance(10)
    const c = await core.deployments.deploy(three, {})
    await rig.clock.advance(10)
    core.deployments.used(a.deploymentId)
    inUse.set(b.deploymentId, said('It is listed for x; pause or withdraw the listing first.'))
    await rig.clock.advance(10)
    await core.deployments.deploy(four, {})
    expect(engines.released).toEqual([c.deploymentId])
    // c is asked for again: a is idle by now, but works.
    engines.engine(a.deploymentId).running = 1
    await core.deployments.ensureLoaded(c.deploymentId)
    expect(core.deployments.allLoaded().map(({ sha256 }) => sha256)).toEqual([one, two, three])
    expect(engines.loads()).toHaveLength(5)
  })

  it('is refused where nobody can leave, naming who is in the way, and nobody is harmed', async () => {
    const core = start()
    const [one, two] = [await add(core, 'a.gguf'), await add(core, 'b.gguf')]
    roomFor(1)
    const a = await core.deployments.deploy(one, {})
    inUse.set(a.deploymentId, said('It is listed.'))
    const refused = core.deployments.deploy(two, { slots: 4, contextTokens: 1_024 })
    await expect(refused).rejects.toMatchObject({
      code: 'ENGINE_OUT_OF_MEMORY',
      message: expect.stringContaining('In memory and in use: Fake 7B.') as string,
    })
    expect(core.deployments.loaded(a.deploymentId)).not.toBeNull()
    expect(core.deployments.list()).toMatchObject([{ state: 'loaded' }, { state: 'failed', smaller: null }])
  })

  it('nobody leaves for a load that would not fit even then', async () => {
    const core = start()
    const [one, two] = [await add(core, 'a.gguf'), await add(core, 'b.gguf')]
    await core.deployments.deploy(one, {})
    await core.deployments.deploy(two, {})
    engines.shared.header = (_path, settings) => ({
      memory: {
        neededBytes: 9e9,
        freeBytes: 4e9,
        fits: (settings?.contextTokens ?? 0) > 1_000 ? 'no' : 'yes',
        method: 'm',
      },
    })
    await expect(core.deployments.deploy(two, { contextTokens: 100_000 })).rejects.toMatchObject({
      data: { slots: 1, contextTokens: 781 },
    })
    engines.shared.header = () => {
      throw new StokerError('MODEL_TOO_BIG', 'more than the machine has', {
        data: { neededBytes: 9e9, totalBytes: 8e9 },
      })
    }
    await expect(core.deployments.deploy(two, { slots: 64 })).rejects.toMatchObject({
      code: 'ENGINE_OUT_OF_MEMORY',
      message: expect.stringMatching(/this machine has 7\.5 GiB\. Use a smaller/) as string,
    })
    expect(core.deployments.allLoaded()).toHaveLength(2)
  })

  it('small ones on the processor are loaded without asking for an estimate first', async () => {
    const core = start({ freeBytes: () => 1e12 })
    const sha256 = await add(core, 'a.gguf')
    const before = engines.inspections.length
    await core.deployments.deploy(sha256, {})
    expect(engines.inspections).toHaveLength(before)
  })

  it('all leave at once when the machine is given back, one that is loading too; nothing comes back by itself', async () => {
    const core = start()
    const a = await core.deployments.deploy(await add(core, 'a.gguf'), {})
    const two = await add(core, 'b.gguf')
    const ending = Promise.withResolvers<void>()
    engines.shared.onLoad = () => ending.promise
    const loading = core.deployments.deploy(two, {})
    const refused = loading.catch((error: unknown) => error)
    const waiting = core.deployments.deploy(two, { slots: 1 }).catch((error: unknown) => error)
    await until('the second load', () => engines.loads().length === 2)
    const ended = core.deployments.endAll()
    ending.reject(new StokerError('ENGINE_NOT_LOADED', 'ended'))
    expect((await ended)[0]).toBe(a.deploymentId)
    expect(await refused).toMatchObject({ code: 'CANCELLED' })
    // One that waited for its turn does not begin either.
    expect(await waiting).toMatchObject({ code: 'CANCELLED' })
    expect(engines.made.size).toBe(0)
    expect(new Set(core.deployments.list().map(({ state }) => state))).toEqual(new Set(['stopped']))
    engines = fakeModelEngines()
    start().deployments.start()
    await rest()
    expect(engines.all).toEqual([])
  })
})

describe('a deployment in use', () => {
  it('is not unloaded and its model not removed', async () => {
    const core = start()
    const one = await add(core, 'a.gguf')
    const { deploymentId } = await core.deployments.deploy(one, {})
    expect(inEnglish(core.deployments.modelInUse(one))).toBe('Fake 7B is in memory; unload it first.')
    inUse.set(deploymentId, said('It is listed on practice/text-nano; withdraw it first.'))
    await expect(call(core.deployments.api.unload, { deploymentId }, all)).rejects.toMatchObject({
      data: { code: 'MODEL_IN_USE' },
      message: 'It is listed on practice/text-nano; withdraw it first.',
    })
    expect(engines.released).toEqual([])
    inUse.clear()
    await core.deployments.unload(deploymentId)
    expect(await core.models.remove(one)).toBe(true)
    await expect(core.deployments.unload(deploymentId)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })
})

describe('idle unload', () => {
  it('takes what was idle for as long as its owner said, not what is listed, works or is kept', async () => {
    const core = start()
    const [one, two, three] = [await add(core, 'a.gguf'), await add(core, 'b.gguf'), await add(core, 'c.gguf')]
    core.deployments.start()
    const kept = await core.deployments.deploy(one, {})
    const listed = await core.deployments.deploy(two, {})
    const idle = await core.deployments.deploy(three, {})
    inUse.set(listed.deploymentId, said('It is listed.'))
    for (const { deploymentId } of [listed, idle])
      await call(core.deployments.api.keepWarm, { deploymentId, idleUnloadMs: 60_000 }, all)
    expect(kept.idleUnloadMs).toBeNull()
    await rig.clock.advance(45_000)
    engines.engine(idle.deploymentId).running = 1
    await rig.clock.advance(30_000)
    engines.engine(idle.deploymentId).running = 0
    await rig.clock.advance(45_000)
    expect(engines.released).toEqual([])
    await rig.clock.advance(30_000)
    await until('the idle one to leave', () => engines.released.length > 0)
    expect(engines.released).toEqual([idle.deploymentId])
    await rig.clock.advance(600_000)
    expect(core.deployments.allLoaded().map(({ deploymentId }) => deploymentId)).toEqual([
      kept.deploymentId,
      listed.deploymentId,
    ])
    core.deployments.stop()
    await settle()
    expect(rig.clock.waiting).toBe(0)
  })
})

describe('failures', () => {
  it('out of memory is shown with the next smaller setting, its process ends, and nothing tries again by itself', async () => {
    const core = start()
    const sha256 = await add(core, 'a.gguf')
    core.deployments.start()
    engines.shared.onLoad = () => {
      throw new StokerError('ENGINE_OUT_OF_MEMORY', 'Too little memory: try 1 slot.', {
        data: { slots: 1, contextTokens: 4_096 },
      })
    }
    await expect(core.deployments.deploy(sha256, {})).rejects.toMatchObject({ code: 'ENGINE_OUT_OF_MEMORY' })
    engines.all[0]?.become({ kind: 'ready' })
    await rig.clock.advance(3_600_000)
    expect(inEnglish(core.deployments.list())).toMatchObject([
      { state: 'failed', detail: 'Too little memory: try 1 slot.', smaller: { slots: 1, contextTokens: 4_096 } },
    ])
    expect(engines.loads()).toHaveLength(1)
    expect(engines.made.size).toBe(0)
    engines.shared.onLoad = () => undefined
    expect(await core.deployments.deploy(sha256, { slots: 1, contextTokens: 4_096 })).toMatchObject({
      state: 'loaded',
      smaller: null,
    })
    core.deployments.stop()
  })

  it('loads again after a crash, at most three times without success', async () => {
    const core = start()
    const { deploymentId } = await core.deployments.deploy(await add(core, 'a.gguf'), {})
    const engine = engines.engine(deploymentId)
    engine.crashAndReturn()
    await until('the load after the crash', () => engine.loads.length === 2 && engine.state().kind === 'loaded')
    engines.shared.onLoad = () => {
      throw new StokerError('ENGINE_CRASHED', 'The engine crashed while loading.')
    }
    engine.crashAndReturn()
    for (let crash = 0; crash < 6; crash += 1) {
      await until('the deployment to fail', () => core.deployments.list()[0]?.state === 'failed')
      engine.crashAndReturn()
    }
    await until('the deployment to fail', () => core.deployments.list()[0]?.state === 'failed')
    expect(engine.loads).toHaveLength(5)
    engines.shared.onLoad = () => undefined
    expect(await call(core.deployments.api.retryEngine, undefined, all)).toEqual({ state: 'loaded' })
    expect(core.deployments.loaded(deploymentId)).not.toBeNull()
  })

  it('is called loaded again when its engine, killed in a load, comes back with the model by itself', async () => {
    const core = start()
    const { deploymentId } = await core.deployments.deploy(await add(core, 'a.gguf'), {})
    const engine = engines.engine(deploymentId)
    const before = engine.state()
    engines.shared.onLoad = () => {
      throw new StokerError('ENGINE_CRASHED', 'The engine crashed while loading.')
    }
    engine.crashAndReturn()
    await until('the deployment to fail', () => core.deployments.list()[0]?.state === 'failed')
    engine.become(before)
    expect(core.deployments.list()).toMatchObject([{ state: 'loaded' }])
  })

  it('a retry takes every broken one, and a broken one is told beside those that work', async () => {
    const core = start()
    const a = await core.deployments.deploy(await add(core, 'a.gguf'), {})
    const b = await core.deployments.deploy(await add(core, 'b.gguf'), {})
    for (const { deploymentId } of [a, b])
      engines.engine(deploymentId).become({ kind: 'broken', reason: said('three crashes') })
    expect(core.deployments.list().map(({ state }) => state)).toEqual(['failed', 'failed'])
    expect(await core.deployments.retryEngine()).toBe('loaded')
    expect(core.deployments.allLoaded()).toHaveLength(2)
  })
})

describe('restarts', () => {
  it('load what was in memory at the end, but not what the owner unloaded', async () => {
    const before = start()
    const { deploymentId } = await before.deployments.deploy(await add(before, 'a.gguf'), {})
    const second = await before.deployments.deploy(await add(before, 'b.gguf'), {})
    before.deployments.stop()
    expect(engines.all.map(({ listenerCount }) => listenerCount)).toEqual([0, 0])
    engines = fakeModelEngines()
    const after = start()
    after.deployments.start()
    await until('both to be in memory again', () => after.deployments.allLoaded().length === 2)
    await after.deployments.unload(deploymentId)
    after.deployments.stop()
    engines = fakeModelEngines()
    const third = start()
    third.deployments.start()
    await until('the second to be in memory again', () => third.deployments.loaded(second.deploymentId) !== null)
    await rest()
    expect(engines.all).toHaveLength(1)
    third.deployments.stop()
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
