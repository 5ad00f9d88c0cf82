/**
 * Trees of amdgpu and xe as the kernel’s documentation describes them (no such card was here, so none
 * was recorded). Catches: a unit, a card that is none, a figure of rubbish that takes the others with it,
 * memory of a process counted twice.
 */
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

import { beforeEach, describe, expect, it } from 'vitest'

import { DrmSource } from '#sensors/drm-cards.ts'
import { parseFdinfo } from '#sensors/drm-users.ts'
import { processNames } from '#sensors/process-names.ts'
import { tempDir } from '#test/support/temp-dir.ts'

let root: string
const write = (files: Readonly<Record<string, string>>): void => {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true })
    writeFileSync(join(root, name), `${text}\n`)
  }
}
const source = () =>
  new DrmSource({ drm: join(root, 'drm'), proc: join(root, 'proc') }, processNames(join(root, 'proc')))

const AMD = 'drm/card1/device'
const amdgpu = {
  [`${AMD}/uevent`]: 'DRIVER=amdgpu\nPCI_CLASS=30000\nPCI_ID=1002:744C\nPCI_SLOT_NAME=0000:03:00.0',
  [`${AMD}/mem_info_vram_total`]: '25753026560',
  [`${AMD}/mem_info_vram_used`]: '4294967296',
  [`${AMD}/mem_info_gtt_total`]: '16777216000',
  [`${AMD}/mem_info_gtt_used`]: '104857600',
  [`${AMD}/hwmon/hwmon3/temp1_input`]: '61000',
  [`${AMD}/hwmon/hwmon3/power1_average`]: '212000000',
  [`${AMD}/hwmon/hwmon3/power1_cap`]: '339000000',
}
/** A process with files of the card open; the same client twice is one. */
function process(pid: number, name: string, fdinfo: readonly string[]): void {
  write({ [`proc/${pid}/comm`]: name, [`proc/${pid}/stat`]: `${pid} (${name} (x)) S 4242 1 1 0` })
  mkdirSync(join(root, `proc/${pid}/fd`), { recursive: true })
  symlinkSync('/dev/null', join(root, `proc/${pid}/fd/0`))
  for (const [at, text] of fdinfo.entries()) {
    symlinkSync('/dev/dri/renderD128', join(root, `proc/${pid}/fd/${at + 3}`))
    write({ [`proc/${pid}/fdinfo/${at + 3}`]: text })
  }
}
const info = (client: number, vram: number, gtt: number): string =>
  `pos:\t0\ndrm-driver:\tamdgpu\ndrm-pdev:\t0000:03:00.0\ndrm-client-id:\t${client}\ndrm-memory-vram:\t${vram} KiB\ndrm-memory-gtt: \t${gtt} KiB`

beforeEach(() => {
  root = tempDir()
})

