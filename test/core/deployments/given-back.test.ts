/**
 * After the machine was given back nothing loads that was asked for before, whatever it waits for; what the owner asks
 * for afterwards does.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { rigContext, type RigContext } from '#test/support/rig-context.ts'
import { settle } from '#test/support/fake-clock.ts'

import { fakeHeader, fakeModelEngines, type FakeModelEngines } from './fake-deployment-engine.ts'
import { addModel, startDeployments } from './deployments-rig.ts'
import { until } from '../../support/until.ts'

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

describe('a machine given back', () => {
  it('does not load what was still choosing its settings (it came back seconds after its owner had sent it away)', async () => {
    const core = startDeployments(rig, engines)
    const sha256 = await addModel(core, 'a.gguf')
    const gate = Promise.withResolvers<void>()
    let inspected = 0
    engines.inspecting = async (path) => {
      inspected += 1
      await gate.promise
      return fakeHeader(path)
    }
    const deployed = outcome(core.deployments.deploy(sha256, {}))
    await until('its header to be asked for', () => inspected > 0)
    await core.deployments.endAll()
    gate.resolve()
    expect(await deployed).toBe('CANCELLED')
    expect(engines.loads()).toEqual([])
    // Nor is another host started to read a header for it.
    expect(inspected).toBe(1)
    expect(await outcome(core.deployments.deploy(sha256, {}))).toBe('loaded')
  })

  it('does not go on with the next of several that are tried again', async () => {
    const core = startDeployments(rig, engines)
    for (const name of ['a.gguf', 'b.gguf']) await core.deployments.deploy(await addModel(core, name), {})
    core.deployments.stop()
    engines = fakeModelEngines()
    const gate = Promise.withResolvers<void>()
    engines.shared.onLoad = () => gate.promise
    const after = startDeployments(rig, engines)
    const tried = outcome(after.deployments.retryEngine())
    await until('the first load', () => engines.loads().length === 1)
    await after.deployments.endAll()
    gate.resolve()
    expect(await tried).toBe('CANCELLED')
    await settle()
    expect(engines.loads()).toHaveLength(1)
  })

  it('has no process left that reads headers or measures', async () => {
    const core = startDeployments(rig, engines)
    await core.deployments.endAll()
    expect(engines.helpersEnded).toBe(1)
  })
})
