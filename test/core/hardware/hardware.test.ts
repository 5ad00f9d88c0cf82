import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { systemProbe } from '#core/hardware/hardware.probe.ts'
import { describeMachine, type MachineReport } from '#core/hardware/hardware.ts'
import { createHardware } from '#core/hardware/index.ts'
import { systemClock } from '#lib/system-clock.ts'
import { rigContext, type RigContext } from '#test/support/rig-context.ts'

const report: MachineReport = {
  hostname: 'workshop-pc',
  os: { distro: 'Debian GNU/Linux', release: '13', arch: 'x64' },
  cpu: { manufacturer: 'AMD', brand: 'Ryzen 7 5700X' },
  cores: 16,
  memory: { total: 32e9, available: 20e9 },
  adapters: [
    {
      vendor: 'NVIDIA Corporation',
      model: 'AD104',
      name: 'NVIDIA GeForce RTX 4070',
      vram: 12_282,
      memoryTotal: 12_282,
      memoryFree: 9_300,
    },
  ],
}

let rig: RigContext
beforeEach(() => {
  rig = rigContext()
})
afterEach(() => rig.dispose())

describe('hardware', () => {
  it('names machine, system, processor and GPU with bytes, not megabytes', () => {
    expect(describeMachine(report, 5)).toEqual({
      hostname: 'workshop-pc',
      os: 'Debian GNU/Linux 13 x64',
      cpu: 'AMD Ryzen 7 5700X',
      cores: 16,
      memoryBytes: 32e9,
      memoryFreeBytes: 20e9,
      gpus: [{ name: 'NVIDIA GeForce RTX 4070', memoryBytes: 12_282 * 1_048_576, memoryFreeBytes: 9_300 * 1_048_576 }],
      at: 5,
    })
  })

  it('does not call a virtual display a GPU, and says null for memory nobody reports', () => {
    const machine = describeMachine(
      {
        ...report,
        os: null,
        cpu: null,
        cores: 0,
        adapters: [
          { vendor: 'Red Hat', model: 'Virtio GPU', vram: 4 },
          { model: '' },
          { model: 'Arc A770', vram: null },
        ],
      },
      5,
    )
    expect(machine).toMatchObject({
      os: 'unknown system',
      cpu: 'unknown processor',
      cores: 1,
      gpus: [{ name: 'Arc A770', memoryBytes: null, memoryFreeBytes: null }],
    })
  })

  it('asks once a minute, once for everybody at the same time, and again after a failure', async () => {
    let asked = 0
    let fail = true
    const hardware = createHardware(rig, () => {
      asked += 1
      return fail ? Promise.reject(new Error('no tool')) : Promise.resolve(report)
    })
    await expect(hardware.current()).rejects.toThrow('no tool')
    fail = false
    const [one, two] = await Promise.all([hardware.current(), hardware.current()])
    expect(one).toBe(two)
    await rig.clock.advance(59_000)
    await hardware.current()
    expect(asked).toBe(2)
    await rig.clock.advance(1_000)
    await hardware.current()
    expect(asked).toBe(3)
  })

  it('reads the real machine within its deadlines', async () => {
    const machine = describeMachine(await systemProbe({ clock: systemClock, log: rig.log })(), 0)
    expect(machine.cores).toBeGreaterThan(0)
    expect(machine.memoryBytes).toBeGreaterThan(machine.memoryFreeBytes)
    expect(machine.memoryFreeBytes).toBeGreaterThan(0)
  })
})
