/** A measurement that the owner asked for, with its progress. */
import { fail } from '#contract/errors.ts'
import type { Reason } from '#contract/reasons.ts'
import type { CalibrationView } from '#contract/models.ts'
import type { ModelsService, StoredModel } from '#core/models/index.ts'
import type { EngineSettings } from '#core/engine/engine.port.ts'

import type { Calibrate } from './calibrate-model.ts'
import type { LoadedDeployments } from './loaded-deployments.ts'

export type CalibrationStep =
  | { kind: 'measuring'; done: number; of: number }
  | { kind: 'done'; calibration: CalibrationView }

/** What the owner may ask about measurements. */
export interface MeasureCalls {
  calibration(sha256: string): Promise<CalibrationView | null>
  measure(sha256: string, signal: AbortSignal | undefined): AsyncGenerator<CalibrationStep, void, void>
}

export interface MeasureDeps {
  models: Pick<ModelsService, 'ready'>
  loaded: Pick<LoadedDeployments, 'exclusive' | 'givenBackSignal'>
  calibrate: Calibrate
  /** What is measured with: defaults of this machine. */
  settingsFor(model: StoredModel): Promise<EngineSettings>
  /** Why nothing may be measured now, in plain words; null when it may. */
  busy(this: void): Reason | null
}

const refuse = ({ busy }: Pick<MeasureDeps, 'busy'>): void => {
  const reason = busy()
  if (reason !== null) throw fail('model.inUse', { reason })
}

/**
 * Ends with the result. Stops measuring when its reader leaves. Errors: NOT_FOUND, MODEL_IN_USE, MODEL_*, ENGINE_*,
 * CANCELLED.
 */
export async function* measureCall(
  deps: MeasureDeps,
  sha256: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<CalibrationStep, void, void> {
  refuse(deps)
  const givenBack = deps.loaded.givenBackSignal()
  const model = await deps.models.ready(sha256)
  const settings = await deps.settingsFor(model)
  const cancelled = new AbortController()
  const both = signal === undefined ? cancelled.signal : AbortSignal.any([signal, cancelled.signal])
  let latest: CalibrationStep | null = null
  let wake: () => void = () => undefined
  const onProgress = (done: number, of: number): void => {
    latest = { kind: 'measuring', done, of }
    wake()
  }
  const state: { ended: { value: CalibrationView } | { error: unknown } | null } = { ended: null }
  const work = deps.loaded
    .exclusive(givenBack, async () => {
      // Asked again: what waited before this turn may have begun something.
      refuse(deps)
      return deps.calibrate.measure(model, settings, { signal: AbortSignal.any([both, givenBack]), onProgress })
    })
    .then(
      (value) => void (state.ended = { value }),
      (error: unknown) => void (state.ended = { error }),
    )
    .finally(() => wake())
  try {
    for (;;) {
      // A burst of reports is one step: only the newest says anything.
      const step: CalibrationStep | null = latest
      latest = null
      if (step !== null) yield step
      else if (state.ended === null) await new Promise<void>((resolve) => (wake = resolve))
      else break
    }
    if ('error' in state.ended) throw state.ended.error
    yield { kind: 'done', calibration: state.ended.value }
  } finally {
    cancelled.abort(fail('measure.stopped'))
    await work
  }
}
