/** Files of what is in memory are watched: nothing is sold from a file that was touched (models.md 3). */
import { renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import type { ModelChange } from '#core/deployments/loaded-deployments.ts'
import { until } from '#test/support/until.ts'
import { rigContext, type RigContext } from '#test/support/rig-context.ts'

import { addModel, startDeployments, type Started } from './deployments-rig.ts'
import { fakeModelEngines, type FakeModelEngines } from './fake-deployment-engine.ts'

let rig: RigContext
let engines: FakeModelEngines
let core: Started
let path: string
let deploymentId: string
let sha256: string
let changes: (ModelChange & { loadedThen: boolean; engineThen: boolean })[]

beforeEach(async () => {
  rig = rigContext()
  engines = fakeModelEngines()
  core = startDeployments(rig, engines)
  path = join(rig.dataDir, 'a.gguf')
  sha256 = await addModel(core, 'a.gguf', 'bytes of it')
  deploymentId = (await core.deployments.deploy(sha256, {})).deploymentId
  changes = []
  core.deployments.onModelChange((change) =>
    changes.push({
      ...change,
      loadedThen: core.deployments.loaded(deploymentId) !== null,
      engineThen: engines.released.includes(deploymentId),
    }),
  )
  core.deployments.start()
})
afterEach(() => {
  core.deployments.stop()
  rig.dispose()
})

/** Looks of the watch, each with time for what it asks of the disk. */
async function looks(count: number): Promise<void> {
  for (let look = 0; look < count; look += 1) {
    await rig.clock.advance(1_000)
    await core.models.list()
  }
}
const stopped = (): Promise<void> => until('it to be stopped', () => core.deployments.loaded(deploymentId) === null)
const state = (): unknown => core.deployments.list()[0]?.state
/** Time goes on until it is there; a look whose answer is not there yet is not begun again. */
const back = (): Promise<void> =>
  until('it to be in memory again', async () => {
    if (core.deployments.loaded(deploymentId) !== null) return true
    await rig.clock.advance(1_000)
    return false
  })

describe('a model in memory whose file', () => {
  it('is left alone stays in memory', async () => {
    await looks(5)
    expect([core.deployments.loaded(deploymentId) !== null, changes, engines.loads().length]).toEqual([true, [], 1])
  })

  it('is overwritten in place, with the same size and its old time, is stopped at the next look and not loaded', async () => {
    const { atimeMs, mtimeMs } = statSync(path)
    writeFileSync(path, 'other bytes')
    utimesSync(path, atimeMs / 1_000, mtimeMs / 1_000)
    await rig.clock.advance(1_000)
    await stopped()
    // Out of memory for everybody first, its engine ends after that.
    expect(changes).toEqual([{ deploymentId, sha256, path, found: 'changed', loadedThen: false, engineThen: false }])
    await until('its engine to end', () => engines.released.includes(deploymentId))
    await looks(9)
    await expect(core.models.ready(sha256)).rejects.toMatchObject({ code: 'MODEL_CHANGED' })
    await looks(9)
    expect([state(), engines.loads().length]).toEqual(['failed', 1])
    expect(core.deployments.failure(deploymentId)).toEqual({ code: 'model.fileTouched', params: { path } })
    // It is the old file again: hashed, and loaded by itself.
    writeFileSync(path, 'bytes of it')
    await back()
    expect([engines.loads().length, core.deployments.failure(deploymentId)]).toEqual([2, null])
  })

  it.each([
    ['is touched', () => utimesSync(path, 1_000, 1_000)],
    [
      'is replaced by a copy',
      () => {
        writeFileSync(`${path}.new`, 'bytes of it')
        renameSync(`${path}.new`, path)
      },
    ],
  ])('%s is stopped, hashed, and comes back by itself', async (_name, act) => {
    act()
    await rig.clock.advance(1_000)
    await stopped()
    await back()
    expect([changes.length, engines.loads().length]).toEqual([1, 2])
    await looks(3)
    expect(changes).toHaveLength(1)
  })

  it('goes away is stopped, and found when it comes', async () => {
    renameSync(path, `${path}.away`)
    await rig.clock.advance(1_000)
    await stopped()
    expect(changes).toMatchObject([{ path, found: 'missing' }])
    await looks(4)
    renameSync(`${path}.away`, path)
    await back()
    expect(engines.loads()).toHaveLength(2)
  })

  it('is written for a while is loaded when it is right again, and not before', async () => {
    for (const text of ['one of them', 'two of them', 'nine of all']) {
      writeFileSync(path, text)
      await looks(4)
      expect(engines.loads()).toHaveLength(1)
    }
    writeFileSync(path, 'bytes of it')
    await back()
    expect(engines.loads()).toHaveLength(2)
  })

  it('changed does not come back when its owner has unloaded it meanwhile', async () => {
    rmSync(path)
    await rig.clock.advance(1_000)
    await stopped()
    await core.deployments.unload(deploymentId)
    writeFileSync(path, 'bytes of it')
    await looks(5)
    expect([state(), engines.loads().length]).toEqual(['stopped', 1])
  })

  it('changed while its host was dead is not loaded into the next one', async () => {
    writeFileSync(path, 'other bytes')
    engines.engine(deploymentId).crashAndReturn()
    await until('the load to be refused', () => core.deployments.failure(deploymentId) !== null)
    expect([core.deployments.loaded(deploymentId), engines.loads().length]).toEqual([null, 1])
  })
})

it('one whose file is not there at the start is loaded when it comes', async () => {
  core.deployments.stop()
  renameSync(path, `${path}.away`)
  engines = fakeModelEngines()
  core = startDeployments(rig, engines)
  core.deployments.start()
  await until('it to be missed', () => core.deployments.failure(deploymentId)?.code === 'model.fileGone')
  await looks(3)
  renameSync(`${path}.away`, path)
  await back()
  expect(engines.loads()).toHaveLength(1)
})
