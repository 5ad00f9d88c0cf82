/**
 * Windows counts dedicated and shared memory of every GPU and process in its performance counters (GPU Adapter Memory,
 * GPU Process Memory, since Windows 10 1709). Their WMI classes have the same names in every language of Windows, the
 * counters have not. Recorded answers are the only ones that were seen: there was no Windows.
 */
import { execFile } from 'node:child_process'

import type { DeviceUser, SensedDevice, SensedSource } from '#core/hardware/sensors.port.ts'

import { DEVICES_MAX, sizeOrNull, USERS_MAX } from './plausible.ts'

const DEADLINE_MS = 10_000
const OUTPUT_MAX = 4 * 1_048_576
const CLASSES = 'Win32_PerfFormattedData_GPUPerformanceCounters_GPU'
const SCRIPT = `$ErrorActionPreference='Stop';@{adapters=@(Get-CimInstance ${CLASSES}AdapterMemory|Select-Object Name,DedicatedUsage,SharedUsage);processes=@(Get-CimInstance ${CLASSES}ProcessMemory|Select-Object Name,DedicatedUsage,SharedUsage)}|ConvertTo-Json -Depth 3 -Compress`

/** Asks PowerShell, which comes with Windows. */
export const askWindows = (): Promise<string> =>
  new Promise((resolve, reject) => {
    execFile(
      'powershell.exe',
      ['-NoProfile', '-NonInteractive', '-Command', SCRIPT],
      { timeout: DEADLINE_MS, maxBuffer: OUTPUT_MAX, windowsHide: true },
      (error, stdout) => (error === null ? resolve(stdout) : reject(error)),
    )
  })

interface CounterRow {
  name: string
  dedicated: number | null
  shared: number | null
}

function rowsOf(value: unknown, max: number): CounterRow[] {
  const rows = Array.isArray(value) ? (value as unknown[]) : []
  return rows.slice(0, max).flatMap((row) => {
    const { Name, DedicatedUsage, SharedUsage } = (row ?? {}) as Record<string, unknown>
    if (typeof Name !== 'string') return []
    const size = (bytes: unknown): number | null =>
      typeof bytes === 'number' || (typeof bytes === 'string' && /^\d{1,20}$/.test(bytes))
        ? sizeOrNull(Number(bytes))
        : null
    return [{ name: Name, dedicated: size(DedicatedUsage), shared: size(SharedUsage) }]
  })
}

const adapterOf = (name: string): string | null => /luid_0x[0-9a-f]+_0x[0-9a-f]+/i.exec(name)?.[0].toLowerCase() ?? null
const pidOf = (name: string): number => Number(/^pid_(\d{1,10})_/i.exec(name)?.[1] ?? Number.NaN)

/** What the counters say, one device an adapter; an adapter that nobody uses is left out (there are several of software). */
export function parseWindowsCounters(json: string): SensedDevice[] {
  const parsed = JSON.parse(json) as { adapters?: unknown; processes?: unknown } | null
  const users = new Map<string, DeviceUser[]>()
  for (const { name, dedicated, shared } of rowsOf(parsed?.processes, DEVICES_MAX * USERS_MAX)) {
    const [adapter, pid] = [adapterOf(name), pidOf(name)]
    if (adapter === null || Number.isNaN(pid) || ((dedicated ?? 0) === 0 && (shared ?? 0) === 0)) continue
    const user = { pid, parent: null, name: '', bytes: dedicated, sharedBytes: shared }
    users.set(adapter, [...(users.get(adapter) ?? []), user].slice(-USERS_MAX))
  }
  return rowsOf(parsed?.adapters, DEVICES_MAX).flatMap(({ name, shared }) => {
    const adapter = adapterOf(name)
    const held = adapter === null ? [] : (users.get(adapter) ?? [])
    if (adapter === null || held.length === 0) return []
    return [
      {
        source: 'windows' as const,
        id: adapter,
        name: '',
        pci: null,
        memory: null,
        shared: shared === null ? null : { totalBytes: null, usedBytes: shared },
        temperatureC: null,
        watts: null,
        limitWatts: null,
        users: held,
        problems: [],
      },
    ]
  })
}

export async function readWindows(ask: () => Promise<string>): Promise<SensedSource> {
  try {
    return { source: 'windows', problem: null, restarts: 0, devices: parseWindowsCounters(await ask()) }
  } catch {
    return { source: 'windows', problem: 'failed', restarts: 0, devices: [] }
  }
}
