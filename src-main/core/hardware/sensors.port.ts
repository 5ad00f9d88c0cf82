/**
 * What drivers and the system say of GPUs, read in a child of its own (src-main/sensors), so that a crash in a driver
 * takes nothing else with it. Types only. Sizes in bytes, temperatures in °C, power in watts.
 */

/** Why a source, or one of its figures, says nothing. Its words are `sensor.…` of the reasons. */
export type SensorProblem =
  | 'noPermission'
  /** The driver is not loaded, or went away. */
  | 'driverGone'
  | 'notInitialised'
  /** The card fell off the bus, or needs a reset. */
  | 'deviceGone'
  /** Library and kernel module are of two versions: the driver was updated under us. */
  | 'driverChanged'
  | 'notSupported'
  /** Out of every bound: more free than there is, none at all, negative watts. */
  | 'nonsense'
  | 'failed'
  /** The child that asks said nothing in time, and was killed. */
  | 'silent'

export type DeviceFigure = 'memory' | 'temperature' | 'power' | 'limit' | 'processes'
export type SensorSource = 'nvml' | 'amdgpu' | 'intel' | 'windows'

/** A process that holds memory of a device. */
export interface DeviceUser {
  pid: number
  /** Its parent; null where the system does not say. */
  parent: number | null
  /** As the system calls it; empty where it does not say. */
  name: string
  /** Of the device's own memory; null where the driver does not say (WDDM). */
  bytes: number | null
  /** Of main memory that the device uses for it; null where nobody counts that. */
  sharedBytes: number | null
}

export interface SensedDevice {
  source: SensorSource
  /** The name the driver gives it for good. */
  id: string
  /** Empty where the source knows none. */
  name: string
  /** `0000:01:00.0`, lower case; null where the source does not say. */
  pci: string | null
  memory: { totalBytes: number; usedBytes: number; freeBytes: number } | null
  /** Main memory that the device uses. */
  shared: { totalBytes: number | null; usedBytes: number } | null
  temperatureC: number | null
  watts: number | null
  limitWatts: number | null
  /** Null where the source cannot say. */
  users: DeviceUser[] | null
  problems: { figure: DeviceFigure; problem: SensorProblem }[]
}

export interface SensedSource {
  source: SensorSource
  problem: SensorProblem | null
  /** How often it was opened anew after it had failed, since the child started. */
  restarts: number
  devices: SensedDevice[]
}

export interface SensorReading {
  /** Of the child itself. */
  problem: SensorProblem | null
  /** Sources that are, or were, there; none on a machine without a GPU. */
  sources: SensedSource[]
}

export interface SensorsPort {
  /** False where nothing hints at a GPU: then nobody is asked. Cheap. */
  hasHint(): boolean
  /** Never rejects; those who ask at the same time get one answer. */
  read(): Promise<SensorReading>
  /** Ends the child within its policy's time; the next `read` starts another. */
  rest(): Promise<void>
  stop(): Promise<void>
}
