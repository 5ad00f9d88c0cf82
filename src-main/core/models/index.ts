/** Models: GGUF files known by their SHA-256. */
import { freemem } from 'node:os'

import { StokerError } from '#contract/errors.ts'
import type { Model, ModelInfo } from '#contract/models.ts'
import type { CoreContext } from '#core/core-context.ts'

import { registerBundled } from './bundled-models.ts'
import { importModel, modelPath } from './import-model.ts'
import { stampOf } from './model-files.ts'
import { createModelStates, type ModelStates } from './model-states.ts'
import { modelsApi } from './models.api.ts'
import { toModel, type StoredModel } from './models.ts'
import { deleteModel, findModel, listModels } from './models.store.ts'
import { createUploaded } from './uploaded-files.ts'

export type { StoredModel } from './models.ts'
export { modelName } from './models.ts'

/** Files hashed at the same time: a disk gains nothing from more. */
const IMPORTS_MAX = 4

export type ModelsContext = Pick<
  CoreContext,
  'os' | 'rigDb' | 'clock' | 'log' | 'engines' | 'events' | 'bundledModelsDir' | 'dataDir'
>

/** What models must ask of domains made after them. */
export interface ModelsHooks {
  /** Why the model may not be removed now, in plain words; null when it may. */
  inUse(sha256: string): string | null
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

export interface ModelsService {
  list(): Promise<Model[]>
  find(sha256: string): StoredModel | null
  /** Errors: MODEL_*, ENGINE_*, BAD_REQUEST (relative path). */
  inspect(path: string): Promise<ModelInfo>
  /** Ends with the stored model. Errors: as inspect; MODEL_CHANGED, CANCELLED, UNAVAILABLE (too many at once). */
  import(
    path: string,
    signal?: AbortSignal,
  ): AsyncGenerator<{ kind: 'hashing'; doneBytes: number; totalBytes: number } | { kind: 'done'; model: Model }>
  /** False when it was not there. Error MODEL_IN_USE; CONFLICT for a bundled one. */
  remove(sha256: string): Promise<boolean>
  /** The path of a file that is still the one that was hashed. Errors: NOT_FOUND, MODEL_MISSING, MODEL_CHANGED. */
  ready(sha256: string): Promise<StoredModel>
}

export function createModels(context: ModelsContext, hooks: ModelsHooks) {
  const { rigDb, engines, events } = context
  const stopping = new AbortController()
  const states = createModelStates(context, stopping.signal)
  const uploaded = createUploaded(context)
  let imports = 0

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
    async *import(typed, signal) {
      const path = modelPath(typed)
      if (imports >= IMPORTS_MAX)
        throw new StokerError('UNAVAILABLE', `${IMPORTS_MAX} files are being imported; wait for one to end.`)
      imports += 1
      try {
        const both = signal === undefined ? stopping.signal : AbortSignal.any([signal, stopping.signal])
        for await (const step of importModel(context, path, { signal: both })) {
          if (step.kind === 'stored') await uploaded.drop(path)
          yield step.kind === 'hashing'
            ? step
            : { kind: 'done' as const, model: await view(step.model, await freeBytes()) }
        }
      } catch (error) {
        await uploaded.refused(path, error)
      } finally {
        imports -= 1
      }
    },
    async remove(sha256) {
      const stored = findModel(rigDb.read, sha256)
      if (stored === null) return (await hooks.removeOther?.(sha256)) ?? false
      const there = (await stampOf(stored.path)) !== null
      // Asked after the last await: nothing may come between the answer and the deletion.
      const reason = hooks.inUse(sha256)
      if (reason !== null) throw new StokerError('MODEL_IN_USE', reason, { data: { sha256 } })
      if (stored.bundled && there)
        throw new StokerError(
          'CONFLICT',
          'This model comes with Stoker and stays in the list; unload it if it takes memory.',
          { data: { sha256 } },
        )
      const removed = rigDb.tx((db) => deleteModel(db, sha256))
      await uploaded.drop(stored.path)
      events.changed('models')
      events.changed('deployments')
      return removed
    },
    async ready(sha256) {
      const stored = findModel(rigDb.read, sha256)
      if (stored === null)
        throw new StokerError('NOT_FOUND', 'This model is not in the list; import it first.', { data: { sha256 } })
      const state = await states.settle(stored)
      if (state === 'ready') return findModel(rigDb.read, sha256) ?? stored
      const data = { sha256, path: stored.path }
      if (state === 'missing')
        throw new StokerError(
          'MODEL_MISSING',
          `${stored.path} is gone; put it back, or import it from where it is now.`,
          { data },
        )
      throw new StokerError(
        'MODEL_CHANGED',
        `${stored.path} is not the file that was imported any more; import it again as the model it is now.`,
        { data },
      )
    },
  }

  return { ...service, ...createLifecycle(context, states, stopping), api: modelsApi(context.os, service) }
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
      stopping.abort(new StokerError('CANCELLED', 'Stoker is stopping.'))
      await Promise.allSettled([registering, states.idle()])
    },
  }
}
