/** GPUs as a person reads of them: each as the engine sees it, beside what its driver says, and where the two disagree. Pure. */
import type { Hardware, HardwareDevice } from '#contract/app.ts'
import { because, type Reason } from '#contract/reasons.ts'
import { SECOND_MS, type EpochMs } from '#contract/time.ts'
import type { EngineGpu } from '#core/engine/engine.port.ts'

import { driverDevices, makerOf, matchDevices, type MatchedDevice } from './match-devices.ts'
import type { DeviceUser, SensedDevice, SensorProblem, SensorReading } from './sensors.port.ts'

export const DEVICES_MAX = 64
const USERS_MAX = 32
const NOTES_MAX = 16
const MIB = 1_048_576
const GIB = 1_024 * MIB
/** Of all memory: what a driver keeps for itself is less. */
const TOTAL_APART = 0.04
/** Less than this was left while serving: the next allocation has no room. */
const TIGHT_BYTES = 256 * MIB
/** Free memory changes under way, and whoever looks takes some himself. */
const FREE_APART = { bytes: 512 * MIB, share: 0.1, withinMs: 30 * SECOND_MS } as const

export type EngineSight =
  | { state: 'unasked' }
  | { state: 'silent'; problem: Reason }
  | { state: 'asked'; gpus: readonly EngineGpu[]; at: EpochMs }

export interface SeenDevices {
  engine: EngineSight
  sensed: { reading: SensorReading; at: EpochMs } | null
  /** What the system lists. */
  adapters: Hardware['gpus']
  /** Variables that say which devices the engine may use, those that are set. */
  variables: readonly string[]
  isOurs(this: void, user: Pick<DeviceUser, 'pid' | 'parent'>): boolean
  /** By the driver's name of a device. */
  leastFree: ReadonlyMap<string, number>
}

const gib = (bytes: number): number => bytes / GIB
export const problemReason = (problem: SensorProblem): Reason => because(`sensor.${problem}`)

const isMemory = (total: number | undefined, free: number | undefined): boolean =>
  total !== undefined && free !== undefined && total > 0 && free >= 0 && free <= total

function engineView(gpu: EngineGpu, at: EpochMs): NonNullable<HardwareDevice['engine']> {
  const { backend = '', integrated = false, totalBytes, freeBytes } = gpu
  const memory = isMemory(totalBytes, freeBytes) ? { totalBytes: totalBytes!, freeBytes: freeBytes! } : null
  return { backend, integrated, memory, at }
}

/** Where the two say different things of one device, or one of them says nothing. */
function disagreements(engine: HardwareDevice['engine'], driver: HardwareDevice['driver'], isAsked: boolean): Reason[] {
  if (engine === null) return isAsked ? [because('device.driverOnly')] : []
  if (driver === null) return [because('device.engineOnly')]
  // Its figures are of main memory on one side, and of what was set aside for it on the other.
  if (engine.integrated || engine.memory === null || driver.memory === null) return []
  const [ours, theirs] = [engine.memory, driver.memory]
  const params = (key: 'totalBytes' | 'freeBytes') => ({ engineGib: gib(ours[key]), driverGib: gib(theirs[key]) })
  if (Math.abs(ours.totalBytes - theirs.totalBytes) > theirs.totalBytes * TOTAL_APART)
    return [because('device.totalDiffers', params('totalBytes'))]
  const isFar =
    Math.abs(ours.freeBytes - theirs.freeBytes) > Math.max(FREE_APART.bytes, theirs.totalBytes * FREE_APART.share)
  return isFar && Math.abs(engine.at - driver.at) <= FREE_APART.withinMs
    ? [because('device.freeDiffers', params('freeBytes'))]
    : []
}

function notesOf(gpu: EngineGpu | null, sensed: SensedDevice | null, view: HardwareDevice, isAsked: boolean): Reason[] {
  const nonsense =
    gpu?.totalBytes !== undefined && gpu.freeBytes !== undefined && view.engine?.memory === null
      ? [because('device.engineNonsense', { freeGib: gib(gpu.freeBytes), totalGib: gib(gpu.totalBytes) })]
      : []
  const unread = (sensed?.problems ?? [])
    .filter(({ problem }) => problem !== 'notSupported')
    .map(({ figure, problem }) => because('device.unread', { figure, problem: problemReason(problem) }))
  const shares = view.engine?.integrated === true ? [because('device.sharesMemory')] : []
  const least = view.leastFreeBytes
  const tight =
    least === null || least >= TIGHT_BYTES ? [] : [because('device.tight', { mib: Math.round(least / MIB) })]
  return [...tight, ...disagreements(view.engine, view.driver, isAsked), ...nonsense, ...shares, ...unread].slice(
    0,
    NOTES_MAX,
  )
}

