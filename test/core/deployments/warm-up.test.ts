/** A deployment that warms up: what is said of it, that nothing counts it as loaded, and that unloading it ends that. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { StokerError } from '#contract/errors.ts'
import { said } from '#contract/reasons.ts'
import { inEnglish } from '#test/support/in-english.ts'
import { rigContext, type RigContext } from '#test/support/rig-context.ts'

import { until } from '../../support/until.ts'
import { addModel, startDeployments } from './deployments-rig.ts'
import { fakeModelEngines, type FakeModelEngines } from './fake-deployment-engine.ts'

let rig: RigContext
let engines: FakeModelEngines
beforeEach(() => {
  rig = rigContext()
  engines = fakeModelEngines()
})
afterEach(() => rig.dispose())

const outcome = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'loaded',
    ({ code }: { code: string }) => code,
  )

/** One that serves, and a second that is in the middle of its warm-up. */
async function warming() {
  const core = startDeployments(rig, engines)
  const serves = await core.deployments.deploy(await addModel(core, 'a.gguf'), {})
  const gate = Promise.withResolvers<void>()
  engines.shared.onLoad = () => gate.promise
  const sha256 = await addModel(core, 'b.gguf')
  const deployed = outcome(core.deployments.deploy(sha256, {}))
  await until('its load', () => engines.loads().length === 2)
  engines.all[1]?.become({ kind: 'starting', attempt: 1, warmUp: { done: 3, of: 12 } })
  const shown = () => core.deployments.list().find((one) => one.sha256 === sha256)!
  return { core, serves, gate, deployed, shown }
}

describe('a deployment that warms up', () => {
  it('says how far it is and that it may take long, and is not loaded before it is warm', async () => {
    const { core, gate, deployed, shown } = await warming()
    expect(shown().state).toBe('loading')
    expect(inEnglish(shown().detail)).toMatch(/warms up before it is sold: 3 of 12\..*may take minutes/)
    expect(core.deployments.loaded(shown().deploymentId)).toBeNull()
    expect(core.deployments.allLoaded()).toHaveLength(1)
    gate.resolve()
    expect(await deployed).toBe('loaded')
    expect(shown().state).toBe('loaded')
    expect(core.deployments.loaded(shown().deploymentId)).not.toBeNull()
  })

  it('is one load for all who ask meanwhile, and one unload ends it for all (each began it anew)', async () => {
    const { core, gate, deployed, shown } = await warming()
    const { deploymentId } = shown()
    const again = [
      outcome(core.deployments.ensureLoaded(deploymentId)),
      outcome(core.deployments.ensureLoaded(deploymentId)),
    ]
    const unloaded = core.deployments.unload(deploymentId)
    await until('its engine to be ended', () => engines.released.includes(deploymentId))
    gate.reject(new StokerError('ENGINE_NOT_LOADED', 'ended'))
    expect(await Promise.all([deployed, ...again])).toEqual(['CANCELLED', 'CANCELLED', 'CANCELLED'])
    await unloaded
    expect(engines.loads()).toHaveLength(2)
    expect(shown().state).toBe('stopped')
  })

  it('ends when it is unloaded: no failure is kept, the other one serves on, and it can be loaded again', async () => {
    const { core, serves, gate, deployed, shown } = await warming()
    const { deploymentId } = shown()
    const unloaded = core.deployments.unload(deploymentId)
    await until('its engine to be ended', () => engines.released.includes(deploymentId))
    gate.reject(new StokerError('ENGINE_NOT_LOADED', 'ended'))
    expect(await deployed).toBe('CANCELLED')
    expect(await unloaded).toMatchObject({ state: 'stopped', detail: null })
    expect(core.deployments.failure(deploymentId)).toBeNull()
    expect(core.deployments.loaded(serves.deploymentId)).not.toBeNull()
    engines.shared.onLoad = () => undefined
    expect(await outcome(core.deployments.deploy(shown().sha256, {}))).toBe('loaded')
  })

  it('is not unloaded while it is listed, which is said at once and not when it is warm', async () => {
    const used = new Set<string>()
    const core = startDeployments(rig, engines, { inUse: (id) => (used.has(id) ? said('It is listed.') : null) })
    const gate = Promise.withResolvers<void>()
    engines.shared.onLoad = () => gate.promise
    const deployed = outcome(core.deployments.deploy(await addModel(core, 'a.gguf'), {}))
    await until('its load', () => engines.loads().length === 1)
    const [shown] = core.deployments.list()
    used.add(shown?.deploymentId ?? '')
    expect(await outcome(core.deployments.unload(shown?.deploymentId ?? ''))).toBe('MODEL_IN_USE')
    gate.resolve()
    expect(await deployed).toBe('loaded')
  })

  it('that fails says why and bricks nothing: the next load is tried', async () => {
    const { core, serves, gate, deployed, shown } = await warming()
    gate.reject(new StokerError('ENGINE_LOAD_FAILED', 'its warm-up failed: device lost'))
    expect(await deployed).toBe('ENGINE_LOAD_FAILED')
    expect(shown().state).toBe('failed')
    expect(inEnglish(shown().detail)).toContain('device lost')
    expect(core.deployments.loaded(serves.deploymentId)).not.toBeNull()
    engines.shared.onLoad = () => undefined
    expect(await outcome(core.deployments.deploy(shown().sha256, {}))).toBe('loaded')
  })

  it('after a crash says so too', async () => {
    const core = startDeployments(rig, engines)
    const { deploymentId } = await core.deployments.deploy(await addModel(core, 'a.gguf'), {})
    engines.engine(deploymentId).become({ kind: 'starting', attempt: 1, warmUp: { done: 0, of: 9 } })
    const [shown] = core.deployments.list()
    expect(shown?.state).toBe('loading')
    expect(inEnglish(shown?.detail ?? null)).toMatch(/0 of 9/)
  })
})
