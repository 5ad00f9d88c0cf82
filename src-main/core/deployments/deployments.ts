/** Pure decisions about deployments: default settings from machine and model, and what a screen says of one. */
import type { Deployment } from '#contract/models.ts'
import type { EngineState } from '#core/engine/engine.port.ts'

export type DeploymentSettings = Deployment['settings']
export type SettingsWish = { [Field in keyof DeploymentSettings]?: DeploymentSettings[Field] | undefined }

/** Below this size a step is so short that handing it to a second thread costs more than the thread brings (measured: 1 ms against 16 ms). */
const SMALL_MODEL_PARAMETERS = 50_000_000
const SLOTS_DEFAULT = 4
const CONTEXT_DEFAULT_MAX = 4_096
const CONTEXT_MIN = 32
const CONTEXT_SHRUNK_MIN = 512
const THREADS_MAX = 256
/** Means "all of them": the engine takes as many as the model has. */
const ALL_LAYERS = 1_000

export interface MachineFacts {
  /** Cores this process may use. */
  cores: number
  /** Free memory of the largest GPU that says so, in bytes; null without one. */
  gpuFreeBytes: number | null
}
export interface ModelFacts {
  parameters: number | null
  contextTokens: number | null
  neededBytes: number
}

/**
 * Settings when the owner says nothing: all slots, one core left for the machine (threads = cores collapse as soon as
 * anything else runs), the GPU only when all layers fit into what is free there with a tenth to spare.
 */
export function defaultSettings(model: ModelFacts, machine: MachineFacts): DeploymentSettings {
  const small = model.parameters !== null && model.parameters < SMALL_MODEL_PARAMETERS
  const fitsGpu = machine.gpuFreeBytes !== null && model.neededBytes * 1.1 <= machine.gpuFreeBytes
  return {
    contextTokens: Math.max(CONTEXT_MIN, Math.min(model.contextTokens ?? CONTEXT_DEFAULT_MAX, CONTEXT_DEFAULT_MAX)),
    slots: SLOTS_DEFAULT,
    threads: small ? 1 : Math.min(THREADS_MAX, Math.max(1, machine.cores - 1)),
    gpuLayers: small || !fitsGpu ? 0 : ALL_LAYERS,
  }
}

/** What to try when memory is short, largest first: fewer slots, then less context. The first one is the wish itself. */
export function smallerSettings(wish: DeploymentSettings): DeploymentSettings[] {
  const fewerSlots = [wish.slots, 2, 1].filter((slots, at) => at === 0 || slots < wish.slots).map((slots) => ({ ...wish, slots }))
  const lessContext: DeploymentSettings[] = []
  for (let contextTokens = Math.floor(wish.contextTokens / 2); contextTokens >= CONTEXT_SHRUNK_MIN; contextTokens = Math.floor(contextTokens / 2))
    lessContext.push({ ...wish, slots: 1, contextTokens })
  return [...fewerSlots, ...lessContext]
}

/** The wish over the defaults; undefined fields take the default. */
export const withWish = (defaults: DeploymentSettings, wish: SettingsWish): DeploymentSettings => ({
  contextTokens: wish.contextTokens ?? defaults.contextTokens,
  slots: wish.slots ?? defaults.slots,
  threads: wish.threads ?? defaults.threads,
  gpuLayers: wish.gpuLayers ?? defaults.gpuLayers,
})

/** What the core wants of one deployment just now. */
export interface Wanted {
  loading: boolean
  held: boolean
  failure: string | null
}

/** State and detail for screens, from what is wanted and what the engine says. */
export function deploymentState(wanted: Wanted, engine: EngineState): Pick<Deployment, 'state' | 'detail'> {
  if (wanted.loading) return { state: 'loading', detail: null }
  if (wanted.failure !== null) return { state: 'failed', detail: wanted.failure }
  if (!wanted.held) return { state: 'stopped', detail: null }
  switch (engine.kind) {
    case 'loaded':
      return { state: 'loaded', detail: engine.model.device }
    case 'broken':
      return { state: 'failed', detail: `The engine stopped after three crashes: ${engine.reason}` }
    case 'backoff':
      return { state: 'loading', detail: 'The engine crashed and starts again.' }
    case 'starting':
    case 'ready':
      return { state: 'loading', detail: 'The engine starts.' }
    case 'stopped':
      return { state: 'stopped', detail: null }
  }
}
