/**
 * NVIDIA GPUs through NVML: opened at the first reading, opened anew after the driver went away, never more often than
 * once a reading. Every failure is a typed word beside what could be read.
 */
import type { DeviceUser, SensedDevice, SensedSource, SensorProblem } from '#core/hardware/sensors.port.ts'

import { isTooSmall, openNvmlLibrary, problemOf, SUCCESS, type NvmlFunctions } from './nvml-library.ts'
import { DEVICES_MAX, plausible, sizeOrNull, USERS_MAX } from './plausible.ts'
import type { ProcessNames } from './process-names.ts'

/** A machine whose library could not be opened is asked again after so long, ms. */
const RETRY_MS = 60_000
const TEXT_BYTES = 96
/** nvmlPciInfo_t: busIdLegacy[16], five 32-bit numbers, busId[32]. */
const PCI = { bytes: 68, busId: 36 } as const
const MEMORY_BYTES = 24
/** nvmlProcessInfo_t of version 3: pid at 0, used bytes at 8, 24 in all. */
const PROCESS_BYTES = 24
/** NVML_TEMPERATURE_GPU. */
const CORE_SENSOR = 0
/** After these the library is opened anew: it answers nothing else until then. */
const REOPEN: readonly SensorProblem[] = ['notInitialised', 'driverGone', 'driverChanged', 'failed']

class NvmlFailure extends Error {
  readonly problem: SensorProblem
  constructor(problem: SensorProblem) {
    super(`NVML: ${problem}`)
    this.problem = problem
  }
}

const textOf = (bytes: Buffer): string => {
  const end = bytes.indexOf(0)
  return bytes.toString('utf8', 0, end < 0 ? bytes.length : end).trim()
}
/** `00000000:01:00.0` as the kernel writes it. */
const pciOf = (text: string): string | null => {
  const [, domain = '', rest = ''] = /^([0-9a-f]{4,8}):([0-9a-f]{2}:[0-9a-f]{2}\.[0-9a-f])$/i.exec(text) ?? []
  return rest === '' ? null : `${domain.slice(-4)}:${rest}`.toLowerCase()
}

export class NvmlSource {
  readonly #path: string | null
  readonly #names: ProcessNames
  #library: NvmlFunctions | null = null
  #triedAt: number | null = null
  #open = false
  #failed = false
  #restarts = 0

  /** `path`: the library itself, for tests; the system's when null. */
  constructor(path: string | null, names: ProcessNames) {
    this.#path = path
    this.#names = names
  }

