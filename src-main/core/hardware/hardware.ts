/** What the machine is, from what the system reports; pure, so that odd reports can be tested. */
import type { Hardware } from '#contract/app.ts'
import type { EpochMs } from '#contract/time.ts'

const MEGABYTE = 1_048_576
/** Display adapters of virtual machines: no use to a model. */
const VIRTUAL_ADAPTER = /virtio|cirrus|vmware|qxl|bochs|basic display|hyper-v|virtualbox|parallels|remote display/i

/** One adapter as `systeminformation` reports it; sizes in MiB. */
interface AdapterReport {
  vendor?: string
  model?: string
  name?: string
  vram?: number | null
  memoryTotal?: number | null
  memoryFree?: number | null
}

/** What could be learnt before the deadline; missing parts are null. */
export interface MachineReport {
  hostname: string
  os: { distro: string; release: string; arch: string } | null
  cpu: { manufacturer: string; brand: string } | null
  cores: number
  memory: { total: number; available: number }
  adapters: readonly AdapterReport[]
}

const positive = (value: number | null | undefined): number | null =>
  typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : null
const inBytes = (megabytes: number | null): number | null =>
  megabytes === null ? null : Math.round(megabytes * MEGABYTE)

function toGpu(adapter: AdapterReport): Hardware['gpus'][number] | null {
  const name = (adapter.name ?? adapter.model ?? '').trim()
  if (name === '' || VIRTUAL_ADAPTER.test(`${adapter.vendor ?? ''} ${name}`)) return null
  const free = typeof adapter.memoryFree === 'number' && adapter.memoryFree >= 0 ? adapter.memoryFree : null
  return {
    name,
    memoryBytes: inBytes(positive(adapter.memoryTotal) ?? positive(adapter.vram)),
    memoryFreeBytes: inBytes(free),
  }
}

const words = (...parts: string[]): string =>
  parts
    .map((part) => part.trim())
    .filter((part) => part !== '' && part !== 'unknown')
    .join(' ')

/** The machine without its GPUs one by one (devices.ts). */
export type MachineFound = Omit<Hardware, 'devices' | 'notes'>

export function describeMachine(report: MachineReport, at: EpochMs): MachineFound {
  const os = report.os === null ? '' : words(report.os.distro, report.os.release, report.os.arch)
  const cpu = report.cpu === null ? '' : words(report.cpu.manufacturer, report.cpu.brand)
  return {
    hostname: report.hostname,
    os: os === '' ? 'unknown system' : os,
    cpu: cpu === '' ? 'unknown processor' : cpu,
    cores: Math.max(1, Math.round(report.cores)),
    memoryBytes: report.memory.total,
    memoryFreeBytes: report.memory.available,
    gpus: report.adapters.map(toGpu).filter((gpu) => gpu !== null),
    at,
  }
}
