import { said } from '#contract/reasons.ts'
import { call } from '@orpc/server'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { StokerError } from '#contract/errors.ts'
import type { CalibrationStep } from '#core/deployments/measure-call.ts'
import { ALL_SCOPES } from '#core/os.ts'
import { settle } from '#test/support/fake-clock.ts'
import { rigContext, type RigContext } from '#test/support/rig-context.ts'

import { fakeModelEngines, type FakeModelEngines } from './fake-deployment-engine.ts'
import { addModel, machine, startDeployments, type Started, type StartOptions } from './deployments-rig.ts'
import { until } from '../../support/until.ts'

const all = { context: { scopes: ALL_SCOPES } }
const found = {
  settings: { processes: 2, threads: 4, batchTokens: 256, gpus: 'together' as const },
  promptTokensPerSecond: 900,
  points: [{ processes: 2, threads: 4, streams: 4, tokensPerSecond: 120 }],
  durationMs: 4_000,
  quiet: true,
  onGpu: false,
}
/** Large enough to be worth a measurement. */
const BIG = Buffer.alloc(8 * 1_024 * 1_024, 1)

let rig: RigContext
let engines: FakeModelEngines
let measured: number
beforeEach(() => {
  rig = rigContext()
  engines = fakeModelEngines()
  measured = 0
  engines.calibrating = async (_model, _settings, { onProgress }) => {
    measured += 1
    onProgress(1, 2)
    await settle()
    onProgress(2, 2)
    return found
  }
})
afterEach(() => rig.dispose())

const start = (options: StartOptions = {}): Started =>
  startDeployments(rig, engines, { calibrateOnDeploy: true, ...options })
async function steps(core: Started, sha256: string): Promise<CalibrationStep[]> {
  const seen: CalibrationStep[] = []
  for await (const step of await call(core.deployments.api.calibrate, { sha256 }, all)) seen.push(step)
  return seen
}

