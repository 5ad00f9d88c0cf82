/**
 * The core's side of the child that reads drivers, under the one supervisor: started when something hints at a GPU, asked
 * one reading at a time, killed when it says nothing, started again after a pause. It never rejects: a driver that takes
 * the child with it is a word in the reading.
 */
import { existsSync } from 'node:fs'

import type { Channel } from '#contract/channel/channel.ts'
import { fail } from '#contract/errors.ts'
import type { Clock } from '#contract/time.ts'
import type { SensorProblem, SensorReading, SensorsPort } from '#core/hardware/sensors.port.ts'
import { CHILD_POLICIES } from '#lib/child-policies.ts'
import type { Log } from '#lib/log.ts'
import { SupervisedChild, type LifeSigns, type SupervisedLife } from '#lib/supervise.ts'

import { SYSTEM_PLACES, type SensorPlaces, type SensorsEvent } from '../sensors-protocol.ts'

/** A started child, whoever forked it. */
export interface ForkedSensors {
  channel: Channel
  pid: number | null
  kill(signal?: 'SIGTERM' | 'SIGKILL'): void
  /** Called once; at once if the process has exited. */
  onExit(listener: (how: { code: number | null; signal: string | null; words?: string }) => void): void
}

export interface SensorsDeps {
  fork: () => ForkedSensors
  clock: Clock
  log: Log
  places?: SensorPlaces
  /** Files one of which is there where a GPU may be; the system's by default, and on Windows always. */
  hints?: readonly string[]
  random?: () => number
}

interface Life extends SupervisedLife {
  read(): Promise<SensorReading>
}

/** Of NVIDIA's driver, and of the kernel's own. */
const HINTS = ['/dev/nvidiactl', '/proc/driver/nvidia', '/dev/dri']

const nothing = (problem: SensorProblem): SensorReading => ({ problem, sources: [] })

class Sensors implements SensorsPort {
  readonly #deps: SensorsDeps
  readonly #child: SupervisedChild<Life>
  #asking: Promise<SensorReading> | null = null
  #waiting: { id: number; resolve: (reading: SensorReading) => void } | null = null
  #next = 0
  #last: SensorProblem = 'failed'
  #stopped = false

  constructor(deps: SensorsDeps) {
    this.#deps = deps
    const { clock, log, random } = deps
    this.#child = new SupervisedChild<Life>({
      name: 'sensors',
      policy: CHILD_POLICIES.sensors,
      clock,
      log,
      ...(random === undefined ? {} : { random }),
      start: (signs) => this.#start(signs),
      hasWork: () => this.#waiting !== null,
      failed: () => fail('engine.crashed'),
      onEnd: ({ cause }) => {
        this.#last = cause === 'silent' ? 'silent' : 'failed'
        // The next reading starts it, once its pause is over.
        return false
      },
    })
  }

  hasHint(): boolean {
    if (process.platform === 'win32' && this.#deps.hints === undefined) return true
    return (this.#deps.hints ?? HINTS).some((path) => existsSync(path))
  }

  read(): Promise<SensorReading> {
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = null
    })
    return this.#asking
  }

  async rest(): Promise<void> {
    await this.#child.stop()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await this.#child.stop()
  }

  async #ask(): Promise<SensorReading> {
    if (this.#stopped) return nothing('failed')
    try {
      const life = this.#child.running ?? (await this.#child.started())
      return await life.read()
    } catch {
      return nothing(this.#last)
    }
  }

  #start(signs: LifeSigns): Life {
    const { fork, places = SYSTEM_PLACES } = this.#deps
    const host = fork()
    host.channel.onMessage((message) => {
      const event = message as SensorsEvent
      signs.heard()
      if (event.t === 'ready') {
        host.channel.send({ t: 'open', places })
        signs.ready()
      } else if (event.t === 'reading' && this.#waiting?.id === event.id) this.#settle(event.reading)
    })
    host.onExit(() => this.#settle(null))
    return {
      pid: host.pid,
      ask: () => host.channel.isOpen && host.channel.send({ t: 'stop' }),
      kill: () => host.kill('SIGKILL'),
      onExit: (listener) => host.onExit(listener),
      read: () =>
        new Promise((resolve) => {
          this.#next += 1
          this.#waiting = { id: this.#next, resolve }
          signs.working()
          host.channel.send({ t: 'read', id: this.#next })
        }),
    }
  }

  /** Null: its child ended; why is known once the supervisor has heard of it too. */
  #settle(reading: SensorReading | null): void {
    const waiting = this.#waiting
    this.#waiting = null
    queueMicrotask(() => waiting?.resolve(reading ?? nothing(this.#last)))
  }
}

export const createSensors = (deps: SensorsDeps): SensorsPort => new Sensors(deps)