  /** Null where there is no library. Never throws. */
  read(monoMs: number): SensedSource | null {
    if (this.#library === null) {
      if (this.#triedAt !== null && monoMs - this.#triedAt < RETRY_MS) return null
      this.#triedAt = monoMs
      this.#library = openNvmlLibrary(this.#path)
      if (this.#library === null) return null
    }
    const first = this.#attempt(this.#library)
    // What the driver's restart left behind answers with an error once: opened anew, it may answer at once.
    const source = first.problem !== null && REOPEN.includes(first.problem) ? this.#attempt(this.#library) : first
    return { source: 'nvml', restarts: this.#restarts, ...source }
  }

  #attempt(nvml: NvmlFunctions): Pick<SensedSource, 'problem' | 'devices'> {
    const devices: SensedDevice[] = []
    try {
      this.#initialise(nvml)
      const count = Math.min(this.#number(nvml, 'nvmlDeviceGetCount_v2', []), DEVICES_MAX)
      let problem: SensorProblem | null = null
      for (let index = 0; index < count; index += 1) {
        const device = this.#device(nvml, index)
        if ('id' in device) devices.push(device)
        else problem = device.problem
        if (problem !== null && REOPEN.includes(problem)) throw new NvmlFailure(problem)
      }
      return { problem, devices }
    } catch (error) {
      this.#close(nvml)
      return { problem: error instanceof NvmlFailure ? error.problem : 'failed', devices: [] }
    }
  }

  #initialise(nvml: NvmlFunctions): void {
    if (this.#open) return
    this.#check(nvml, 'nvmlInit_v2', [])
    this.#open = true
    if (this.#failed) this.#restarts += 1
    this.#failed = false
  }

  #close(nvml: NvmlFunctions): void {
    // Counted by the library: what it was opened with must be closed, or it stays with the old driver.
    if (this.#open) nvml['nvmlShutdown']?.()
    this.#open = false
    this.#failed = true
  }

  #check(nvml: NvmlFunctions, name: string, args: readonly unknown[]): void {
    const result = Number(nvml[name]?.(...args))
    if (result !== SUCCESS) throw new NvmlFailure(problemOf(result))
  }

  #number(nvml: NvmlFunctions, name: string, args: readonly unknown[]): number {
    const out: (number | null)[] = [null]
    this.#check(nvml, name, [...args, out])
    return out[0] ?? 0
  }

  #device(nvml: NvmlFunctions, index: number): SensedDevice | { problem: SensorProblem } {
    try {
      const handle: unknown[] = [null]
      this.#check(nvml, 'nvmlDeviceGetHandleByIndex_v2', [index, handle])
      return this.#figures(nvml, handle[0], index)
    } catch (error) {
      return { problem: error instanceof NvmlFailure ? error.problem : 'failed' }
    }
  }

  #figures(nvml: NvmlFunctions, device: unknown, index: number): SensedDevice {
    const problems: SensedDevice['problems'] = []
    /** One figure: null with a word where the driver refuses it; a driver that went away ends the whole reading. */
    const asked = <T>(figure: SensedDevice['problems'][number]['figure'] | null, ask: () => T): T | null => {
      try {
        return ask()
      } catch (error) {
        if (!(error instanceof NvmlFailure) || error.problem === 'notInitialised' || error.problem === 'driverGone')
          throw error
        if (figure !== null) problems.push({ figure, problem: error.problem })
        return null
      }
    }
    const text = (name: string): string => {
      const bytes = Buffer.alloc(TEXT_BYTES)
      this.#check(nvml, name, [device, bytes, TEXT_BYTES - 1])
      return textOf(bytes)
    }
    const name = asked(null, () => text('nvmlDeviceGetName')) ?? ''
    const id = asked(null, () => text('nvmlDeviceGetUUID')) ?? `nvml ${index}`
    const pci = asked(null, () => {
      const bytes = Buffer.alloc(PCI.bytes)
      this.#check(nvml, 'nvmlDeviceGetPciInfo_v3', [device, bytes])
      return pciOf(textOf(bytes.subarray(PCI.busId)))
    })
    const memory = asked('memory', () => {
      const bytes = Buffer.alloc(MEMORY_BYTES)
      this.#check(nvml, 'nvmlDeviceGetMemoryInfo', [device, bytes])
      const [totalBytes = 0, freeBytes = 0, usedBytes = 0] = [0, 8, 16].map((at) => Number(bytes.readBigUInt64LE(at)))
      return { totalBytes, freeBytes, usedBytes }
    })
    const milliwatts = (figure: 'power' | 'limit', name: string): number | null => {
      const value = asked(figure, () => this.#number(nvml, name, [device]))
      return value === null ? null : value / 1_000
    }
    const checked = plausible({
      memory,
      temperatureC: asked('temperature', () => this.#number(nvml, 'nvmlDeviceGetTemperature', [device, CORE_SENSOR])),
      watts: milliwatts('power', 'nvmlDeviceGetPowerUsage'),
      limitWatts: milliwatts('limit', 'nvmlDeviceGetEnforcedPowerLimit'),
    })
    const users = asked('processes', () => this.#users(nvml, device))
    return {
      source: 'nvml',
      id,
      name,
      pci,
      shared: null,
      ...checked,
      users,
      problems: [...problems, ...checked.problems],
    }
  }

  /** A process that computes and draws is one. */
  #users(nvml: NvmlFunctions, device: unknown): DeviceUser[] {
    const found = new Map<number, DeviceUser>()
    for (const name of ['nvmlDeviceGetComputeRunningProcesses_v3', 'nvmlDeviceGetGraphicsRunningProcesses_v3']) {
      const bytes = Buffer.alloc(PROCESS_BYTES * USERS_MAX)
      const count = [USERS_MAX]
      const result = Number(nvml[name]?.(device, count, bytes))
      if (result !== SUCCESS && !isTooSmall(result)) throw new NvmlFailure(problemOf(result))
      const length = Math.min(count[0] ?? 0, USERS_MAX)
      for (let at = 0; at < length * PROCESS_BYTES; at += PROCESS_BYTES) {
        const pid = bytes.readUInt32LE(at)
        const used = sizeOrNull(bytes.readBigUInt64LE(at + 8))
        const before = found.get(pid)?.bytes ?? null
        const most = before === null || used === null ? (used ?? before) : Math.max(before, used)
        found.set(pid, { pid, ...this.#names.of(pid), bytes: most, sharedBytes: null })
      }
    }
    return [...found.values()].slice(0, USERS_MAX)
  }
}
