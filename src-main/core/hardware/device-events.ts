/**
 * What befalls GPUs, told once: heat, work of other programs, a card that comes or goes, a driver that is lost or was
 * restarted. Decisions on two readings; nothing here measures or writes.
 */
import { because, type Reason } from '#contract/reasons.ts'

import { problemReason } from './devices.ts'
import type { DeviceUser, SensedDevice, SensorProblem, SensorReading, SensorSource } from './sensors.port.ts'

/** Above this a card is hot, and cooled below that, °C: most throttle between 83 and 95. */
export const HOT_C = 88
export const COOLED_C = 80
/** What other programs hold before it is work and no desktop. */
export const FOREIGN_BYTES_MIN = 512 * 1_048_576
/** So many readings in a row, before one is believed. */
export const STEADY_READINGS = 2
/** Devices that are remembered; the oldest goes first. */
const KEPT_MAX = 256
const GIB = 2 ** 30

export interface DeviceEvent {
  what: `device.${string}`
  /** The device's id, or the source. */
  subject: string
  reason: Reason
}

interface Known {
  name: string
  source: SensorSource
  isThere: boolean
  isHot: boolean
  isForeign: boolean
  /** Readings in a row that speak against `isHot` and `isForeign`. */
  heat: number
  foreign: number
}
interface KnownSource {
  problem: SensorProblem | null
  restarts: number
}
export interface DeviceEventState {
  readonly devices: ReadonlyMap<string, Known>
  readonly sources: ReadonlyMap<SensorSource, KnownSource>
  readonly isFirst: boolean
}
export const NOTHING_KNOWN: DeviceEventState = { devices: new Map(), sources: new Map(), isFirst: true }

type IsOurs = (user: Pick<DeviceUser, 'pid' | 'parent'>) => boolean

/** A lost driver lists nothing: its cards have not gone. */
const isLost = (problem: SensorProblem | null): boolean => problem !== null && problem !== 'deviceGone'

function sourceEvents(source: SensorSource, before: KnownSource | undefined, now: KnownSource): DeviceEvent[] {
  const eventOf = (what: DeviceEvent['what'], reason: Reason): DeviceEvent[] => [{ what, subject: source, reason }]
  const [was, is] = [isLost(before?.problem ?? null), isLost(now.problem)]
  if (is && !was)
    return eventOf('device.driverLost', because('device.driverLost', { source, problem: problemReason(now.problem!) }))
  if (was && !is) return eventOf('device.driverBack', because('device.driverBack', { source }))
  if (!is && before !== undefined && now.restarts > before.restarts)
    return eventOf('device.driverRestarted', because('device.driverRestarted', { source }))
  return []
}

/** The flag after one more reading, and how many in a row spoke against it. */
const settle = (
  flag: boolean,
  against: number,
  isNow: boolean,
): { flag: boolean; against: number; turned: boolean } => {
  const count = isNow === flag ? 0 : against + 1
  return count >= STEADY_READINGS ? { flag: isNow, against: 0, turned: true } : { flag, against: count, turned: false }
}

function deviceEvents(device: SensedDevice, known: Known, isOurs: IsOurs): { known: Known; events: DeviceEvent[] } {
  const { id: subject, temperatureC, users } = device
  const name = device.name === '' ? 'GPU' : device.name
  const events: DeviceEvent[] = []
  const foreign = (users ?? []).filter((user) => !isOurs(user))
  const bytes = foreign.reduce((sum, user) => sum + (user.bytes ?? 0), 0)
  const heat =
    temperatureC === null
      ? { flag: known.isHot, against: 0, turned: false }
      : settle(known.isHot, known.heat, known.isHot ? temperatureC > COOLED_C : temperatureC >= HOT_C)
  if (heat.turned && temperatureC !== null)
    events.push(
      heat.flag
        ? { what: 'device.hot', subject, reason: because('device.hot', { name, celsius: temperatureC, limit: HOT_C }) }
        : { what: 'device.cooled', subject, reason: because('device.cooled', { name, celsius: temperatureC }) },
    )
  const work = settle(known.isForeign, known.foreign, bytes >= FOREIGN_BYTES_MIN)
  if (work.turned) {
    const [largest] = foreign.toSorted((a, b) => (b.bytes ?? 0) - (a.bytes ?? 0))
    const program = largest === undefined ? '' : largest.name === '' ? `pid ${largest.pid}` : largest.name
    events.push(
      work.flag
        ? {
            what: 'device.foreign',
            subject,
            reason: because('device.foreign', { name, program, gib: bytes / GIB }),
          }
        : { what: 'device.foreignEnded', subject, reason: because('device.foreignEnded', { name }) },
    )
  }
  return {
    known: { ...known, name, isHot: heat.flag, heat: heat.against, isForeign: work.flag, foreign: work.against },
    events,
  }
}

const FRESH = { isThere: true, isHot: false, isForeign: false, heat: 0, foreign: 0 }

/** The state after a reading, and what it tells. The first reading tells of no card that it is there. */
export function readingEvents(
  state: DeviceEventState,
  reading: SensorReading,
  isOurs: IsOurs,
): { state: DeviceEventState; events: DeviceEvent[] } {
  const events: DeviceEvent[] = []
  const sources = new Map(state.sources)
  // The child said nothing of any of them.
  const silent = reading.problem
  const said = new Map(reading.sources.map((one) => [one.source, one]))
  for (const source of new Set([...sources.keys(), ...said.keys()])) {
    const before = sources.get(source)
    const one = said.get(source)
    const now: KnownSource = {
      problem: one === undefined ? (silent ?? 'driverGone') : one.problem,
      restarts: one?.restarts ?? before?.restarts ?? 0,
    }
    events.push(...sourceEvents(source, before, now))
    sources.set(source, now)
  }
  const devices = new Map(state.devices)
  const there = new Set<string>()
  for (const device of reading.sources.flatMap((one) => one.devices)) {
    if (device.source === 'windows') continue
    there.add(device.id)
    const before = devices.get(device.id)
    // One that came with its driver was only not seen before.
    const wasLost = isLost(state.sources.get(device.source)?.problem ?? null)
    if (before?.isThere !== true && !state.isFirst && !wasLost) {
      const name = device.name === '' ? 'GPU' : device.name
      events.push({ what: 'device.added', subject: device.id, reason: because('device.added', { name }) })
    }
    const base: Known = { ...FRESH, name: device.name, source: device.source, ...before, isThere: true }
    const next = deviceEvents(device, base, isOurs)
    events.push(...next.events)
    devices.delete(device.id)
    devices.set(device.id, next.known)
  }
  for (const [id, known] of devices) {
    if (!known.isThere || there.has(id) || isLost(sources.get(known.source)?.problem ?? null)) continue
    events.push({ what: 'device.gone', subject: id, reason: because('device.gone', { name: known.name }) })
    devices.set(id, { ...FRESH, name: known.name, source: known.source, isThere: false })
  }
  for (const id of devices.keys()) {
    if (devices.size <= KEPT_MAX) break
    devices.delete(id)
  }
  return { state: { devices, sources, isFirst: false }, events }
}
