/** Several engines summed up as one. Pure. */
import { because, together, type Reason } from '#contract/reasons.ts'
import type { Live } from '#contract/app.ts'
import { SECOND_MS } from '#contract/time.ts'
import type { EngineState } from '#core/engine/engine.port.ts'

export interface EngineView {
  modelName: string
  state: EngineState
  /** Milliseconds; missing where it answers. */
  silentMs?: number
}

/** A process that has not answered for so long does not serve, whatever its state says. */
export const SILENT_MS = 3_000

const isSilent = ({ state, silentMs = 0 }: EngineView): boolean => state.kind === 'loaded' && silentMs >= SILENT_MS

/** The state that says most: what works before what comes back, and that before what needs the owner. */
const STATE_ORDER: readonly Live['engine']['kind'][] = [
  'loaded',
  'starting',
  'silent',
  'backoff',
  'broken',
  'ready',
  'stopped',
]

function troubleOf(engine: EngineView): Reason | null {
  if (isSilent(engine))
    return because('engine.saysNothing', { seconds: Math.round((engine.silentMs ?? 0) / SECOND_MS) })
  const { state } = engine
  return state.kind === 'broken' ? state.reason : state.kind === 'backoff' ? because('engine.restarting') : null
}

/** Loaded when any is; those that failed are named in the detail, by name where there are several. */
export function summarise(engines: readonly EngineView[]): Live['engine'] {
  const kindOf = (engine: EngineView): Live['engine']['kind'] => (isSilent(engine) ? 'silent' : engine.state.kind)
  const kind = STATE_ORDER.find((one) => engines.some((engine) => kindOf(engine) === one)) ?? 'stopped'
  const loaded = engines.filter(({ state }) => state.kind === 'loaded')
  const troubles = engines.flatMap((engine) => {
    const trouble = troubleOf(engine)
    if (trouble === null) return []
    return [engines.length === 1 ? trouble : because('engine.named', { model: engine.modelName, trouble })]
  })
  const [one, ...more] = loaded
  const model = more.length > 0 ? null : (one?.modelName ?? null)
  return { kind, model, models: loaded.length, detail: together(troubles) }
}
