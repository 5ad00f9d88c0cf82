/**
 * The fourteen functions of NVIDIA's management library that are used, through koffi: their names, buffers and return
 * codes as nvml.h of the 550 driver has them. Structs are read from buffers at their offsets.
 */
import koffi from 'koffi'

import type { SensorProblem } from '#core/hardware/sensors.port.ts'

const PROTOTYPES = `
  int nvmlInit_v2()
  int nvmlShutdown()
  const char *nvmlErrorString(int result)
  int nvmlDeviceGetCount_v2(_Out_ uint32_t *count)
  int nvmlDeviceGetHandleByIndex_v2(uint32_t index, _Out_ void **device)
  int nvmlDeviceGetName(void *device, void *name, uint32_t bytes)
  int nvmlDeviceGetUUID(void *device, void *uuid, uint32_t bytes)
  int nvmlDeviceGetPciInfo_v3(void *device, void *pci)
  int nvmlDeviceGetMemoryInfo(void *device, void *memory)
  int nvmlDeviceGetTemperature(void *device, int sensor, _Out_ uint32_t *celsius)
  int nvmlDeviceGetPowerUsage(void *device, _Out_ uint32_t *milliwatts)
  int nvmlDeviceGetEnforcedPowerLimit(void *device, _Out_ uint32_t *milliwatts)
  int nvmlDeviceGetComputeRunningProcesses_v3(void *device, _Inout_ uint32_t *count, void *infos)
  int nvmlDeviceGetGraphicsRunningProcesses_v3(void *device, _Inout_ uint32_t *count, void *infos)`

export type NvmlCall = (...args: unknown[]) => unknown
export type NvmlFunctions = Readonly<Record<string, NvmlCall>>

export const SUCCESS = 0
/** nvmlReturn_t. */
const NOT_SUPPORTED = 3
const INSUFFICIENT_SIZE = 7
const WORDS: Readonly<Record<number, SensorProblem>> = {
  1: 'notInitialised',
  [NOT_SUPPORTED]: 'notSupported',
  4: 'noPermission',
  6: 'deviceGone',
  9: 'driverGone',
  12: 'driverGone',
  13: 'notSupported',
  15: 'deviceGone',
  16: 'deviceGone',
  18: 'driverChanged',
}
/** A result of NVML as a word; never called with SUCCESS. */
export const problemOf = (result: number): SensorProblem => WORDS[result] ?? 'failed'
/** There are more than fit: what fits is filled in. */
export const isTooSmall = (result: number): boolean => result === INSUFFICIENT_SIZE

/** Of a function that this driver's library does not have. */
const missing: NvmlCall = () => NOT_SUPPORTED

const CANDIDATES: Readonly<Record<string, readonly string[]>> = {
  linux: ['libnvidia-ml.so.1'],
  win32: ['nvml.dll', 'C:\\Program Files\\NVIDIA Corporation\\NVSMI\\nvml.dll'],
}

/** The library's functions; null where there is none. `path`: this one and no other. Never throws. */
export function openNvmlLibrary(path: string | null): NvmlFunctions | null {
  for (const candidate of path === null ? (CANDIDATES[process.platform] ?? []) : [path]) {
    try {
      const library = koffi.load(candidate)
      return Object.fromEntries(
        PROTOTYPES.trim()
          .split('\n')
          .map((line) => [/(\w+)\(/.exec(line)?.[1] ?? '', functionOf(library, line.trim())]),
      )
    } catch {
      // Not there, or of another machine: the next one.
    }
  }
  return null
}

function functionOf(library: ReturnType<typeof koffi.load>, prototype: string): NvmlCall {
  try {
    return library.func(prototype)
  } catch {
    return missing
  }
}
