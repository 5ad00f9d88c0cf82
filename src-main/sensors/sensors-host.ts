/** Answers what the core asks, one reading after another; independent of the process, so that tests can drive it. */
import type { SensorReading } from '#core/hardware/sensors.port.ts'
import { serial } from '#lib/serial.ts'

import { DrmSource } from './drm-cards.ts'
import { NvmlSource } from './nvml.ts'
import { processNames } from './process-names.ts'
import { sensorsRequest, SYSTEM_PLACES, type SensorPlaces, type SensorsEvent } from './sensors-protocol.ts'
import { askWindows, readWindows } from './windows-counters.ts'

/** The parent waits for each answer; more is not its doing. */
const WAITING_MAX = 4

export interface SensorsHostDeps {
  send: (event: SensorsEvent) => void
  mono: () => number
  platform: NodeJS.Platform
  exit: () => void
  /** Windows' counters as JSON; PowerShell by default. */
  askWindows?: () => Promise<string>
}

interface Sources {
  read(): Promise<SensorReading>
}

export function openSources(places: SensorPlaces, deps: Omit<SensorsHostDeps, 'send' | 'exit'>): Sources {
  const names = processNames(places.proc)
  const [nvml, drm] = [new NvmlSource(places.nvml, names), new DrmSource(places, names)]
  return {
    async read() {
      const nvidia = nvml.read(deps.mono())
      const windows = deps.platform === 'win32' ? [await readWindows(deps.askWindows ?? askWindows)] : []
      const cards = deps.platform === 'linux' ? drm.read(deps.mono()) : []
      return { problem: null, sources: [...(nvidia === null ? [] : [nvidia]), ...cards, ...windows] }
    },
  }
}

export function createSensorsHost(deps: SensorsHostDeps): { handle(message: unknown): void } {
  let sources: Sources = openSources(SYSTEM_PLACES, deps)
  const turns = serial({ waitingMax: WAITING_MAX, full: () => new RangeError('too many readings wait') })
  return {
    handle(message) {
      const { data } = sensorsRequest.safeParse(message)
      if (data?.t === 'open') sources = openSources(data.places, deps)
      else if (data?.t === 'stop') deps.exit()
      else if (data?.t === 'read')
        turns
          .run(() => sources.read())
          .catch((): SensorReading => ({ problem: 'failed', sources: [] }))
          .then((reading) => deps.send({ t: 'reading', id: data.id, reading }))
          .catch(() => deps.exit())
    },
  }
}
