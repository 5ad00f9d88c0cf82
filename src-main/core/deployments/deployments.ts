/** Pure decisions about deployments: default settings from machine and model, and what a screen says of one. */
import type { ErrorCode } from '#contract/errors.ts'
import { because, type Reason, said } from '#contract/reasons.ts'
import type { Deployment, SmallerSettings } from '#contract/models.ts'
import type { EngineState, EngineStats } from '#core/engine/engine.port.ts'

export type DeploymentSettings = Deployment['settings']
export type RequestedSettings = { [Field in keyof DeploymentSettings]?: DeploymentSettings[Field] | undefined }

/** Below this size a step is so short that handing it to a second thread brings nothing unless it was measured. */
const SMALL_MODEL_PARAMETERS = 10_000_000
const SLOTS_DEFAULT = 4
const CONTEXT_DEFAULT_MAX = 4_096
const CONTEXT_MIN = 32
const CONTEXT_SHRUNK_MIN = 512
const SLOTS_MAX = 64
const PROCESSES_MAX = 8
const THREADS_MAX = 256
const BATCH_DEFAULT = 512
/** The compute buffers grow with the batch. */
const BATCH_SHORT = 256
/** Means "all of them": the engine takes as many as the model has. */
export const ALL_LAYERS = 1_000
/** Room left in the GPU's memory for what the estimate does not know. */
const GPU_SPARE = 1.1
/** Below this share a handful of layers on the GPU brings less than moving the data there costs. */
const GPU_SHARE_MIN = 0.1

export interface MachineFacts {
  /** Cores this process may use. */
  cores: number
  /** Free memory of all GPUs that say so, in bytes; null without one. */
  gpuFreeBytes: number | null
  /** Of the one with the least; null without one. */
  gpuLeastBytes?: number | null
  /** GPUs that the system names; the engine may be able to use fewer. */
  gpus?: number
}
export interface ModelFacts {
  parameters: number | null
  contextTokens: number | null
  neededBytes: number
  /** Blocks of the model, where its header says so. */
  layers?: number | null
}
/** What was measured of this model on this machine. */
export type MeasuredSettings = Pick<DeploymentSettings, 'processes' | 'threads' | 'batchTokens' | 'gpus'>
/** With what says for which settings it applies. */
export type SettingsMeasurement = MeasuredSettings & { quiet: boolean; onGpu: boolean }

/**
 * All layers where they fit with a tenth to spare, else as many as fit by their share, none where that is next to
 * nothing.
 */
export function gpuLayersFor({ neededBytes, layers }: ModelFacts, gpuFreeBytes: number | null): number {
  if (gpuFreeBytes === null) return 0
  if (neededBytes * GPU_SPARE <= gpuFreeBytes) return ALL_LAYERS
  const share = gpuFreeBytes / (neededBytes * GPU_SPARE)
  return layers === undefined || layers === null || share < GPU_SHARE_MIN ? 0 : Math.floor(layers * share)
}

/**
 * Settings when the owner says nothing and nothing was measured: one process that may use every core (the engine steps
 * down by itself while other programs load them), and a single thread for a very small model.
 */
export function defaultSettings(model: ModelFacts, machine: MachineFacts): DeploymentSettings {
  const small = model.parameters !== null && model.parameters < SMALL_MODEL_PARAMETERS
  const threads = small ? 1 : Math.min(THREADS_MAX, Math.max(1, machine.cores))
  return {
    contextTokens: Math.max(CONTEXT_MIN, Math.min(model.contextTokens ?? CONTEXT_DEFAULT_MAX, CONTEXT_DEFAULT_MAX)),
    slots: SLOTS_DEFAULT,
    threads,
    gpuLayers: small ? 0 : gpuLayersFor(model, machine.gpuFreeBytes),
    processes: 1,
    gpus: 'together',
    kvType: 'f16',
    flashAttention: 'auto',
    batchTokens: BATCH_DEFAULT,
  }
}

/**
 * What was requested over the defaults; undefined fields take the default. No more processes than slots or threads to share out,
 * and no GPUs to choose between without layers on them.
 */
export function withRequested(defaults: DeploymentSettings, requested: RequestedSettings): DeploymentSettings {
  const named = Object.fromEntries(
    Object.entries(requested).filter(([, value]) => value !== undefined),
  ) as Partial<DeploymentSettings>
  const settings = { ...defaults, ...named }
  const gpus = settings.gpuLayers > 0 ? settings.gpus : 'together'
  // A process that works on a GPU of its own hardly needs its thread.
  const shared = gpus === 'each' ? settings.slots : Math.min(settings.slots, settings.threads)
  return { ...settings, gpus, processes: Math.max(1, Math.min(settings.processes, shared)) }
}

/** One process on each of `count` GPUs, with the slots that a single GPU would have on each. */
export function oneEach(settings: DeploymentSettings, count: number, requested: RequestedSettings): DeploymentSettings {
  const processes = Math.min(count, PROCESSES_MAX)
  return withRequested(
    { ...settings, gpus: 'each', processes, slots: Math.min(SLOTS_MAX, SLOTS_DEFAULT * processes) },
    requested,
  )
}

/**
 * What was measured over the start, and what was requested over both. One process on each GPU only where that is the start
 * already: elsewhere the model does not fit on each now.
 */
