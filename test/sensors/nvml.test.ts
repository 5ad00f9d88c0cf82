/**
 * NVML through its double, in this process: watts, memory, temperature, who uses a card, and every failure as a word.
 * Catches: an offset of a struct, a refused figure that takes the others with it, a driver that came back and is never
 * opened anew, nonsense that is believed.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { NvmlSource } from '#sensors/nvml.ts'
import { device, fakeNvml, hasCompiler, type FakeNvml } from '#test/support/fake-nvml/fake-nvml.ts'

const GIB = 2 ** 30
const BIG = {
  name: 'NVIDIA GeForce RTX 4090',
  uuid: 'GPU-big',
  bus: '00000000:01:00.0',
  total: 24 * GIB,
  free: 20 * GIB,
  used: 4 * GIB,
  celsius: 61,
  milliwatts: 287_500,
  limit: 450_000,
}
const SMALL = {
  ...BIG,
  name: 'NVIDIA GeForce RTX 3060',
  uuid: 'GPU-small',
  bus: '00000000:02:00.0',
  total: 12 * GIB,
  free: 8 * GIB,
}
const names = { of: (pid: number) => ({ name: `program-${pid}`, parent: 1 }) }

describe.skipIf(!hasCompiler)('NVML by its double (skipped without a C compiler)', () => {
  let folder: string
  let fake: FakeNvml
  let nvml: NvmlSource
  let mono = 0
  const read = () => nvml.read((mono += 5_000))!
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'stoker-fake-nvml-'))
    fake = fakeNvml(folder)
    nvml = new NvmlSource(fake.path, names)
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  it('reads two cards of different size, each with its own figures, and who uses them', () => {
    fake.says({
      count: 2,
      ...device(0, { ...BIG, compute: `4711:${3 * GIB},4712`, graphics: `4711:${GIB},99:${GIB / 2}` }),
      ...device(1, SMALL),
    })
    expect(read()).toEqual({
      source: 'nvml',
      problem: null,
      restarts: 0,
      devices: [
        {
          source: 'nvml',
          id: 'GPU-big',
          name: 'NVIDIA GeForce RTX 4090',
          pci: '0000:01:00.0',
          memory: { totalBytes: 24 * GIB, freeBytes: 20 * GIB, usedBytes: 4 * GIB },
          shared: null,
          temperatureC: 61,
          watts: 287.5,
          limitWatts: 450,
          users: [
            { pid: 4711, name: 'program-4711', parent: 1, bytes: 3 * GIB, sharedBytes: null },
            { pid: 4712, name: 'program-4712', parent: 1, bytes: null, sharedBytes: null },
            { pid: 99, name: 'program-99', parent: 1, bytes: GIB / 2, sharedBytes: null },
          ],
          problems: [],
        },
        expect.objectContaining({
          id: 'GPU-small',
          memory: { totalBytes: 12 * GIB, freeBytes: 8 * GIB, usedBytes: 4 * GIB },
          users: [],
        }),
      ],
    })
  })

  it('says which figure may not be read, and reads the others', () => {
    fake.says({ count: 1, ...device(0, { ...BIG, 'rc.power': 4, 'rc.processes': 3, 'rc.temperature': 777 }) })
    expect(read().devices[0]).toMatchObject({
      memory: { freeBytes: 20 * GIB },
      limitWatts: 450,
      watts: null,
      users: null,
      temperatureC: null,
      problems: [
        { figure: 'temperature', problem: 'failed' },
        { figure: 'power', problem: 'noPermission' },
        { figure: 'processes', problem: 'notSupported' },
      ],
    })
  })

  it.each([
    ['more free than there is', { free: 30 * GIB }, 'memory'],
    ['no bytes at all', { total: 0, free: 0, used: 0 }, 'memory'],
    // Unsigned, so that minus 100 W is four million.
    ['negative watts', { milliwatts: 4_294_867_296 }, 'power'],
    ['a power limit of 0 W', { limit: 0 }, 'limit'],
    ['4,000 °C', { celsius: 4_000 }, 'temperature'],
  ])('shows no %s', (_what, values, figure) => {
    fake.says({ count: 1, ...device(0, { ...BIG, ...values }) })
    const [one] = read().devices
    expect(one!.problems).toEqual([{ figure, problem: 'nonsense' }])
    const shown = { memory: one!.memory, power: one!.watts, limit: one!.limitWatts, temperature: one!.temperatureC }
    expect(Object.entries(shown).filter(([, value]) => value === null)).toEqual([[figure, null]])
  })

  it.each([
    [4, 'noPermission'],
    [9, 'driverGone'],
    [18, 'driverChanged'],
    [999, 'failed'],
  ])('an opening that answers %i is "%s", and is tried again', (code, problem) => {
    fake.says({ init: code, count: 1 })
    expect(read()).toMatchObject({ problem, devices: [] })
    fake.says({ count: 1, ...device(0, BIG) })
    expect(read()).toMatchObject({ problem: null, restarts: 1, devices: [{ id: 'GPU-big' }] })
  })

  it('opens a driver anew that was restarted between two readings', () => {
    fake.says({ driver: 1, count: 1, ...device(0, BIG) })
    expect(read()).toMatchObject({ problem: null, restarts: 0 })
    fake.says({ driver: 2, count: 1, ...device(0, BIG) })
    expect(read()).toMatchObject({ problem: null, restarts: 1, devices: [{ id: 'GPU-big' }] })
    expect(read()).toMatchObject({ problem: null, restarts: 1 })
  })

  it('a driver that goes away is a word, and comes back by itself', () => {
    fake.says({ driver: 1, count: 1, ...device(0, BIG) })
    read()
    fake.says({ driver: 2, stale: 1, init: 9 })
    expect(read()).toMatchObject({ problem: 'driverGone', devices: [] })
    fake.says({ driver: 3, count: 1, ...device(0, BIG) })
    expect(read()).toMatchObject({ problem: null, restarts: 1, devices: [{ id: 'GPU-big' }] })
  })

  it('a card that fell off the bus is missing, and said; the other one goes on', () => {
    fake.says({ count: 2, ...device(0, { ...BIG, 'rc.handle': 15 }), ...device(1, SMALL) })
    expect(read()).toMatchObject({ problem: 'deviceGone', restarts: 0, devices: [{ id: 'GPU-small' }] })
  })

  it('reads 64 devices and no more', () => {
    const many = Object.assign(
      {},
      ...Array.from({ length: 70 }, (_, at) => device(at, { ...BIG, uuid: `GPU-${at}` })),
    ) as Record<string, string>
    fake.says({ count: 70, ...many })
    const { devices } = read()
    expect(devices.map(({ id }) => id)).toEqual(Array.from({ length: 64 }, (_, at) => `GPU-${at}`))
  })
})

describe('NVML that is not there', () => {
  it('is no source, and is looked for once a minute', () => {
    const nvml = new NvmlSource('/nowhere/libnvidia-ml.so.1', names)
    expect([nvml.read(0), nvml.read(59_000), nvml.read(61_000)]).toEqual([null, null, null])
  })
})
