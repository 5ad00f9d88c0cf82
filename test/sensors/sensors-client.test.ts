/**
 * The child that reads drivers, as a real process over the double of NVML: a driver that takes its process with it, or
 * hangs it, costs this process nothing and is a word; the next reading starts another child. Catches: a reading that is
 * never answered, a child that stays, one that is started again at once and for ever.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { join } from 'node:path'

import type { SensorsPort } from '#core/hardware/sensors.port.ts'
import { createLog } from '#lib/log.ts'
import { forkSensors } from '#sensors/client/fork-sensors.ts'
import { createSensors, type ForkedSensors } from '#sensors/client/sensors-client.ts'
import { systemClock } from '#lib/system-clock.ts'
import { createFakeEngines } from '#test/support/fake-engines.ts'
import { openInProcessStack } from '#test/support/in-process-stack.ts'
import { FakeClock } from '#test/support/fake-clock.ts'
import { device, fakeNvml, hasCompiler, type FakeNvml } from '#test/support/fake-nvml/fake-nvml.ts'
import { isAlive } from '#test/support/processes.ts'
import { tempDir } from '#test/support/temp-dir.ts'
import { until } from '#test/support/until.ts'

const log = createLog('test').child({}, { level: 'silent' })
const CARD = device(0, { uuid: 'GPU-a', total: 2 ** 33, free: 2 ** 32, used: 2 ** 32, limit: 100_000 })

describe.skipIf(!hasCompiler)('sensors in a child (skipped without a C compiler)', () => {
  let folder: string
  let fake: FakeNvml
  let clock: FakeClock
  let sensors: SensorsPort
  let forked: ForkedSensors[]
  beforeEach(() => {
    folder = tempDir()
    fake = fakeNvml(folder)
    clock = new FakeClock()
    forked = []
    sensors = createSensors({
      fork: () => {
        const child = forkSensors()
        forked.push(child)
        return child
      },
      clock,
      log,
      places: { nvml: fake.path, drm: join(folder, 'no-drm'), proc: '/proc' },
      hints: [fake.path],
      random: () => 1,
    })
  })
  afterEach(() => sensors.stop())
  const ids = async () => (await sensors.read()).sources.flatMap(({ devices }) => devices.map(({ id }) => id))
  const exited = (at: number) => new Promise<void>((resolve) => forked[at]!.onExit(() => resolve()))

  it('reads by one child, for all who ask at once, and ends it when it rests', async () => {
    fake.says({ count: 1, ...CARD })
    expect(await Promise.all([ids(), ids()])).toEqual([['GPU-a'], ['GPU-a']])
    expect(await ids()).toEqual(['GPU-a'])
    expect(forked).toHaveLength(1)
    const { pid } = forked[0]!
    await sensors.rest()
    expect(isAlive(pid!)).toBe(false)
    expect(await ids()).toEqual(['GPU-a'])
    expect(forked).toHaveLength(2)
  })

  it('a driver that crashes ends the child alone; the next reading waits for the pause and starts another', async () => {
    fake.says({ count: 1, ...CARD })
    await sensors.read()
    fake.says({ crash: 1 })
    expect(await sensors.read()).toEqual({ problem: 'failed', sources: [] })
    await exited(0)
    fake.says({ count: 1, ...CARD })
    const next = ids()
    await clock.advance(999)
    expect(forked).toHaveLength(1)
    await clock.advance(1)
    expect(await next).toEqual(['GPU-a'])
    expect(forked).toHaveLength(2)
  })

  it('a driver that hangs is left alone: its child is killed, and it is said', async () => {
    fake.says({ count: 1, ...CARD })
    await sensors.read()
    fake.says({ hang: 1 })
    const hung = sensors.read()
    await until('the silence is watched', () => clock.waiting > 0)
    await clock.advance(21_000)
    expect(await hung).toEqual({ problem: 'silent', sources: [] })
    expect(isAlive(forked[0]!.pid!)).toBe(false)
  })

  it('a whole core shows the card, records that its driver went, and leaves no child behind', async () => {
    fake.says({ count: 1, ...CARD })
    const real = createSensors({
      fork: () => {
        const child = forkSensors()
        forked.push(child)
        return child
      },
      clock: systemClock,
      log,
      places: { nvml: fake.path, drm: join(folder, 'no-drm'), proc: '/proc' },
      hints: [fake.path],
    })
    const stack = await openInProcessStack({
      folder: join(folder, 'data'),
      examSeed: 'x',
      engines: createFakeEngines,
      sensors: real,
    })
    const { app } = stack.core.client
    const one = async () => (await app.hardware()).devices[0]
    await until('the card is shown', async () => (await one())?.driver?.memory?.totalBytes === 2 ** 33)
    expect(await one()).toMatchObject({ id: 'GPU-a', limitWatts: 100, engine: null })
    fake.says({ driver: 2, stale: 1, init: 9 })
    const lost = async () => (await app.stoppages()).recorded.some(({ what }) => what === 'device.driverLost')
    await until('its driver went', lost, 60_000)
    await stack.stop()
    expect(forked.map(({ pid }) => isAlive(pid!))).toEqual([false])
  })

  it('looks for a hint before anybody is started', () => {
    expect(sensors.hasHint()).toBe(true)
    expect(createSensors({ fork: forkSensors, clock, log, hints: ['/nowhere/nvidiactl'] }).hasHint()).toBe(false)
    expect(forked).toEqual([])
  })
})
