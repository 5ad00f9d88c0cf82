/**
 * What the machine is: asked at most once a minute, and once for all who ask at the same time. Its GPUs, as the engine
 * sees them beside what their drivers say, are looked after all the time (device-watch.ts).
 */
import type { Hardware } from '#contract/app.ts'
import { MINUTE_MS } from '#contract/time.ts'
import type { BreakerPort } from '#core/breaker/breaker.port.ts'
import type { CoreContext, DeploymentsService } from '#core/core-context.ts'
import type { RecordedEvents } from '#core/events/index.ts'

import { DeviceWatch } from './device-watch.ts'
import { keepWatching } from './device-watch.worker.ts'
import { describeDevices } from './devices.ts'
import { EngineSightKeeper } from './engine-sight.ts'
import { systemProbe, type MachineProbe } from './hardware.probe.ts'
import { describeMachine, type MachineFound } from './hardware.ts'
import type { SensorsPort } from './sensors.port.ts'
import type { Spill } from './spill.ts'

const FRESH_MS = MINUTE_MS

export interface HardwareService {
  current(): Promise<MachineFound>
  /** What is free has changed: the next who asks hears it fresh. */
  stale(): void
}

export function createHardware(
  context: Pick<CoreContext, 'clock' | 'log'>,
  probe: MachineProbe = systemProbe(context),
): HardwareService {
  let known: MachineFound | null = null
  let asking: Promise<MachineFound> | null = null
  const ask = async (): Promise<MachineFound> => {
    try {
      known = describeMachine(await probe(), context.clock.now())
      return known
    } finally {
      asking = null
    }
  }
  const current = (): Promise<MachineFound> => {
    const age = known === null ? null : context.clock.now() - known.at
    // A negative age is a wall clock that was set back: then the answer counts as old.
    if (known !== null && age !== null && age >= 0 && age < FRESH_MS) return Promise.resolve(known)
    asking ??= ask()
    return asking
  }
  const stale = (): void => {
    known = null
  }
  return { current, stale }
}

/** What a look of the engine may take of a card: CUDA's context is some hundred MiB. */
const LOOK_BYTES = 2 ** 30

/** Variables that say which GPUs the engine may use (engine/client/gpu-environment.ts). */
const VARIABLES = ['CUDA_VISIBLE_DEVICES', 'HIP_VISIBLE_DEVICES', 'GGML_VK_VISIBLE_DEVICES'] as const

export interface DevicesDeps {
  hardware: Pick<HardwareService, 'current'>
  deployments: Pick<DeploymentsService, 'allLoaded' | 'engine' | 'onChange'>
  recorded: Pick<RecordedEvents, 'record'>
  /** Null where nobody reads drivers. */
  sensors: SensorsPort | null
  environment?: Readonly<Record<string, string | undefined>>
}

export function createDevices(
  context: Pick<CoreContext, 'os' | 'clock' | 'log' | 'events' | 'engines' | 'host'>,
  { hardware, deployments, recorded, sensors, environment = process.env }: DevicesDeps,
) {
  const variables = VARIABLES.filter((name) => (environment[name] ?? '') !== '')
  const isServing = (): boolean =>
    deployments.allLoaded().some(({ deploymentId }) => (deployments.engine(deploymentId)?.stats().running ?? 0) > 0)
  /** By the drivers' figures, where there are any. */
  const hasRoom = (): boolean =>
    (watch.sensed?.reading.sources ?? [])
      .flatMap((source) => source.devices)
      .every(({ memory }) => memory === null || memory.freeBytes >= LOOK_BYTES)
  const mayAsk = (): boolean => deployments.allLoaded().length === 0 || (!isServing() && hasRoom())
  const engine = new EngineSightKeeper(context, { mayAsk })
  const watch = new DeviceWatch(context, {
    sensors: sensors ?? { read: () => Promise.resolve({ problem: null, sources: [] }) },
    deployments,
    recorded,
    changed: () => engine.stale(),
    // In the desktop app every child is the shell's.
    parents: context.host.mode === 'desktop' ? [process.pid, process.ppid] : [process.pid],
  })
  const view = async (): Promise<Hardware> => {
    const machine = await hardware.current()
    const sources = watch.sensed?.reading.sources ?? []
    // A host is not started for a machine on which nothing hints at a GPU.
    if (machine.gpus.length > 0 || variables.length > 0 || sources.length > 0) engine.wanted()
    const seen = { engine: engine.sight, sensed: watch.sensed, variables, leastFree: watch.leastFree }
    return { ...machine, ...describeDevices({ ...seen, adapters: machine.gpus, isOurs: watch.isOurs }) }
  }
  let stop: () => Promise<void> = () => Promise.resolve()
  return {
    view,
    /** How much of a deployment lies in main memory since it spilled, counted now; null where nobody can say. */
    spilled: (deploymentId: string) => watch.spilled(deploymentId),
    onSpill: (listener: (spill: Spill) => void) => watch.onSpill(listener),
    reportTo: (breaker: Pick<BreakerPort, 'report'>) => watch.reportTo(breaker),
    api: { hardware: context.os.app.hardware.handler(view) },
    start(): void {
      let shape = ''
      // Loaded or gone: what is free is another.
      const off = deployments.onChange(() => {
        const now = deployments
          .allLoaded()
          .map(({ deploymentId }) => deploymentId)
          .join(' ')
        if (now !== shape) engine.stale()
        shape = now
      })
      const end = sensors === null ? () => Promise.resolve() : keepWatching(context, watch, sensors)
      stop = async () => {
        off()
        await Promise.all([end(), sensors?.stop(), engine.settled()])
      }
    },
    stop: (): Promise<void> => stop(),
  }
}