export function withMeasured(
  start: DeploymentSettings,
  { processes, threads, batchTokens, gpus }: MeasuredSettings,
  requested: RequestedSettings,
): DeploymentSettings {
  return gpus === 'each' && start.gpus === 'together'
    ? start
    : withRequested({ ...start, processes, threads, batchTokens, gpus }, requested)
}

/** Whether a measurement says anything of these settings: on a GPU other settings are fast than on the processor. */
export const appliesTo = (
  { gpuLayers }: Pick<DeploymentSettings, 'gpuLayers'>,
  { onGpu }: Pick<SettingsMeasurement, 'onGpu'>,
): boolean => gpuLayers > 0 === onGpu

/**
 * What of a measurement settings made before it do not use yet; null where they do, where other programs disturbed it,
 * or where it applies to others.
 */
export function measuredFor(settings: DeploymentSettings, found: SettingsMeasurement | null): MeasuredSettings | null {
  if (found === null || !found.quiet || !appliesTo(settings, found)) return null
  const { processes, threads, batchTokens, gpus } = withRequested(settings, {
    processes: found.processes,
    threads: found.threads,
    batchTokens: found.batchTokens,
    gpus: found.gpus,
  })
  const same =
    processes === settings.processes &&
    threads === settings.threads &&
    batchTokens === settings.batchTokens &&
    gpus === settings.gpus
  return same ? null : { processes, threads, batchTokens, gpus }
}

/** Fewer slots, then less context, largest first, without `from` itself. */
function shrunk(from: DeploymentSettings): DeploymentSettings[] {
  // Where each process has a GPU, fewer slots than processes would leave one idle before anything is shorter.
  const unit = from.gpus === 'each' ? from.processes : 1
  const slots = [2, 1].map((share) => share * unit).filter((slots) => slots < from.slots)
  const least = { ...from, slots: slots.at(-1) ?? from.slots }
  const contexts: number[] = []
  for (
    let contextTokens = Math.floor(from.contextTokens / 2);
    contextTokens >= CONTEXT_SHRUNK_MIN;
    contextTokens = Math.floor(contextTokens / 2)
  )
    contexts.push(contextTokens)
  return [
    ...slots.map((count) => ({ ...from, slots: count })),
    ...contexts.map((contextTokens) => ({ ...least, contextTokens })),
  ].map((settings) => withRequested(settings, {}))
}

/**
 * What to try when memory is short and the owner left the choice, largest first: smaller cache entries and batches,
 * fewer slots, less context. The first one is `from` itself.
 */
export function smallerSettings(from: DeploymentSettings): DeploymentSettings[] {
  const tight: DeploymentSettings = { ...from, kvType: 'q8_0', batchTokens: Math.min(from.batchTokens, BATCH_SHORT) }
  return [from, tight, ...shrunk(tight)]
}

/** What may be offered instead of settings that do not fit: only slots and context change. */
export const offers = (settings: DeploymentSettings): DeploymentSettings[] => shrunk(settings)

/** The offer inside an error's data, where there is one. */
export function smallerOf(data: Readonly<Record<string, unknown>>): SmallerSettings | null {
  const { slots, contextTokens } = data
  return typeof slots === 'number' && typeof contextTokens === 'number' ? { slots, contextTokens } : null
}

/** How far one deployment is on its way into memory. */
export interface LoadStatus {
  loading: boolean
  /** It has an engine, loaded or not. */
  attached: boolean
  /** `endpoint`: it is about a server's address, key or model, not about the request. */
  failure: { code: ErrorCode; reason: Reason; smaller: SmallerSettings | null; endpoint?: boolean } | null
}

/** State and detail for screens, from how far it is and what its engine says (null: there is none). */
export function deploymentState(status: LoadStatus, engine: EngineState | null): Pick<Deployment, 'state' | 'detail'> {
  const warmUp = engine?.kind === 'starting' ? engine.warmUp : undefined
  if (status.loading || (warmUp !== undefined && status.failure === null))
    return { state: 'loading', detail: warmUp === undefined ? null : because('deployment.warming', { ...warmUp }) }
  if (status.failure !== null) return { state: 'failed', detail: status.failure.reason }
  if (!status.attached || engine === null) return { state: 'stopped', detail: null }
  switch (engine.kind) {
    case 'loaded':
      return { state: 'loaded', detail: said(engine.model.device) }
    case 'broken':
      return { state: 'failed', detail: because('deployment.broken', { reason: engine.reason }) }
    case 'backoff':
      return { state: 'loading', detail: because('deployment.restarting') }
    case 'starting':
    case 'ready':
      return { state: 'loading', detail: because('deployment.engineStarts') }
    case 'stopped':
      return { state: 'stopped', detail: null }
  }
}

/** What the engine of a loaded deployment has measured and holds; all null while it is not in memory. */
export function engineFigures(
  stats: EngineStats | null,
): Pick<Deployment, 'rssBytes' | 'processes' | 'speed' | 'cache'> {
  if (stats === null) return { rssBytes: null, processes: [], speed: null, cache: null }
  const { promptTokensPerSecond, perStream } = stats.speed
  const known = promptTokensPerSecond !== null || perStream.some((one) => one !== null)
  return {
    rssBytes: stats.rssBytes,
    processes: stats.processes.map((one) => ({ ...one })),
    speed: known ? { promptTokensPerSecond, perStream: [...perStream] } : null,
    cache: { cachedTokens: stats.cachedTokens, evaluatedTokens: stats.promptTokens },
  }
}
