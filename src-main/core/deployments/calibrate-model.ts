/** Measures a model on this machine, and keeps what was found: which processes and threads are fastest here. */
import type { Hardware } from '#contract/app.ts'
import { fail, type StokerError } from '#contract/errors.ts'
import type { CalibrationView } from '#contract/models.ts'
import { SECOND_MS } from '#contract/time.ts'
import type { CoreContext } from '#core/core-context.ts'
import type { EngineSettings } from '#core/engine/engine.port.ts'
import type { CalibrateOptions } from '#core/engine/engines.port.ts'
import type { HardwareService } from '#core/hardware/index.ts'
import type { StoredModel } from '#core/models/index.ts'
import { within } from '#lib/within.ts'

import { findCalibration, saveCalibration, type Machine } from './calibrations.store.ts'

const MACHINE_CHARS_MAX = 500
/** Smaller models load and answer at once; measuring would take longer than it brings. */
const WORTH_BYTES = 8 * 1_024 * 1_024
/** A first load waits about so long for measurements: fewer are taken than when the owner asks for them. */
const BUDGET_MS = 5 * SECOND_MS
/** Without an end by then (a large model takes long to load for it) the defaults serve. */
const ON_DEPLOY_MS = 20 * SECOND_MS

export type CalibrateContext = Pick<CoreContext, 'rigDb' | 'engines' | 'clock' | 'log' | 'events'>
export interface Calibrate {
  stored(sha256: string): Promise<CalibrationView | null>
  /** Finds out what machine this is, for `known`. */
  start(): void
  /** As `stored`, without waiting; null before this machine is known, which is when any of the others was called. */
  known(this: void, sha256: string): CalibrationView | null
  /** Errors: MODEL_*, ENGINE_*, CANCELLED. */
  measure(model: StoredModel, settings: EngineSettings, options: CalibrateOptions): Promise<CalibrationView>
  /**
   * Before the first load of a model; null where it is not worth it, failed or took too long. Throws the signal's
   * reason.
   */
  beforeFirstLoad(model: StoredModel, settings: EngineSettings, signal: AbortSignal): Promise<CalibrationView | null>
}

/** What a measurement holds for: another processor, number of cores or GPU is another machine. */
export function machineOf({ cpu, cores, gpus }: Pick<Hardware, 'cpu' | 'cores' | 'gpus'>): string {
  return [cpu, `${cores} ${cores === 1 ? 'core' : 'cores'}`, ...gpus.map(({ name }) => name)]
    .join(', ')
    .slice(0, MACHINE_CHARS_MAX)
}

export function createCalibrate(context: CalibrateContext, hardware: Pick<HardwareService, 'current'>): Calibrate {
  const { rigDb, engines, clock, log, events } = context
  let here: Machine | null = null
  const machine = async (): Promise<Machine> => {
    const now = await hardware.current()
    return (here = { name: machineOf(now), hasGpus: now.gpus.length > 0 })
  }
  const measure: Calibrate['measure'] = async ({ path, sha256 }, settings, options) => {
    const {
      settings: best,
      promptTokensPerSecond,
      points,
      quiet,
      onGpu,
    } = await engines.calibrate({ path, sha256 }, settings, options)
    const view = {
      sha256,
      machine: (await machine()).name,
      at: clock.now(),
      ...best,
      promptTokensPerSecond,
      points,
      quiet,
      onGpu,
    }
    // The model may have been removed meanwhile: then there is nothing to keep.
    rigDb.tx((db) => saveCalibration(db, view))
    events.changed('deployments')
    return view
  }
  return {
    async stored(sha256) {
      return findCalibration(rigDb.read, sha256, await machine())
    },
    start: () =>
      void machine().then(
        () => events.changed('deployments'),
        (error: unknown) =>
          log.warn({ err: error }, 'this machine could not be looked at; its measurements are not used'),
      ),
    known: (sha256) => (here === null ? null : findCalibration(rigDb.read, sha256, here)),
    measure,
    async beforeFirstLoad(model, settings, signal) {
      // On a GPU threads hardly matter; with several that could each hold the model, which way is faster does.
      if (model.sizeBytes < WORTH_BYTES || (settings.gpuLayers > 0 && settings.gpus === 'together')) return null
      const measureUntil = (deadline: AbortSignal): Promise<CalibrationView> =>
        measure(model, settings, {
          signal: AbortSignal.any([deadline, signal]),
          onProgress: () => undefined,
          budgetMs: BUDGET_MS,
        })
      const late = (): StokerError => fail('measure.tooLong')
      try {
        // Awaited when it is late too: the memory it measures in is needed for the load.
        return await within(clock, ON_DEPLOY_MS, measureUntil, late, { awaitWork: true })
      } catch (error) {
        signal.throwIfAborted()
        log.warn(
          { err: error, sha256: model.sha256 },
          'this model could not be measured before its first load; the defaults are used',
        )
        return null
      }
    },
  }
}
