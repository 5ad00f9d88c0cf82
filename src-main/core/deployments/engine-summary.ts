/** Several engines summed up as one. Pure. */
import { inWords } from '#contract/errors.ts'
import type { Live } from '#contract/app.ts'
import type { EngineState } from '#core/engine/engine.port.ts'

export interface EngineView {
  modelName: string
  state: EngineState
}

/** The state that says most: what works before what comes back, and that before what needs the owner. */
const STATE_ORDER: readonly EngineState['kind'][] = ['loaded', 'starting', 'backoff', 'broken', 'ready', 'stopped']

/** Loaded when any is; those that failed are named in the detail, by name where there are several. */
export function summarise(engines: readonly EngineView[]): Live['engine'] {
  const kind = STATE_ORDER.find((one) => engines.some(({ state }) => state.kind === one)) ?? 'stopped'
  const loaded = engines.filter(({ state }) => state.kind === 'loaded')
  const troubles = engines.flatMap(({ modelName, state }) => {
    const trouble =
      state.kind === 'broken' ? inWords(state.reason) : state.kind === 'backoff' ? 'restarting after a crash' : null
    return trouble === null ? [] : [engines.length === 1 ? trouble : `${modelName}: ${trouble}`]
  })
  const model = loaded.length > 1 ? `${loaded.length} models` : (loaded[0]?.modelName ?? null)
  return { kind, model, detail: troubles.length === 0 ? null : troubles.join('; ') }
}
