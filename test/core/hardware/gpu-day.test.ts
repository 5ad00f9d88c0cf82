/**
 * A day of a machine with two cards, through the double of NVML on a fake clock: heat, a game, a card that falls off the
 * bus, a driver that goes away, one that is restarted between two looks. What the record of events holds afterwards is
 * the test's end. Catches: an event that is told twice or never, one that flickers, a driver that is not opened anew.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'

import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { hardware } from '#contract/app.ts'
import { HOUR_MS, MINUTE_MS } from '#contract/time.ts'
import { createRecordedEvents } from '#core/events/index.ts'
import { createDevices, createHardware } from '#core/hardware/index.ts'
import type { SensorsPort } from '#core/hardware/sensors.port.ts'
import { openSources } from '#sensors/sensors-host.ts'
import { englishWords } from '#words/words.ts'
import { createFakeEngines } from '#test/support/fake-engines.ts'
import { device, fakeNvml, hasCompiler, type FakeNvml } from '#test/support/fake-nvml/fake-nvml.ts'
import { rigContext, type RigContext } from '#test/support/rig-context.ts'

const GIB = 2 ** 30
const BIG = {
  name: 'GeForce RTX 4090',
  uuid: 'GPU-big',
  bus: '00000000:01:00.0',
  total: 24 * GIB,
  free: 20 * GIB,
  used: 4 * GIB,
}
const SMALL = {
  name: 'GeForce RTX 3060',
  uuid: 'GPU-small',
  bus: '00000000:02:00.0',
  total: 12 * GIB,
  free: 11 * GIB,
  used: GIB,
}
const ENGINE = 4_711
const GAME = 666
const CALM = { celsius: 55, milliwatts: 90_000, limit: 450_000, compute: `${ENGINE}:${3 * GIB}` }
const machine = {
  hostname: 'h',
  os: null,
  cpu: null,
  cores: 8,
  memory: { total: 32 * GIB, available: 20 * GIB },
  adapters: [{ vendor: 'NVIDIA', name: 'GeForce RTX 4090', memoryTotal: 24_576, memoryFree: 20_480 }],
}

describe.skipIf(!hasCompiler)('a day with two cards (skipped without a C compiler)', () => {
  let rig: RigContext
  let fake: FakeNvml
  let stop: () => Promise<void>
  let running = 1
  beforeEach(() => {
    rig = rigContext()
    fake = fakeNvml(rig.dataDir)
    running = 1
  })
  afterEach(async () => {
    await stop()
    rig.dispose()
  })

  function start() {
    const proc = join(rig.dataDir, 'proc')
    mkdirSync(join(proc, String(GAME)), { recursive: true })
    const sources = openSources(
      { nvml: fake.path, drm: join(rig.dataDir, 'no-drm'), proc },
      { mono: () => rig.clock.mono(), platform: 'linux' },
    )
    const sensors: SensorsPort = {
      hasHint: () => true,
      read: () => sources.read(),
      rest: () => Promise.resolve(),
      stop: () => Promise.resolve(),
    }
    const engines = createFakeEngines()
    const recorded = createRecordedEvents(rig)
    const devices = createDevices(
      { ...rig, engines, host: { mode: 'headless', notify: () => undefined } },
      {
        hardware: createHardware(rig, () => Promise.resolve(machine)),
        deployments: {
          // Its process is on the card; what the engine says of itself is all that is asked of it.
          allLoaded: () => [{ deploymentId: 'dep_1' }] as never,
          engine: () => ({ stats: () => ({ running, processes: [{ pid: ENGINE }] }) }) as never,
          onChange: () => () => undefined,
        },
        recorded,
        sensors,
        environment: {},
      },
    )
    devices.start()
    stop = () => devices.stop()
    return { devices, engines, recorded }
  }

  it('leaves the events that befell, each once, in their order', async () => {
    const says = (big: object, small: object = {}, all: object = {}) =>
      fake.says({
        count: 2,
        ...all,
        ...device(0, { ...BIG, ...CALM, ...big }),
        ...device(1, { ...SMALL, ...CALM, compute: '', ...small }),
      })
    /** A minute of looks, a leap, and another minute of them. */
    const hours = async (n: number) => {
      await rig.clock.advance(MINUTE_MS)
      rig.clock.jump(n * HOUR_MS - 2 * MINUTE_MS)
      await rig.clock.advance(MINUTE_MS)
    }
    const game = { graphics: `${GAME}:${5 * GIB}` }

    says({})
    const { devices, recorded } = start()
    const from = rig.clock.now()
    await hours(2)
    says({ celsius: 91 })
    await hours(1)
    // Still warm: it is told as cooled below 80 only.
    says({ celsius: 84 })
    await hours(1)
    says({ celsius: 71 })
    await hours(2)
    says({}, game)
    await hours(3)
    says({})
    await hours(1)
    says({}, {}, { driver: 2 })
    await hours(2)
    fake.says({ driver: 3, stale: 1, init: 9 })
    await rig.clock.advance(20 * MINUTE_MS)
    const gone = await devices.view()
    says({}, {}, { driver: 4 })
    await hours(2)
    says({}, { 'rc.handle': 15 }, { driver: 4 })
    await hours(2)
    says({}, {}, { driver: 4 })
    await hours(7)

    expect(gone.notes.map(englishWords.say)).toContain('NVIDIA’s driver: the driver is not loaded.')
    expect((rig.clock.now() - from) / HOUR_MS).toBeGreaterThan(23)
    const told = recorded
      .newest(100)
      .toReversed()
      .map(
        ({ at, what, subject, reason }) =>
          `${((at - from) / HOUR_MS).toFixed(1)} h ${what} ${subject}: ${englishWords.say(reason)}`,
      )
    expect(told).toEqual([
      '2.0 h device.hot GPU-big: GeForce RTX 4090 is at 91 °C, at or above 88 °C: it will soon be slower, and so is what you sell on it.',
      '4.0 h device.cooled GPU-big: GeForce RTX 4090 has cooled to 71 °C.',
      '6.0 h device.foreign GPU-small: Another program (pid 666) works on GeForce RTX 3060 and holds 5.0 GiB of its memory.',
      '9.0 h device.foreignEnded GPU-small: No other program works on GeForce RTX 3060 any more.',
      '10.0 h device.driverRestarted nvml: NVIDIA’s driver was restarted; what ran on its cards then was lost.',
      '12.0 h device.driverLost nvml: NVIDIA’s driver does not answer any more: the driver is not loaded.',
      '12.3 h device.driverBack nvml: NVIDIA’s driver answers again.',
      '14.3 h device.gone GPU-small: GeForce RTX 3060 is gone: its driver does not list it any more.',
      '16.3 h device.added GPU-small: GeForce RTX 3060 is there now.',
    ])
  })

  it('shows each card with the engine’s figures beside the driver’s, and says where they disagree', async () => {
    const both = {
      count: 2,
      ...device(0, { ...BIG, ...CALM, graphics: `${GAME}:${GIB}` }),
      ...device(1, { ...SMALL, ...CALM, compute: '', 'rc.power': 4 }),
    }
    fake.says(both)
    const { devices, engines } = start()
    engines.seesGpus = [
      {
        index: 0,
        name: 'NVIDIA GeForce RTX 4090',
        backend: 'CUDA',
        integrated: false,
        totalBytes: 24 * GIB,
        freeBytes: 12 * GIB,
        pci: '0000:01:00.0',
      },
    ]
    await rig.clock.advance(0)
    // A look asks the engine; while jobs run it is not asked, since that takes memory of the card.
    expect((await devices.view()).notes.map(({ code }) => code)).toEqual(['device.engineUnasked'])
    running = 0
    // Nothing runs, and there is no room: it is not asked either.
    fake.says({ count: 1, ...device(0, { ...BIG, ...CALM, free: GIB / 2, used: 23 * GIB }) })
    await rig.clock.advance(10_000)
    await devices.view()
    await rig.clock.advance(0)
    expect((await devices.view()).notes.map(({ code }) => code)).toEqual(['device.engineUnasked'])
    fake.says(both)
    await rig.clock.advance(10_000)
    await devices.view()
    await rig.clock.advance(0)
    const { devices: seen, notes, ...machine } = await devices.view()
    // As the contract lets it out.
    expect(hardware.parse({ ...machine, devices: seen, notes })).toEqual({ ...machine, devices: seen, notes })
    expect(notes).toEqual([])
    const [big, small] = seen
    expect(big).toMatchObject({
      id: 'GPU-big',
      engine: { backend: 'CUDA', memory: { totalBytes: 24 * GIB, freeBytes: 12 * GIB } },
      driver: { source: 'nvml', memory: { totalBytes: 24 * GIB, freeBytes: 20 * GIB, usedBytes: 4 * GIB } },
      temperatureC: 55,
      watts: 90,
      limitWatts: 450,
      // Seen while a job ran.
      leastFreeBytes: 20 * GIB,
      users: [
        { pid: ENGINE, bytes: 3 * GIB, ours: true },
        { pid: GAME, bytes: GIB, ours: false },
      ],
    })
    expect(big!.notes.map(englishWords.say)).toEqual([
      'The engine sees 12.0 GiB free and the driver says 20.0 GiB; what is loaded goes by the engine’s figure.',
    ])
    expect(small!.notes.map(englishWords.say)).toEqual([
      'Its driver says that it is there, and the engine does not see it: no model runs on it. Look at variables like CUDA_VISIBLE_DEVICES, and at the driver’s version.',
      'Its power is not shown: this user may not read it.',
    ])
  })
})
