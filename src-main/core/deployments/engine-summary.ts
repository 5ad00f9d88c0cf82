/** Several engines summed up as one. Pure. */
import { because, together } from '#contract/reasons.ts'
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
      state.kind === 'broken' ? state.reason : state.kind === 'backoff' ? because('engine.restarting') : null
    return trouble === null
      ? []
      : [engines.length === 1 ? trouble : because('engine.named', { model: modelName, trouble })]
  })
  const [one, ...more] = loaded
  const model = more.length > 0 ? null : (one?.modelName ?? null)
  return { kind, model, models: loaded.length, detail: together(troubles) }
}
