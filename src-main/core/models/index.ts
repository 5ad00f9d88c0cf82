/** Models: GGUF files known by their SHA-256. */
import { freemem } from 'node:os'

import { fail } from '#contract/errors.ts'
import type { Reason } from '#contract/reasons.ts'
import type { Model } from '#contract/models.ts'
import type { CoreContext } from '#core/core-context.ts'

import { registerBundled } from './bundled-models.ts'
import { importModel, modelPath } from './import-model.ts'
import { stampsOf } from './model-files.ts'
import { createModelStates, type ModelStates } from './model-states.ts'
import { modelsApi } from './models.api.ts'
import { toModel, type StoredModel } from './models.ts'
import { deleteModel, findModel, listModels } from './models.store.ts'
import type { ModelsService } from './models-service.ts'
import { readyModel } from './ready-model.ts'
import { createUploaded, type Uploaded } from './uploaded-files.ts'

export type { StoredModel } from './models.ts'
export { modelName } from './models.ts'
export type { ModelsService } from './models-service.ts'

/** Files hashed at the same time: a disk gains nothing from more. */
const IMPORTS_MAX = 4

export type ModelsContext = Pick<
  CoreContext,
  'os' | 'rigDb' | 'clock' | 'log' | 'engines' | 'events' | 'bundledModelsDir' | 'dataDir'
>

/** What models must ask of domains made after them. */
export interface ModelsHooks {
  /** Why the model may not be removed now, in plain words; null when it may. */
  inUse(sha256: string): Reason | null
  /** Whether one of its deployments is in memory; none is by default. */
  loaded?(sha256: string): boolean
  /**
   * Removes what is no file but goes by such a hash (a deployment on remote servers); false when there is none. Error
   * MODEL_IN_USE.
   */
  removeOther?(sha256: string): Promise<boolean>
  /** Free memory in bytes; the system's by default. */
  freeBytes?(): number | Promise<number>
}

export function createModels(context: ModelsContext, hooks: ModelsHooks) {
  const { rigDb, engines, events } = context
  const stopping = new AbortController()
  const states = createModelStates(context, stopping.signal)
  const uploaded = createUploaded(context)

  const freeBytes = async (): Promise<number> => (await hooks.freeBytes?.()) ?? freemem()
  const view = async (stored: StoredModel, free: number): Promise<Model> =>
    toModel(stored, await states.look(stored), { freeBytes: free, loaded: hooks.loaded?.(stored.sha256) ?? false })

  const service: ModelsService = {
    async list() {
      const free = await freeBytes()
      return Promise.all(listModels(rigDb.read).map((stored) => view(stored, free)))
    },
    find: (sha256) => findModel(rigDb.read, sha256),
    async inspect(typed) {
      const path = modelPath(typed)
      return engines.inspect(path).catch((error: unknown) => uploaded.refused(path, error))
    },
    import: createImports(context, uploaded, stopping.signal, async (stored) => view(stored, await freeBytes())),
    async remove(sha256) {
      const stored = findModel(rigDb.read, sha256)
      if (stored === null) return (await hooks.removeOther?.(sha256)) ?? false
      const paths = stored.parts.map(({ path }) => path)
      const there = (await stampsOf(paths)).every((stamp) => stamp !== null)
      // Asked after the last await: nothing may come between the answer and the deletion.
      const reason = hooks.inUse(sha256)
      if (reason !== null) throw fail('model.inUse', { reason }, { data: { sha256 } })
      if (stored.bundled && there) throw fail('model.bundled', {}, { data: { sha256 } })
      const removed = rigDb.tx((db) => deleteModel(db, sha256))
      for (const path of paths) await uploaded.drop(path)
      events.changed('models')
      events.changed('deployments')
      return removed
    },
    look: (stored) => states.look(stored),
    ready: (sha256) => readyModel(rigDb.read, states, sha256),
    async files(sha256) {
      const stored = findModel(rigDb.read, sha256)
      return stored === null ? null : states.files(stored)
    },
  }

  return { ...service, ...createLifecycle(context, states, stopping), api: modelsApi(context.os, service) }
}

/** Bounds how many files are hashed at once; `stopping` ends them. */
function createImports(
  context: ModelsContext,
  uploaded: Uploaded,
  stopping: AbortSignal,
  view: (stored: StoredModel) => Promise<Model>,
): ModelsService['import'] {
  let imports = 0
  return async function* importFile(typed, signal) {
    const path = modelPath(typed)
    if (imports >= IMPORTS_MAX) throw fail('model.importsFull', { max: IMPORTS_MAX })
    imports += 1
    try {
      const both = signal === undefined ? stopping : AbortSignal.any([signal, stopping])
      for await (const step of importModel(context, path, { signal: both })) {
        // Another copy was there already.
        if (step.kind === 'stored') for (const part of step.files) await uploaded.drop(part)
        yield step.kind === 'hashing' ? step : { kind: 'done' as const, model: await view(step.model) }
      }
    } catch (error) {
      await uploaded.refused(path, error)
    } finally {
      imports -= 1
    }
  }
}

function createLifecycle(context: ModelsContext, states: ModelStates, stopping: AbortController) {
  let registering: Promise<void> | null = null
  return {
    /** Whether bundled models are still being looked at after the start. */
    registering: () => registering !== null,
    /** Registers the bundled models in the background; resolves when they are there. */
    start(): Promise<void> {
      const work = registerBundled(context, stopping.signal).finally(() => {
        registering = null
        context.events.changed('models')
      })
      registering = work
      return work
    },
    async stop(): Promise<void> {
      stopping.abort(fail('stoker.stopping'))
      await Promise.allSettled([registering, states.idle()])
    },
  }
}
