/** Watts now: the last readings put together with what runs, and the idle level learnt on the way. */
import type { EpochMs } from '#contract/time.ts'
import type { CoreContext } from '#core/core-context.ts'
import type { SettingsService } from '#core/settings/index.ts'

import { composeWatts, estimateWatts, type Readings } from './power.ts'
import type { GpuWatts } from './power-source.ts'
import type { PowerSources } from './power-sources.ts'

/** How fast the idle figure follows: about a minute of samples. */
const IDLE_WEIGHT = 0.1
/** Until an idle moment was measured. */
const IDLE_SHARE = 0.4

export interface WattGauge {
  /** Jobs in the engine now. */
  running(): number
  now(running: number): { watts: number; measured: boolean; method: string }
  idle(): { watts: number; method: string }
  /** When the meters were read last. */
  at(): EpochMs
  read(sources: PowerSources): Promise<void>
  /** GPUs whose meter read each by itself, as far as they are in `now`. */
  gpus(): readonly GpuWatts[]
}

export function createWattGauge(
  context: Pick<CoreContext, 'clock'>,
  settings: Pick<SettingsService, 'current'>,
  { cores, running, devices }: { cores: number; running(this: void): number; devices(this: void): readonly string[] },
): WattGauge {
  let readings: Readings = { gpu: null, processor: null }
  let gpus: readonly GpuWatts[] = []
  let names = { gpu: '', processor: '' }
  let readAt = context.clock.now()
  let measuredIdle: number | null = null

  const now = (running: number) => {
    const used = devices()
    return composeWatts(
      readings,
      { running, onProcessor: used.length === 0 || used.some((device) => /^cpu/i.test(device)) },
      settings.current(),
      cores,
      names,
    )
  }
  return {
    running,
    now,
    at: () => readAt,
    gpus: () => gpus,
    idle() {
      const { measured, watts, method } = now(0)
      if (!measured) return { watts: estimateWatts(settings.current(), cores).idle, method }
      return measuredIdle === null
        ? {
            watts: watts * IDLE_SHARE,
            method: `estimate: ${IDLE_SHARE * 100} % of now, until an idle moment was measured`,
          }
        : { watts: measuredIdle, method }
    },
    async read(sources) {
      const before = running()
      const mono = context.clock.mono()
      const [gpu, processor] = await Promise.all([sources.gpu.read(mono), sources.processor.read(mono)])
      readings = { gpu, processor }
      gpus = gpu === null ? [] : (sources.gpu.parts?.() ?? [])
      names = { gpu: sources.gpu.name, processor: sources.processor.name }
      readAt = context.clock.now()
      // Idle before and after the reading, or it tells nothing about idling.
      if (before > 0 || running() > 0) return
      const { watts, measured } = now(0)
      measuredIdle = !measured
        ? null
        : measuredIdle === null
          ? watts
          : measuredIdle + (watts - measuredIdle) * IDLE_WEIGHT
    },
  }
}
