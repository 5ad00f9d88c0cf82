/**
 * What drivers said last, and what it means: events for the record, a spill for the breaker, the least that was free
 * while jobs ran. One reading at a time; device-watch.worker.ts asks for them.
 */
import type { EpochMs } from '#contract/time.ts'
import type { BreakerPort } from '#core/breaker/breaker.port.ts'
import type { CoreContext, DeploymentsService } from '#core/core-context.ts'
import type { RecordedEvents } from '#core/events/index.ts'

import { NOTHING_KNOWN, readingEvents, type DeviceEventState } from './device-events.ts'
import { driverDevices } from './match-devices.ts'
import type { DeviceUser, SensedDevice, SensorReading, SensorsPort } from './sensors.port.ts'
import { sampleOf, spilledBytes, spillStep, type Spill, type SpillSample, type SpillState } from './spill.ts'

export interface DeviceWatchDeps {
  sensors: Pick<SensorsPort, 'read'>
  deployments: Pick<DeploymentsService, 'allLoaded' | 'engine'>
  recorded: Pick<RecordedEvents, 'record'>
  /** Other devices, or another state of their drivers. */
  changed(this: void): void
  /** Processes whose children are Stoker's. */
  parents: readonly number[]
}

interface InMemory {
  deploymentId: string
  pids: number[]
  isServing: boolean
}

export class DeviceWatch {
  readonly #context: Pick<CoreContext, 'clock' | 'events'>
  readonly #deps: DeviceWatchDeps
  readonly #spilled = new Set<(spill: Spill) => void>()
  #report: BreakerPort['report'] = () => undefined
  #sensed: { reading: SensorReading; at: EpochMs } | null = null
  #events: DeviceEventState = NOTHING_KNOWN
  #spill: SpillState = new Map()
  /** By the driver's name of a device, since what is in memory changed last. */
  #least = new Map<string, number>()
  #lives = ''
  #shape = ''

  constructor(context: Pick<CoreContext, 'clock' | 'events'>, deps: DeviceWatchDeps) {
    this.#context = context
    this.#deps = deps
  }

  /** The last reading; null before one. */
  get sensed(): { reading: SensorReading; at: EpochMs } | null {
    return this.#sensed
  }

  get leastFree(): ReadonlyMap<string, number> {
    return this.#least
  }

  /** Something runs on a device whose memory is counted: it is worth to look often. */
  get isWatching(): boolean {
    return this.#spill.size > 0
  }

  reportTo(breaker: Pick<BreakerPort, 'report'>): void {
    this.#report = breaker.report
  }

  onSpill(listener: (spill: Spill) => void): () => void {
    this.#spilled.add(listener)
    return () => this.#spilled.delete(listener)
  }

  readonly isOurs = ({ pid, parent }: Pick<DeviceUser, 'pid' | 'parent'>): boolean =>
    pid === process.pid ||
    (parent !== null && this.#deps.parents.includes(parent)) ||
    this.#inMemory().some(({ pids }) => pids.includes(pid))

  /** Reads the drivers once, and tells what follows from it. Never rejects. */
  async look(): Promise<void> {
    const { clock, events } = this.#context
    const reading = await this.#deps.sensors.read()
    const at = clock.now()
    this.#sensed = { reading, at }
    const { state, events: befell } = readingEvents(this.#events, reading, this.isOurs)
    this.#events = state
    for (const event of befell) this.#deps.recorded.record(event)
    const devices = driverDevices(reading)
    const inMemory = this.#inMemory()
    this.#countSpill(inMemory, devices, at)
    this.#countFree(inMemory, devices)
    const shape = JSON.stringify([
      devices.map(({ id }) => id),
      reading.problem,
      reading.sources.map((one) => one.problem),
    ])
    if (shape !== this.#shape) this.#deps.changed()
    if (befell.length > 0 || shape !== this.#shape) events.changed('hardware')
    this.#shape = shape
  }

  /** Counted now, by a reading of its own. */
  async spilled(deploymentId: string): Promise<number | null> {
    const reading = await this.#deps.sensors.read()
    const mine = this.#inMemory().find((one) => one.deploymentId === deploymentId)
    return mine === undefined ? null : spilledBytes(this.#spill, sampleOf(mine, driverDevices(reading)))
  }

  #inMemory(): InMemory[] {
    return this.#deps.deployments.allLoaded().flatMap(({ deploymentId }) => {
      const stats = this.#deps.deployments.engine(deploymentId)?.stats()
      if (stats === undefined) return []
      const pids = stats.processes.map(({ pid }) => pid).filter((pid) => pid !== null)
      return [{ deploymentId, pids, isServing: stats.running > 0 }]
    })
  }

  #countSpill(inMemory: readonly InMemory[], devices: readonly SensedDevice[], now: EpochMs): void {
    const samples = inMemory.map((one) => sampleOf(one, devices)).filter((one): one is SpillSample => one !== null)
    const ids = new Set(inMemory.map(({ deploymentId }) => deploymentId))
    const { state, spills } = spillStep(this.#spill, { samples, inMemory: ids, now })
    this.#spill = state
    for (const spill of spills) {
      this.#report({ kind: 'memory-spill', deploymentId: spill.deploymentId, bytes: spill.bytes })
      for (const listener of this.#spilled) listener(spill)
    }
  }

  /** Headroom under load: what was free at the worst moment, not at the load. */
  #countFree(inMemory: readonly InMemory[], devices: readonly SensedDevice[]): void {
    const lives = JSON.stringify(inMemory.map(({ deploymentId, pids }) => [deploymentId, pids]))
    if (lives !== this.#lives) this.#least = new Map()
    this.#lives = lives
    if (!inMemory.some(({ isServing }) => isServing)) return
    for (const { id, memory } of devices)
      if (memory !== null) this.#least.set(id, Math.min(this.#least.get(id) ?? Infinity, memory.freeBytes))
  }
}
