/** Bounds that every figure of a driver keeps; what is outside says *nonsense* and is not shown. Pure. */
import type { DeviceFigure, SensedDevice, SensorProblem } from '#core/hardware/sensors.port.ts'

/** Devices of one source, and processes of one device, that are read; more is a driver that answers nonsense. */
export const DEVICES_MAX = 64
export const USERS_MAX = 256
/** 1 PiB. */
const BYTES_MAX = 2 ** 50
const WATTS_MAX = 5_000
const CELSIUS = { min: -40, max: 150 } as const

const isSize = (bytes: number): boolean => Number.isFinite(bytes) && bytes >= 0 && bytes <= BYTES_MAX

/** A source's own figures; undefined or NaN where it said nothing that is a number. */
interface RawFigures {
  memory?: { totalBytes: number; usedBytes: number; freeBytes: number } | null
  temperatureC?: number | null
  watts?: number | null
  limitWatts?: number | null
}
type Checked = Required<Pick<SensedDevice, 'memory' | 'temperatureC' | 'watts' | 'limitWatts'>> & {
  problems: { figure: DeviceFigure; problem: SensorProblem }[]
}

/** The figures that can be; the others null, each with a problem. */
export function plausible({
  memory = null,
  temperatureC = null,
  watts = null,
  limitWatts = null,
}: RawFigures): Checked {
  const problems: Checked['problems'] = []
  const checked = <T>(figure: DeviceFigure, value: T | null, can: (value: T) => boolean): T | null => {
    if (value === null || can(value)) return value
    problems.push({ figure, problem: 'nonsense' })
    return null
  }
  return {
    memory: checked('memory', memory, ({ totalBytes, usedBytes, freeBytes }) => {
      if (![totalBytes, usedBytes, freeBytes].every(isSize)) return false
      return totalBytes > 0 && usedBytes <= totalBytes && freeBytes <= totalBytes
    }),
    temperatureC: checked('temperature', temperatureC, (value) => value >= CELSIUS.min && value <= CELSIUS.max),
    watts: checked('power', watts, (value) => value >= 0 && value <= WATTS_MAX),
    limitWatts: checked('limit', limitWatts, (value) => value > 0 && value <= WATTS_MAX),
    problems,
  }
}

/** A size of a driver, or null where it says none or nonsense (NVML's NOT_AVAILABLE is 2^64 - 1). */
export const sizeOrNull = (bytes: number | bigint): number | null => {
  const size = Number(bytes)
  return isSize(size) ? size : null
}
