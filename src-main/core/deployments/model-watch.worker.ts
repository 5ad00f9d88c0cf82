/**
 * Watches the files of what is in memory: size, times and inode of each, once a second. Touched files stop the sale at
 * once, and only then are hashed; where they turn out to be the same bytes, or become so again, the deployment is loaded
 * again. The weights in memory are no proof: on the processor they are pages of that very file.
 */
import { fail } from '#contract/errors.ts'
import type { DeploymentId, ModelSha256 } from '#contract/ids.ts'
import { SECOND_MS } from '#contract/time.ts'
import type { CoreContext } from '#core/core-context.ts'
import type { ModelsService } from '#core/models/index.ts'
import { every } from '#lib/every.ts'

import type { LoadedDeployments } from './loaded-deployments.ts'

/** A change may stay unnoticed for five. */
const LOOK_EVERY_MS = SECOND_MS

export interface ModelWatchDeps {
  models: Pick<ModelsService, 'files' | 'ready'>
  loaded: Pick<LoadedDeployments, 'ids' | 'waitingForFiles' | 'stopForFiles' | 'loadQuietly'>
  /** The model's hash; null for a deployment on remote servers, or one that is gone. */
  sha256Of(this: void, deploymentId: DeploymentId): ModelSha256 | null
  /** Whether it should be in memory: what its owner unloaded stays so. */
  isWanted(this: void, deploymentId: DeploymentId): boolean
}

/** Returns what stops it. */
export function watchModelFiles(
  { clock, log }: Pick<CoreContext, 'clock' | 'log'>,
  { models, loaded, sha256Of, isWanted }: ModelWatchDeps,
): () => void {
  const stopping = new AbortController()
  /** Of those that wait: what was seen last, and what was hashed last. */
  const seen = new Map<DeploymentId, { key: string; tried: string | null }>()

  const lookAtLoaded = async (deploymentId: DeploymentId): Promise<void> => {
    const sha256 = sha256Of(deploymentId)
    const files = sha256 === null ? null : await models.files(sha256)
    if (files === null || files.unchanged || stopping.signal.aborted) return
    log.warn({ deploymentId }, 'the files of a model in use were touched: it is stopped until they are hashed again')
    await loaded.stopForFiles(deploymentId, fail('model.fileTouched'))
  }

  /** Hashes files once they were left alone for a second: while they are written it would be in vain. */
  const lookAtWaiting = async (deploymentId: DeploymentId): Promise<void> => {
    const sha256 = sha256Of(deploymentId)
    const files = sha256 === null || !isWanted(deploymentId) ? null : await models.files(sha256)
    if (sha256 === null || files === null) return void seen.delete(deploymentId)
    const last = seen.get(deploymentId)
    const settled = last?.key === files.key
    seen.set(deploymentId, { key: files.key, tried: settled ? files.key : (last?.tried ?? null) })
    // Its failure, if it is one, is shown with the deployment.
    if (settled && last.tried !== files.key && !stopping.signal.aborted) loaded.loadQuietly(deploymentId)
  }

  const onError = (error: unknown): void => log.warn({ err: error }, 'the files of models could not be looked at')
  /** Looks not yet answered: a drive that hangs keeps only its own model waiting. */
  const pending = new Set<DeploymentId>()
  const begin = (deploymentId: DeploymentId, lookAt: (deploymentId: DeploymentId) => Promise<void>): void => {
    if (pending.has(deploymentId)) return
    pending.add(deploymentId)
    lookAt(deploymentId)
      .catch(onError)
      .finally(() => pending.delete(deploymentId))
  }
  const look = (): void => {
    const waiting = loaded.waitingForFiles()
    for (const known of seen.keys()) if (!waiting.includes(known)) seen.delete(known)
    for (const deploymentId of loaded.ids()) begin(deploymentId, lookAtLoaded)
    for (const deploymentId of waiting) begin(deploymentId, lookAtWaiting)
  }
  every(clock, LOOK_EVERY_MS, look, { onError, signal: stopping.signal })
  return () => stopping.abort()
}
