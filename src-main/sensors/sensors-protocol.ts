/** The messages between the core and the child that reads drivers. The child parses what it gets; its parent trusts it. */
import { z } from 'zod'

import type { SensorReading } from '#core/hardware/sensors.port.ts'

const path = z.string().min(1).max(4_096)

/** Where the child looks; the system's own places by default. Tests hand in doubles and recorded trees. */
export const sensorPlaces = z.object({
  /** NVML itself. */
  nvml: path.nullable(),
  drm: path,
  proc: path,
})
export type SensorPlaces = z.infer<typeof sensorPlaces>

export const SYSTEM_PLACES: SensorPlaces = { nvml: null, drm: '/sys/class/drm', proc: '/proc' }

export const sensorsRequest = z.discriminatedUnion('t', [
  z.object({ t: z.literal('open'), places: sensorPlaces }),
  z.object({ t: z.literal('read'), id: z.number().int().min(0) }),
  z.object({ t: z.literal('stop') }),
])

export type SensorsEvent = { t: 'ready'; pid: number } | { t: 'reading'; id: number; reading: SensorReading }
