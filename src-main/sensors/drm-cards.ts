/**
 * AMD and Intel GPUs from Linux: the card's folder below /sys/class/drm, its hwmon, and which process holds how much from
 * /proc. Units: bytes; microwatts, microjoules and millidegrees in hwmon (linux/Documentation/hwmon/sysfs-interface,
 * gpu/amdgpu/thermal, gpu/drm-usage-stats).
 */
import { join } from 'node:path'

import type { SensedDevice, SensedSource, SensorSource } from '#core/hardware/sensors.port.ts'

import { readNames, readNumber, readText } from './bounded-file.ts'
import { usersOfCards, type UsersByCard } from './drm-users.ts'
import { DEVICES_MAX, plausible } from './plausible.ts'
import type { ProcessNames } from './process-names.ts'

const DRIVERS: Readonly<Record<string, Exclude<SensorSource, 'nvml' | 'windows'>>> = {
  amdgpu: 'amdgpu',
  i915: 'intel',
  xe: 'intel',
}
const HWMON_MAX = 8
const MICRO = 1_000_000
const MILLI = 1_000

interface Card {
  source: 'amdgpu' | 'intel'
  folder: string
  pci: string
  name: string
}

function cardAt(drm: string, entry: string): Card | null {
  const folder = join(drm, entry, 'device')
  const uevent = readText(join(folder, 'uevent')) ?? ''
  const field = (name: string): string => new RegExp(`^${name}=(.+)$`, 'm').exec(uevent)?.[1] ?? ''
  const source = DRIVERS[field('DRIVER')]
  const pci = field('PCI_SLOT_NAME').toLowerCase()
  if (source === undefined || pci === '') return null
  const maker = source === 'amdgpu' ? 'AMD' : 'Intel'
  const name = readText(join(folder, 'product_name')) || `${maker} GPU (${field('PCI_ID').toLowerCase()})`
  return { source, folder, pci, name }
}

/** Microwatts of each reading's energy counter, for cards that have no power file. */
interface Energy {
  monoMs: number
  microjoules: number
}

export class DrmSource {
  readonly #drm: string
  readonly #proc: string
  readonly #names: ProcessNames
  readonly #energy = new Map<string, Energy>()
  /** Seen before: a driver that was unloaded is gone, and no machine without it. */
  readonly #seen = new Set<SensorSource>()
  readonly #gone = new Set<SensorSource>()
  readonly #restarts = new Map<SensorSource, number>()

  constructor({ drm, proc }: { drm: string; proc: string }, names: ProcessNames) {
    this.#drm = drm
    this.#proc = proc
    this.#names = names
  }

  read(monoMs: number): SensedSource[] {
    const cards = readNames(this.#drm, 4 * DEVICES_MAX)
      .filter((name) => /^card\d+$/.test(name))
      .map((name) => cardAt(this.#drm, name))
      .filter((card) => card !== null)
      .slice(0, DEVICES_MAX)
    const users = cards.length === 0 ? new Map() : usersOfCards(this.#proc, this.#names)
    const devices = cards.map((card) => this.#device(card, users, monoMs))
    return (['amdgpu', 'intel'] as const).flatMap((source) => {
      const mine = devices.filter((device) => device.source === source)
      if (mine.length > 0) this.#seen.add(source)
      else if (!this.#seen.has(source)) return []
      if (mine.length > 0 && this.#gone.delete(source))
        this.#restarts.set(source, (this.#restarts.get(source) ?? 0) + 1)
      if (mine.length === 0) this.#gone.add(source)
      const problem = mine.length === 0 ? ('driverGone' as const) : null
      return [{ source, problem, restarts: this.#restarts.get(source) ?? 0, devices: mine }]
    })
  }

  #device({ source, folder, pci, name }: Card, users: UsersByCard, monoMs: number): SensedDevice {
    const hwmon = readNames(join(folder, 'hwmon'), HWMON_MAX).map((entry) => join(folder, 'hwmon', entry))
    const first = (...files: string[]): number | null =>
      hwmon.flatMap((at) => files.map((file) => readNumber(join(at, file)))).find((value) => value !== null) ?? null
    const scaled = (value: number | null, scale: number): number | null => (value === null ? null : value / scale)
    const total = readNumber(join(folder, 'mem_info_vram_total'))
    const used = readNumber(join(folder, 'mem_info_vram_used'))
    const sharedUsed = readNumber(join(folder, 'mem_info_gtt_used'))
    const checked = plausible({
      memory: total === null || used === null ? null : { totalBytes: total, usedBytes: used, freeBytes: total - used },
      temperatureC: scaled(first('temp1_input', 'temp2_input'), MILLI),
      watts: scaled(first('power1_average', 'power1_input'), MICRO) ?? this.#wattsByEnergy(pci, first, monoMs),
      limitWatts: scaled(first('power1_cap', 'power1_max'), MICRO),
    })
    return {
      source,
      id: `${source} ${pci}`,
      name,
      pci,
      shared:
        sharedUsed === null || !(sharedUsed >= 0)
          ? null
          : { totalBytes: readNumber(join(folder, 'mem_info_gtt_total')) || null, usedBytes: sharedUsed },
      ...checked,
      users: users.get(pci) ?? [],
    }
  }

  /** Two readings of the counter; null at the first, and where there is none. */
  #wattsByEnergy(pci: string, first: (...files: string[]) => number | null, monoMs: number): number | null {
    const microjoules = first('energy1_input')
    if (microjoules === null || Number.isNaN(microjoules)) return null
    const before = this.#energy.get(pci)
    this.#energy.set(pci, { monoMs, microjoules })
    if (before === undefined || monoMs <= before.monoMs || microjoules < before.microjoules) return null
    return (microjoules - before.microjoules) / MICRO / ((monoMs - before.monoMs) / MILLI)
  }
}
