/**
 * Which device of the engine is which of a driver's: by its slot where both say it, else by name and by maker, in order.
 * Windows counts memory by adapters that have no name; they are told by whose processes use them. Pure.
 */
import type { EngineGpu } from '#core/engine/engine.port.ts'

import type { DeviceUser, SensedDevice, SensorReading } from './sensors.port.ts'

export interface MatchedDevice {
  engine: EngineGpu | null
  driver: SensedDevice | null
}

type Maker = 'nvidia' | 'amd' | 'intel' | 'other'
const MAKERS: readonly (readonly [Maker, RegExp])[] = [
  ['nvidia', /nvidia|geforce|quadro|tesla|\brtx\b|\bgtx\b/i],
  ['amd', /\bamd\b|radeon|\bati\b|gfx\d/i],
  ['intel', /intel|\barc\b|\biris\b|\buhd graphics/i],
]
export const makerOf = (name: string): Maker => MAKERS.find(([, words]) => words.test(name))?.[0] ?? 'other'
const BY_SOURCE = { nvml: 'nvidia', amdgpu: 'amd', intel: 'intel', windows: 'other' } as const

/** Without the maker, brackets and marks: `NVIDIA GeForce RTX 4070 (NVK AD104)` is `geforcertx4070`. */
const plain = (name: string): string =>
  name
    .toLowerCase()
    .replace(/\([^)]*\)/g, ' ')
    .replace(/nvidia|\bamd\b|intel|corporation/g, ' ')
    .replace(/[^a-z0-9]/g, '')

/** Windows' unnamed adapters put onto the devices that another source names; what fits none stays as it is. */
export function driverDevices({ sources }: SensorReading): SensedDevice[] {
  const all = sources.flatMap(({ devices }) => devices)
  const named = all.filter(({ source }) => source !== 'windows')
  const adapters = all.filter(({ source }) => source === 'windows')
  const alone = named.length === 1 && adapters.length === 1
  const taken = new Set<string>()
  const merged = named.map((device) => {
    const pids = new Set(device.users?.map(({ pid }) => pid) ?? [])
    const shares = (adapter: SensedDevice): number => adapter.users?.filter(({ pid }) => pids.has(pid)).length ?? 0
    const [best] = adapters.filter(({ id }) => !taken.has(id)).toSorted((a, b) => shares(b) - shares(a))
    if (best === undefined || (!alone && shares(best) === 0)) return device
    taken.add(best.id)
    return { ...device, shared: best.shared, users: mergedUsers(device.users ?? [], best.users ?? []) }
  })
  return [...merged, ...adapters.filter(({ id }) => !taken.has(id))]
}

function mergedUsers(users: readonly DeviceUser[], counted: readonly DeviceUser[]): DeviceUser[] {
  const byPid = new Map(users.map((user) => [user.pid, user]))
  for (const { pid, bytes, sharedBytes, ...rest } of counted) {
    const known = byPid.get(pid)
    byPid.set(pid, { ...rest, ...known, pid, bytes: known?.bytes ?? bytes, sharedBytes })
  }
  return [...byPid.values()]
}

/** Every device once, the engine's own order first. */
export function matchDevices(engine: readonly EngineGpu[], drivers: readonly SensedDevice[]): MatchedDevice[] {
  const free = new Set(drivers)
  const found = new Map<EngineGpu, SensedDevice>()
  const take = (fits: (gpu: EngineGpu, device: SensedDevice) => boolean): void => {
    for (const gpu of engine) {
      if (found.has(gpu)) continue
      const device = [...free].find((one) => fits(gpu, one))
      if (device === undefined) continue
      free.delete(device)
      found.set(gpu, device)
    }
  }
  /** Two slots that differ are two cards, whatever they are called. */
  const may = (gpu: EngineGpu, { pci }: SensedDevice): boolean => pci === null || (gpu.pci ?? null) === null
  take((gpu, { pci }) => pci !== null && gpu.pci === pci)
  take((gpu, device) => may(gpu, device) && device.name !== '' && plain(gpu.name) === plain(device.name))
  take(
    (gpu, device) =>
      may(gpu, device) && BY_SOURCE[device.source] === makerOf(gpu.name) && makerOf(gpu.name) !== 'other',
  )
  const rest = engine.filter((gpu) => !found.has(gpu))
  if (rest.length === 1 && free.size === 1) take((gpu, device) => may(gpu, device) && device.source === 'windows')
  return [
    ...engine.map((gpu) => ({ engine: gpu, driver: found.get(gpu) ?? null })),
    ...[...free].map((driver) => ({ engine: null, driver })),
  ]
}