describe('calibration', () => {
  it('is taken before the first load, kept for model and machine, and its result used', async () => {
    const core = start()
    const sha256 = await addModel(core, 'a.gguf', BIG)
    expect(await call(core.deployments.api.calibration, { sha256 }, all)).toBeNull()
    const first = await core.deployments.deploy(sha256, {})
    expect(first.settings).toMatchObject({ processes: 2, threads: 4, batchTokens: 256 })
    expect(await call(core.deployments.api.calibration, { sha256 }, all)).toMatchObject({
      sha256,
      machine: 'Fake CPU 9, 8 cores',
      processes: 2,
      threads: 4,
      promptTokensPerSecond: 900,
      points: found.points,
    })
    // Other settings: what is stored is used again, and what the owner names stands.
    expect((await core.deployments.deploy(sha256, { slots: 2 })).settings).toMatchObject({
      processes: 2,
      threads: 4,
      slots: 2,
    })
    expect((await core.deployments.deploy(sha256, { threads: 3 })).settings).toMatchObject({ threads: 3, processes: 1 })
    expect(measured).toBe(1)
    const moved = start({ hardware: () => ({ ...machine, cpu: 'Other CPU' }) })
    expect(await moved.deployments.calibration(sha256)).toBeNull()
  })

  it('is left out for small models, beside another model, on a GPU, and where it is switched off', async () => {
    const core = start()
    await core.deployments.deploy(await addModel(core, 'small.gguf'), {})
    await core.deployments.deploy(await addModel(core, 'big.gguf', BIG), {})
    await core.deployments.endAll()
    const gpus = [{ name: 'GPU', memoryBytes: 8e9, memoryFreeBytes: 8e9 }]
    const onGpu = start({ hardware: () => ({ ...machine, gpus }) })
    await onGpu.deployments.deploy(await addModel(onGpu, 'gpu.gguf', Buffer.concat([BIG, Buffer.from('g')])), {})
    const off = start({ calibrateOnDeploy: false })
    await off.deployments.deploy(await addModel(off, 'off.gguf', Buffer.concat([BIG, Buffer.from('o')])), {})
    expect(measured).toBe(0)
  })

  it('compares several GPUs before the first load of a model that fits on each, and its result is used; the processor’s is another', async () => {
    const gpus = [1, 2].map((number) => ({ name: `GPU ${number}`, memoryBytes: 8e9, memoryFreeBytes: 8e9 }))
    engines.seesGpus = [0, 1].map((index) => ({ index, name: `GPU ${index + 1}` }))
    const core = start({ hardware: () => ({ ...machine, gpus }) })
    const sha256 = await addModel(core, 'a.gguf', BIG)
    const asked: unknown[] = []
    engines.calibrating = async (_model, settings) => {
      asked.push([settings.gpus, settings.gpuLayers, settings.slots])
      return {
        ...found,
        settings: { processes: 1, threads: 3, batchTokens: 128, gpus: 'together' },
        onGpu: settings.gpuLayers > 0,
      }
    }
    const first = await core.deployments.deploy(sha256, {})
    expect(first.settings).toMatchObject({
      gpus: 'together',
      processes: 1,
      threads: 3,
      batchTokens: 128,
      slots: 8,
      gpuLayers: 1_000,
    })
    expect(await core.deployments.calibration(sha256)).toMatchObject({
      machine: 'Fake CPU 9, 8 cores, GPU 1, GPU 2',
      gpus: 'together',
      onGpu: true,
    })
    await core.deployments.endAll()
    // Beside it the owner's own choice stands, and on the processor it is measured anew.
    expect((await core.deployments.deploy(sha256, { gpus: 'each' })).settings).toMatchObject({
      gpus: 'each',
      processes: 2,
      slots: 8,
      batchTokens: 512,
    })
    await core.deployments.endAll()
    expect((await core.deployments.deploy(sha256, { gpuLayers: 0, slots: 2 })).settings).toMatchObject({
      gpus: 'together',
      batchTokens: 128,
    })
    expect(asked).toEqual([
      ['each', 1_000, 8],
      ['together', 0, 2],
    ])
  })

  it('that fails or takes too long holds up no load', async () => {
    const core = start()
    const sha256 = await addModel(core, 'a.gguf', BIG)
    engines.calibrating = (_model, _settings, { signal }) =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
    const deployed = core.deployments.deploy(sha256, {})
    await until('it to wait', () => rig.clock.waiting > 0)
    await rig.clock.advance(20_000)
    expect(await deployed).toMatchObject({ state: 'loaded', settings: { processes: 1, batchTokens: 512 } })
    expect(rig.clock.waiting).toBe(0)
    expect(await core.deployments.calibration(sha256)).toBeNull()
  })

  it('ends when the machine is given back, and the load it was for does not begin', async () => {
    const core = start()
    const sha256 = await addModel(core, 'a.gguf', BIG)
    let ended = false
    engines.calibrating = (_model, _settings, { signal }) =>
      new Promise((_resolve, reject) =>
        signal.addEventListener('abort', () => {
          ended = true
          reject(signal.reason as Error)
        }),
      )
    const deployed = core.deployments.deploy(sha256, {}).catch((error: unknown) => error)
    await until('it to wait', () => rig.clock.waiting > 0)
    await core.deployments.endAll()
    expect(await deployed).toMatchObject({ code: 'CANCELLED' })
    expect(ended).toBe(true)
    expect(engines.loads()).toEqual([])
  })

  it('of a busy machine is used and told, and taken again before the next first load, which keeps it when that fails (one bad minute counted for ever)', async () => {
    const core = start()
    const sha256 = await addModel(core, 'a.gguf', BIG)
    engines.calibrating = async () => ({ ...found, settings: { ...found.settings, threads: 3 }, quiet: false })
    expect((await core.deployments.deploy(sha256, {})).settings).toMatchObject({ threads: 3 })
    expect(await core.deployments.calibration(sha256)).toMatchObject({ threads: 3, quiet: false })
    await core.deployments.endAll()
    engines.calibrating = async () => {
      throw new StokerError('ENGINE_CRASHED', 'no')
    }
    expect((await core.deployments.deploy(sha256, { slots: 3 })).settings).toMatchObject({ threads: 3 })
    await core.deployments.endAll()
    engines.calibrating = async () => found
    expect((await core.deployments.deploy(sha256, { slots: 2 })).settings).toMatchObject({ threads: 4 })
    expect(await core.deployments.calibration(sha256)).toMatchObject({ threads: 4, quiet: true })
  })

  it('is offered to a deployment made before it; taken, it is a deployment of its own, and what the old one qualified for stays', async () => {
    const core = start({ calibrateOnDeploy: false })
    const sha256 = await addModel(core, 'a.gguf')
    const old = await core.deployments.deploy(sha256, { slots: 3, threads: 1 })
    expect(old).toMatchObject({ measured: null, settings: { processes: 1, threads: 1 } })
    engines.calibrating = async () => ({ ...found, quiet: false })
    await steps(core, sha256)
    // Of a busy machine: nothing to change settings for.
    expect(core.deployments.list()).toMatchObject([{ measured: null }])
    engines.calibrating = async () => found
    await steps(core, sha256)
    expect(core.deployments.list()).toMatchObject([
      { deploymentId: old.deploymentId, settings: old.settings, measured: found.settings },
    ])
    const taken = await core.deployments.deploy(sha256, { ...old.settings, ...found.settings })
    expect(taken).toMatchObject({ state: 'loaded', measured: null, settings: { ...old.settings, ...found.settings } })
    expect(taken.deploymentId).not.toBe(old.deploymentId)
    expect(core.deployments.find(old.deploymentId)?.settings).toMatchObject(old.settings)
    // From now on it is the one used without a wish.
    expect(await core.deployments.deploy(sha256, {})).toMatchObject({ deploymentId: taken.deploymentId })
    const again = start()
    again.deployments.start()
    await until('the measurement', () => again.deployments.list().some(({ measured }) => measured !== null))
    again.deployments.stop()
    const moved = start({ hardware: () => ({ ...machine, cpu: 'Other CPU' }) })
    await moved.deployments.calibration(sha256)
    expect(moved.deployments.list().map(({ measured }) => measured)).toEqual([null, null])
  })

  it('stored before it was told whether the machine was quiet counts as not quiet, and can be read', async () => {
    const core = start()
    const sha256 = await addModel(core, 'a.gguf', BIG)
    const { points, promptTokensPerSecond, settings } = found
    const old = JSON.stringify({ ...settings, promptTokensPerSecond, points })
    rig.rigDb.tx((db) =>
      db
        .prepare('INSERT INTO calibrations (sha256, machine, at, result) VALUES (?, ?, 1, ?)')
        .run(sha256, 'Fake CPU 9, 8 cores', old),
    )
    expect(await core.deployments.calibration(sha256)).toMatchObject({ quiet: false, threads: 4 })
  })

  it('stored before it was told where it was made counts only on a machine without GPUs: one made on a GPU would set the threads of the processor', async () => {
    const gpus = [{ name: 'GPU 1', memoryBytes: 1, memoryFreeBytes: 1 }]
    const core = start({ hardware: () => ({ ...machine, gpus }) })
    const sha256 = await addModel(core, 'a.gguf', BIG)
    const { settings, onGpu, durationMs: _, ...rest } = found
    const store = (result: object) =>
      rig.rigDb.tx((db) =>
        db
          .prepare('INSERT OR REPLACE INTO calibrations (sha256, machine, at, result) VALUES (?, ?, 1, ?)')
          .run(sha256, 'Fake CPU 9, 8 cores, GPU 1', JSON.stringify(result)),
      )
    store({ ...settings, ...rest })
    expect(await core.deployments.calibration(sha256)).toBeNull()
    store({ ...settings, ...rest, onGpu })
    expect(await core.deployments.calibration(sha256)).toMatchObject({ threads: 4, onGpu: false })
  })

  it('is not kept from by a remote deployment in memory, which takes no core here, working or not', async () => {
    const core = start()
    const remote = await core.deployments.connectRemote({
      model: 'm',
      contextTokens: 4_096,
      endpoints: [{ url: 'http://gpu1.lab', key: null, slots: 4 }],
    })
    engines.engine(remote.deploymentId).running = 2
    const sha256 = await addModel(core, 'a.gguf', BIG)
    expect((await core.deployments.deploy(sha256, {})).settings).toMatchObject({ threads: 4 })
    expect(await steps(core, sha256)).toHaveLength(3)
    expect(measured).toBe(2)
  })

  it('by the owner’s wish tells its progress and its result, and is refused while anything is in use', async () => {
    let used: string | null = null
    const core = start({ inUse: () => (used === null ? null : said(used)) })
    const sha256 = await addModel(core, 'a.gguf')
    expect(await steps(core, sha256)).toMatchObject([
      { kind: 'measuring', done: 1, of: 2 },
      { kind: 'measuring', done: 2, of: 2 },
      { kind: 'done', calibration: { sha256, threads: 4 } },
    ])
    const { deploymentId } = await core.deployments.deploy(sha256, {})
    expect(await steps(core, sha256)).toHaveLength(3)
    engines.engine(deploymentId).running = 1
    await expect(steps(core, sha256)).rejects.toMatchObject({ data: { code: 'MODEL_IN_USE' } })
    engines.engine(deploymentId).running = 0
    used = 'It is listed for practice/text-nano; pause or withdraw the listing first.'
    await expect(steps(core, sha256)).rejects.toMatchObject({ data: { code: 'MODEL_IN_USE' }, message: used })
    await expect(steps(core, 'f'.repeat(64))).rejects.toMatchObject({ data: { code: 'MODEL_IN_USE' } })
    used = null
    await expect(steps(core, 'f'.repeat(64))).rejects.toMatchObject({ data: { code: 'NOT_FOUND' } })
  })

  it('stops when its reader leaves, keeps nothing, and lets the next load begin', async () => {
    const core = start()
    const sha256 = await addModel(core, 'a.gguf')
    let stopped = false
    engines.calibrating = (_model, _settings, { signal, onProgress }) => {
      onProgress(0, 2)
      return new Promise((_resolve, reject) =>
        signal.addEventListener('abort', () => {
          stopped = true
          reject(new StokerError('CANCELLED', 'stopped'))
        }),
      )
    }
    for await (const step of core.deployments.measure(sha256, undefined)) {
      expect(step).toMatchObject({ kind: 'measuring', done: 0 })
      break
    }
    expect(stopped).toBe(true)
    expect(await core.deployments.calibration(sha256)).toBeNull()
    expect(await core.deployments.deploy(sha256, {})).toMatchObject({ state: 'loaded' })
  })
})