function usersOf(users: SensedDevice['users'], isOurs: SeenDevices['isOurs']): HardwareDevice['users'] {
  return (
    users
      ?.toSorted((a, b) => (b.bytes ?? 0) - (a.bytes ?? 0))
      .slice(0, USERS_MAX)
      .map(({ pid, parent, name, bytes, sharedBytes }) => ({
        pid,
        name,
        bytes,
        sharedBytes,
        ours: isOurs({ pid, parent }),
      })) ?? null
  )
}

function deviceView({ engine, driver }: MatchedDevice, seen: SeenDevices): HardwareDevice {
  const engineAt = seen.engine.state === 'asked' ? seen.engine.at : 0
  const view: HardwareDevice = {
    id: (driver?.id ?? `engine ${engine?.backend ?? ''} ${engine?.index ?? 0}`).slice(0, 120),
    name: (driver?.name || engine?.name || 'GPU').slice(0, 200),
    engine: engine === null ? null : engineView(engine, engineAt),
    driver: driver === null ? null : { source: driver.source, memory: driver.memory, at: seen.sensed?.at ?? engineAt },
    shared: driver?.shared ?? null,
    users: usersOf(driver?.users ?? null, seen.isOurs),
    temperatureC: driver?.temperatureC ?? null,
    watts: driver?.watts ?? null,
    limitWatts: driver?.limitWatts ?? null,
    leastFreeBytes: driver === null ? null : (seen.leastFree.get(driver.id) ?? null),
    notes: [],
  }
  return { ...view, notes: notesOf(engine, driver, view, seen.engine.state === 'asked') }
}

/** What the system lists of a maker of whom nobody else says anything. */
function systemOnly(adapters: Hardware['gpus'], devices: readonly HardwareDevice[]): HardwareDevice[] {
  const makers = new Set(devices.map(({ name }) => makerOf(name)))
  return adapters
    .filter(({ name }) => !makers.has(makerOf(name)))
    .map(({ name }, index) => ({
      id: `system ${index}`,
      name: name.slice(0, 200),
      engine: null,
      driver: null,
      shared: null,
      users: null,
      temperatureC: null,
      watts: null,
      limitWatts: null,
      leastFreeBytes: null,
      notes: [because('device.systemOnly')],
    }))
}

function generalNotes(seen: SeenDevices, devices: readonly HardwareDevice[]): Reason[] {
  const { engine, sensed, variables } = seen
  const { problem = null, sources = [] } = sensed?.reading ?? {}
  const ofSources = sources.flatMap((source) =>
    source.problem === null
      ? []
      : [because('device.source', { source: source.source, problem: problemReason(source.problem) })],
  )
  const ofChild = problem === null ? [] : [because('device.source', { source: '', problem: problemReason(problem) })]
  const seesNone = engine.state === 'silent' || (engine.state === 'asked' && engine.gpus.length === 0)
  const ofEngine =
    engine.state === 'silent'
      ? [because('device.engineSilent', { problem: engine.problem })]
      : devices.length === 0 && variables.length === 0
        ? []
        : engine.state === 'unasked'
          ? [because('device.engineUnasked')]
          : seesNone
            ? [because('device.engineNone')]
            : []
  const ofVariables =
    seesNone && variables.length > 0 ? [because('device.variables', { names: variables.join(', ') })] : []
  const tooMany = devices.length > DEVICES_MAX ? [because('device.tooMany', { max: DEVICES_MAX })] : []
  return [...ofChild, ...ofSources, ...ofEngine, ...ofVariables, ...tooMany].slice(0, NOTES_MAX)
}

/** Every device once, at most 64 of them, and what concerns all. */
export function describeDevices(seen: SeenDevices): Pick<Hardware, 'devices' | 'notes'> {
  const gpus = seen.engine.state === 'asked' ? seen.engine.gpus : []
  const drivers = seen.sensed === null ? [] : driverDevices(seen.sensed.reading)
  const matched = matchDevices(gpus, drivers).map((one) => deviceView(one, seen))
  const devices = [...matched, ...systemOnly(seen.adapters, matched)]
  return { devices: devices.slice(0, DEVICES_MAX), notes: generalNotes(seen, devices) }
}
