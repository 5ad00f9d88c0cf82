/**
 * With which settings a model begins that nobody chose any for: the defaults, with one process on each of several GPUs
 * where each can hold it all.
 */
import { availableParallelism } from 'node:os'

import { fail } from '#contract/errors.ts'
import type { EnginesPort } from '#core/engine/engines.port.ts'
import type { HardwareService } from '#core/hardware/index.ts'
import type { StoredModel } from '#core/models/index.ts'

import {
  ALL_LAYERS,
  defaultSettings,
  oneEach,
  withRequested,
  type DeploymentSettings,
  type MachineFacts,
  type RequestedSettings,
} from './deployments.ts'

export interface StartDeps {
  hardware: Pick<HardwareService, 'current'>
  engines: Pick<EnginesPort, 'inspect' | 'gpus'>
}

/** What may be used now. */
async function machineFacts(hardware: Pick<HardwareService, 'current'>): Promise<MachineFacts> {
  const { gpus } = await hardware.current().catch(() => ({ gpus: [] }))
  const free = gpus.map((gpu) => gpu.memoryFreeBytes).filter((bytes) => bytes !== null)
  const known = free.length > 0
  return {
    cores: availableParallelism(),
    gpuFreeBytes: known ? free.reduce((sum, bytes) => sum + bytes, 0) : null,
    gpuLeastBytes: known ? Math.min(...free) : null,
    gpus: gpus.length,
  }
}

/** Only a partial offload must know the blocks, and only the header knows them. */
const blocksOf = ({ engines }: StartDeps, { path }: StoredModel): Promise<number | null> =>
  engines.inspect(path).then(
    ({ layers }) => layers ?? null,
    () => null,
  )

/** All is said by a number of its own; any other above the model's is a mistake, perhaps about which model it is. */
async function checkLayers(deps: StartDeps, model: StoredModel, asked: number | undefined): Promise<void> {
  if (asked === undefined || asked === 0 || asked >= ALL_LAYERS) return
  const layers = await blocksOf(deps, model)
  if (layers !== null && asked > layers + 1) throw fail('deployment.layersBeyond', { asked, layers, all: ALL_LAYERS })
}

/**
 * Error BAD_REQUEST: more GPU layers are requested than the model has, or one process on each GPU is requested, and no layer lies on a GPU or there are not several. Others
 * of the engine where it was asked because of that.
 */
export async function startingSettings(
  deps: StartDeps,
  model: StoredModel,
  requested: RequestedSettings = {},
): Promise<DeploymentSettings> {
  await checkLayers(deps, model, requested.gpuLayers)
  const machine = await machineFacts(deps.hardware)
  const facts = { ...model, layers: machine.gpuFreeBytes === null ? null : await blocksOf(deps, model) }
  if (requested.gpus === 'each')
    return requestedEach(
      deps,
      withRequested(defaultSettings(facts, { ...machine, gpuFreeBytes: machine.gpuLeastBytes ?? null }), {
        ...requested,
        gpus: 'together',
      }),
      requested,
    )
  const start = withRequested(defaultSettings(facts, machine), requested)
  const open =
    requested.gpus === undefined &&
    requested.processes !== 1 &&
    start.gpuLayers >= ALL_LAYERS &&
    (machine.gpus ?? 0) > 1
  return open ? ((await fittingEach(deps, model, start, requested)) ?? start) : start
}

/** As the owner wants it, whether or not it fits. */
async function requestedEach(
  { engines }: StartDeps,
  start: DeploymentSettings,
  requested: RequestedSettings,
): Promise<DeploymentSettings> {
  if (start.gpuLayers === 0) throw fail('deployment.gpuEachNeedsLayers')
  const { length } = await engines.gpus()
  if (length < 2) throw fail('deployment.gpuEachNeedsSeveral', { seen: length })
  return oneEach(start, length, requested)
}

/** Null where the engine sees fewer than two, or one of them has no room for the whole model and its context now. */
async function fittingEach(
  { engines }: StartDeps,
  { path }: StoredModel,
  start: DeploymentSettings,
  requested: RequestedSettings,
): Promise<DeploymentSettings | null> {
  try {
    const { length } = await engines.gpus()
    const each = length < 2 ? null : oneEach(start, length, requested)
    if (each === null || each.processes < 2) return null
    return (await engines.inspect(path, each)).memory.fits === 'no' ? null : each
  } catch {
    // Too big for one of them, or the engine cannot say: together it may still be loaded, and that load says what is
    // wrong.
    return null
  }
}
