/**
 * Watches the files of what is in memory: size, times and inode of each, once a second. Touched files stop the sale at
 * once, and only then are hashed. The weights in memory are no proof: on the processor they are pages of that very file.
 */
import type { DeploymentId, ModelSha256 } from '#contract/ids.ts'
import { SECOND_MS } from '#contract/time.ts'
import type { CoreContext } from '#core/core-context.ts'
import type { ModelsService } from '#core/models/index.ts'
import { every } from '#lib/every.ts'

import type { LoadedDeployments } from './loaded-deployments.ts'

/** A change may stay unnoticed for five. */
const LOOK_EVERY_MS = SECOND_MS

export interface ModelWatchDeps {
  models: Pick<ModelsService, 'files'>
  loaded: Pick<LoadedDeployments, 'ids' | 'stopForFiles'>
  /** The model's hash; null for a deployment on remote servers, or one that is gone. */
  sha256Of(this: void, deploymentId: DeploymentId): ModelSha256 | null
}

/** Returns what stops it. */
export function watchModelFiles(
  { clock, log }: Pick<CoreContext, 'clock' | 'log'>,
  { models, loaded, sha256Of }: ModelWatchDeps,
): () => void {
  const stopping = new AbortController()
  const onError = (error: unknown): void => log.warn({ err: error }, 'the files of models could not be looked at')

  const lookAt = async (deploymentId: DeploymentId): Promise<void> => {
    const sha256 = sha256Of(deploymentId)
    const files = sha256 === null ? null : await models.files(sha256)
    if (sha256 === null || files === null || files.found === 'ready' || stopping.signal.aborted) return
    const { path, found } = files
    log.warn({ deploymentId, found }, 'the files of a model in use were touched: it is stopped before they are hashed')
    await loaded.stopForFiles({ deploymentId, sha256, path, found })
  }

  /** Looks not yet answered: a drive that hangs keeps only its own model waiting. */
  const pending = new Set<DeploymentId>()
  const look = (): void => {
    for (const deploymentId of loaded.ids()) {
      if (pending.has(deploymentId)) continue
      pending.add(deploymentId)
      lookAt(deploymentId)
        .catch(onError)
        .finally(() => pending.delete(deploymentId))
    }
  }
  every(clock, LOOK_EVERY_MS, look, { onError, signal: stopping.signal })
  return () => stopping.abort()
}
