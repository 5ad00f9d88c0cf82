/** Devices of several sources as one list. Catches: a card that is listed twice or not at all, nonsense that is believed, a disagreement nobody names. */
import { describe, expect, it } from 'vitest'

import { hardware } from '#contract/app.ts'
import { because } from '#contract/reasons.ts'
import type { EngineGpu } from '#core/engine/engine.port.ts'
import { describeDevices, type SeenDevices } from '#core/hardware/devices.ts'
import type { SensedDevice, SensedSource } from '#core/hardware/sensors.port.ts'
import { englishWords } from '#words/words.ts'

const GIB = 2 ** 30
const MACHINE = { hostname: 'h', os: 'o', cpu: 'c', cores: 1, memoryBytes: 1, memoryFreeBytes: 1, gpus: [], at: 1 }
const gpu = (index: number, name: string, more: Partial<EngineGpu> = {}): EngineGpu => ({
  index,
  name,
  backend: 'Vulkan',
  integrated: false,
  totalBytes: 12 * GIB,
  freeBytes: 10 * GIB,
  pci: null,
  ...more,
})
const sensed = (source: SensedDevice['source'], id: string, more: Partial<SensedDevice> = {}): SensedDevice => ({
  source,
  id,
  name: id,
  pci: null,
  memory: { totalBytes: 12 * GIB, usedBytes: 2 * GIB, freeBytes: 10 * GIB },
  shared: null,
  temperatureC: 50,
  watts: 100,
  limitWatts: 200,
  users: [],
  problems: [],
  ...more,
})
const from = (devices: SensedDevice[], more: Partial<SensedSource> = {}): SensedSource => ({
  source: devices[0]?.source ?? 'nvml',
  problem: null,
  restarts: 0,
  devices,
  ...more,
})
const see = (gpus: EngineGpu[] | null, sources: SensedSource[], more: Partial<SeenDevices> = {}) => {
  const { devices, notes } = describeDevices({
    engine: gpus === null ? { state: 'unasked' } : { state: 'asked', gpus, at: 1_000 },
    sensed: { reading: { problem: null, sources }, at: 2_000 },
    adapters: [],
    variables: [],
    isOurs: ({ pid }) => pid === 1,
    leastFree: new Map(),
    ...more,
  })
  return {
    devices,
    notes: notes.map(englishWords.say),
    pairs: devices.map(({ id, engine, driver, notes: own }) => [
      id,
      engine?.backend ?? null,
      driver?.source ?? null,
      ...own.map(({ code }) => code),
    ]),
  }
}