describe('amdgpu by its files', () => {
  it('reads memory, shared memory, heat and power, and which process holds what', () => {
    write(amdgpu)
    process(100, 'engine', [info(7, 2_097_152, 51_200), info(7, 2_097_152, 51_200), info(8, 1_024, 0)])
    process(200, 'game', [info(9, 1_048_576, 0)])
    process(300, 'shell', [])
    expect(source().read(0)).toEqual([
      {
        source: 'amdgpu',
        problem: null,
        restarts: 0,
        devices: [
          {
            source: 'amdgpu',
            id: 'amdgpu 0000:03:00.0',
            name: 'AMD GPU (1002:744c)',
            pci: '0000:03:00.0',
            memory: { totalBytes: 25_753_026_560, usedBytes: 4_294_967_296, freeBytes: 21_458_059_264 },
            shared: { totalBytes: 16_777_216_000, usedBytes: 104_857_600 },
            temperatureC: 61,
            watts: 212,
            limitWatts: 339,
            users: [
              { pid: 100, parent: 4_242, name: 'engine', bytes: 2_098_176 * 1_024, sharedBytes: 51_200 * 1_024 },
              { pid: 200, parent: 4_242, name: 'game', bytes: 2 ** 30, sharedBytes: 0 },
            ],
            problems: [],
          },
        ],
      },
    ])
  })

  it.each([
    ['more used than there is', { [`${AMD}/mem_info_vram_used`]: '99999999999' }, 'memory'],
    ['0 bytes', { [`${AMD}/mem_info_vram_total`]: '0', [`${AMD}/mem_info_vram_used`]: '0' }, 'memory'],
    ['rubbish for memory', { [`${AMD}/mem_info_vram_total`]: 'lots' }, 'memory'],
    ['negative watts', { [`${AMD}/hwmon/hwmon3/power1_average`]: '-212000000' }, 'power'],
    ['a limit of 0 W', { [`${AMD}/hwmon/hwmon3/power1_cap`]: '0' }, 'limit'],
    ['2,000 °C', { [`${AMD}/hwmon/hwmon3/temp1_input`]: '2000000' }, 'temperature'],
  ])('shows no figure of %s, and the others', (_what, files, figure) => {
    write({ ...amdgpu, ...files })
    expect(source().read(0)[0]?.devices[0]?.problems).toEqual([{ figure, problem: 'nonsense' }])
  })

  it('says nothing of a figure whose file is missing', () => {
    write({ [`${AMD}/uevent`]: amdgpu[`${AMD}/uevent`] })
    expect(source().read(0)[0]?.devices[0]).toMatchObject({ memory: null, shared: null, watts: null, problems: [] })
  })

  it('two cards are two; a card that goes is missing, a driver without cards is gone, and comes back', () => {
    const second = Object.fromEntries(
      Object.entries(amdgpu).map(([name, text]) => [
        name.replace('card1', 'card2'),
        text.replace('0000:03', '0000:0a'),
      ]),
    )
    write({ ...amdgpu, ...second, 'drm/card1-DP-1/status': 'connected', 'drm/version': 'drm 1.1.0' })
    const drm = source()
    const ids = (): unknown =>
      drm.read(0).map(({ problem, restarts, devices }) => [problem, restarts, devices.map(({ pci }) => pci)])
    expect(ids()).toEqual([[null, 0, ['0000:03:00.0', '0000:0a:00.0']]])
    rmSync(join(root, 'drm/card2'), { recursive: true })
    expect(ids()).toEqual([[null, 0, ['0000:03:00.0']]])
    rmSync(join(root, 'drm/card1'), { recursive: true })
    expect(ids()).toEqual([['driverGone', 0, []]])
    write(amdgpu)
    expect(ids()).toEqual([[null, 1, ['0000:03:00.0']]])
  })

  it('is no source where there is none: no folder, a virtual display', () => {
    expect(source().read(0)).toEqual([])
    write({ 'drm/card0/device/uevent': 'DRIVER=virtio-pci\nPCI_SLOT_NAME=0000:00:02.0' })
    expect(source().read(0)).toEqual([])
  })
})

describe('Intel by its files', () => {
  const xe = 'drm/card0/device'
  it('reads watts from two counts of energy, and the memory of processes; of all memory the driver says nothing', () => {
    write({
      [`${xe}/uevent`]: 'DRIVER=xe\nPCI_ID=8086:56A0\nPCI_SLOT_NAME=0000:03:00.0',
      [`${xe}/hwmon/hwmon1/name`]: 'xe',
      [`${xe}/hwmon/hwmon1/energy1_input`]: '5000000',
      [`${xe}/hwmon/hwmon1/power1_max`]: '190000000',
      [`${xe}/hwmon/hwmon1/temp2_input`]: '48000',
    })
    process(100, 'engine', [
      'drm-driver:\txe\ndrm-client-id:\t3\ndrm-pdev:\t0000:03:00.0\ndrm-total-vram0:\t4096 MiB\ndrm-resident-vram0:\t2048 MiB\ndrm-total-gtt:\t0',
    ])
    const drm = source()
    expect(drm.read(0)[0]?.devices[0]).toMatchObject({ source: 'intel', watts: null, memory: null, limitWatts: 190 })
    write({ [`${xe}/hwmon/hwmon1/energy1_input`]: '455000000' })
    expect(drm.read(5_000)[0]?.devices[0]).toMatchObject({
      name: 'Intel GPU (8086:56a0)',
      watts: 90,
      temperatureC: 48,
      users: [{ pid: 100, name: 'engine', bytes: 2 ** 31, sharedBytes: 0 }],
    })
  })
})

it('a file that is no card’s, or says rubbish, is nobody’s memory', () => {
  expect(parseFdinfo('pos:\t0\nflags:\t02')).toBeNull()
  expect(parseFdinfo('drm-pdev:\t0000:03:00.0\ndrm-memory-vram:\tmany KiB\ndrm-memory-gtt:\t-5 KiB')).toMatchObject({
    bytes: 0,
    sharedBytes: 0,
  })
})