describe('devices of engine and drivers', () => {
  it('are matched by their slots, two of one name and another order too', () => {
    const { pairs } = see(
      [gpu(0, 'RTX 4070', { pci: '0000:02:00.0' }), gpu(1, 'RTX 4070', { pci: '0000:01:00.0' })],
      [from([sensed('nvml', 'a', { pci: '0000:01:00.0' }), sensed('nvml', 'b', { pci: '0000:02:00.0' })])],
    )
    expect(pairs).toEqual([
      ['b', 'Vulkan', 'nvml'],
      ['a', 'Vulkan', 'nvml'],
    ])
  })

  it('by name and maker where there is no slot, never by name where the slots differ', () => {
    const names = see(
      [gpu(0, 'AMD Radeon RX 7900 XTX (RADV NAVI31)'), gpu(1, 'NVIDIA GeForce RTX 3060')],
      [
        from([sensed('nvml', 'n', { name: 'GeForce RTX 3060' })]),
        from([sensed('amdgpu', 'x', { name: 'AMD GPU (1002:744c)' })]),
      ],
    )
    expect(names.pairs).toEqual([
      ['x', 'Vulkan', 'amdgpu'],
      ['n', 'Vulkan', 'nvml'],
    ])
    expect(
      see(
        [gpu(0, 'RTX 3060', { pci: '0000:01:00.0' })],
        [from([sensed('nvml', 'n', { name: 'RTX 3060', pci: '0000:09:00.0' })])],
      ).pairs,
    ).toEqual([
      ['engine Vulkan 0', 'Vulkan', null, 'device.engineOnly'],
      ['n', null, 'nvml', 'device.driverOnly'],
    ])
  })

  it('say where the two disagree: seen by one alone, other sums, other room', () => {
    expect(see([gpu(0, 'llvmpipe')], []).pairs).toEqual([['engine Vulkan 0', 'Vulkan', null, 'device.engineOnly']])
    expect(see([], [from([sensed('nvml', 'n')])])).toMatchObject({
      pairs: [['n', null, 'nvml', 'device.driverOnly']],
      notes: ['The engine sees no GPU here; models run on the processor.'],
    })
    const one = (more: Partial<EngineGpu>) => see([gpu(0, 'n', more)], [from([sensed('nvml', 'n')])]).pairs[0]?.slice(3)
    expect(one({ totalBytes: 8 * GIB, freeBytes: 8 * GIB })).toEqual(['device.totalDiffers'])
    expect(one({ freeBytes: 6 * GIB })).toEqual(['device.freeDiffers'])
    expect(one({ totalBytes: 11.7 * GIB, freeBytes: 9.5 * GIB })).toEqual([])
  })

  it('with main memory for their own are not compared: dedicated and shared stand apart', () => {
    const { devices, pairs } = see(
      [gpu(0, 'AMD Radeon Graphics', { integrated: true, totalBytes: 24 * GIB, freeBytes: 20 * GIB })],
      [
        from([
          sensed('amdgpu', 'igpu', {
            memory: { totalBytes: GIB / 2, usedBytes: GIB / 4, freeBytes: GIB / 4 },
            shared: { totalBytes: 15 * GIB, usedBytes: 3 * GIB },
          }),
        ]),
      ],
    )
    expect(pairs).toEqual([['igpu', 'Vulkan', 'amdgpu', 'device.sharesMemory']])
    expect(devices[0]).toMatchObject({ driver: { memory: { totalBytes: GIB / 2 } }, shared: { usedBytes: 3 * GIB } })
  })

  it.each([
    ['more free than there is', { totalBytes: GIB, freeBytes: 2 * GIB }],
    ['0 bytes', { totalBytes: 0, freeBytes: 0 }],
  ])('of which the engine says %s have no figure of it', (_what, more) => {
    const { devices, pairs } = see([gpu(0, 'n', more)], [])
    expect(devices[0]?.engine?.memory).toBeNull()
    expect(pairs[0]).toContain('device.engineNonsense')
  })

  it('name what the driver refused, and what it said that cannot be', () => {
    const { devices } = see(null, [
      from([
        sensed('nvml', 'n', {
          watts: null,
          memory: null,
          problems: [
            { figure: 'power', problem: 'noPermission' },
            { figure: 'memory', problem: 'nonsense' },
            { figure: 'limit', problem: 'notSupported' },
          ],
        }),
      ]),
    ])
    expect(devices[0]?.notes.map(englishWords.say)).toEqual([
      'Its power is not shown: this user may not read it.',
      'Its memory is not shown: the driver gives a figure that cannot be.',
    ])
  })

  it('with less than 256 MiB left while it served have a warning', () => {
    const least = (mib: number) =>
      see(null, [from([sensed('nvml', 'n')])], { leastFree: new Map([['n', mib * 2 ** 20]]) }).pairs[0]?.slice(3)
    expect([least(255), least(256)]).toEqual([['device.tight'], []])
  })

  it('are 64 at most, and it says so', () => {
    const many = Array.from({ length: 70 }, (_, at) => sensed('nvml', `n${at}`, { pci: null }))
    const { devices, notes } = see([], [from(many)])
    expect(devices).toHaveLength(64)
    expect(hardware.parse({ ...MACHINE, devices, notes: [] }).devices).toEqual(devices)
    expect(notes).toContain('More than 64 devices are said to be there; the first 64 are shown.')
  })

  it('say why there are none: variables that name none, an engine or a driver that does not answer', () => {
    const seen = (more: Partial<SeenDevices>) => see([], [], more).notes
    expect(seen({ variables: ['GGML_VK_VISIBLE_DEVICES'] })).toEqual([
      'The engine sees no GPU here; models run on the processor.',
      'Variables say which GPUs may be used (GGML_VK_VISIBLE_DEVICES); perhaps they name none that is there.',
    ])
    expect(
      seen({ engine: { state: 'silent', problem: because('engine.crashed') }, variables: ['CUDA_VISIBLE_DEVICES'] }),
    ).toEqual([
      'The engine could not be asked which GPUs it sees: The engine stopped unexpectedly while this was running. It restarts by itself; send the request again.',
      'Variables say which GPUs may be used (CUDA_VISIBLE_DEVICES); perhaps they name none that is there.',
    ])
    expect(seen({ sensed: { reading: { problem: 'silent', sources: [] }, at: 0 } })).toEqual([
      'The driver: the driver did not answer in time, and was left alone.',
    ])
    expect(see([], []).notes).toEqual([])
  })

  it('that the system alone lists are named, once', () => {
    const adapters = [
      { name: 'Radeon RX 480', memoryBytes: null, memoryFreeBytes: null },
      { name: 'GeForce RTX 4070', memoryBytes: null, memoryFreeBytes: null },
    ]
    const { pairs } = see(
      [gpu(0, 'NVIDIA GeForce RTX 4070')],
      [from([sensed('nvml', 'n', { name: 'NVIDIA GeForce RTX 4070' })])],
      { adapters },
    )
    expect(pairs).toEqual([
      ['n', 'Vulkan', 'nvml'],
      ['system 0', null, null, 'device.systemOnly'],
    ])
  })
})
