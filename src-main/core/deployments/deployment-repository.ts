/** The stored deployments, with what the engine and other domains need to know of one. */
import { fail } from '#contract/errors.ts'
import type { CoreContext, DeploymentFacts } from '#core/core-context.ts'
import type { EngineSettings } from '#core/engine/engine.port.ts'
import type { EngineKind } from '#core/engine/engines.port.ts'
import { modelName, type ModelsService } from '#core/models/index.ts'

import { findDeployment, type StoredDeployment } from './deployments.store.ts'
import type { RemoteKeys } from './remote-keys.ts'
import { remoteIdentity, remoteName } from './remote-deployment.ts'

export interface DeploymentRepository {
  find(deploymentId: string): StoredDeployment | null
  /** Error NOT_FOUND. */
  get(deploymentId: string): StoredDeployment
  facts(stored: StoredDeployment): DeploymentFacts
  engineSettings(stored: StoredDeployment): EngineSettings
  kindOf(stored: StoredDeployment): EngineKind
  nameOf(stored: StoredDeployment): string
  /** For a deployment that may have gone with its model meanwhile. */
  nameOfId(this: void, deploymentId: string): string
}

export interface DeploymentRepositoryDeps {
  models: Pick<ModelsService, 'find'>
  keys: Pick<RemoteKeys, 'of'>
  prefixReuse: boolean
}

export function createDeploymentRepository(
  { rigDb }: Pick<CoreContext, 'rigDb'>,
  { models, keys, prefixReuse }: DeploymentRepositoryDeps,
): DeploymentRepository {
  const find = (deploymentId: string): StoredDeployment | null => findDeployment(rigDb.read, deploymentId)
  const engineSettings = ({ settings }: StoredDeployment): EngineSettings => ({ ...settings, prefixReuse })
  const nameOf = ({ remote, sha256 }: StoredDeployment): string => {
    if (remote !== null) return remoteName(remote)
    const model = models.find(sha256)
    return model === null ? 'unknown model' : modelName(model)
  }
  return {
    find,
    get(deploymentId) {
      const stored = find(deploymentId)
      if (stored === null)
        throw fail(
          'deployment.unknown',
          {},
          {
            data: { deploymentId },
          },
        )
      return stored
    },
    facts: (stored) => ({
      deploymentId: stored.deploymentId,
      sha256: stored.sha256,
      modelName: nameOf(stored),
      settings: engineSettings(stored),
      remote: stored.remote === null ? null : remoteIdentity(stored.remote),
    }),
    engineSettings,
    kindOf: ({ remote, settings }) =>
      remote === null
        ? { kind: 'local' }
        : {
            kind: 'remote',
            model: remote.model,
            contextTokens: settings.contextTokens,
            endpoints: remote.servers.map(({ url, slots }) => ({ url, slots, key: keys.of(url) })),
          },
    nameOf,
    nameOfId(deploymentId) {
      const stored = find(deploymentId)
      return stored === null ? 'a removed model' : nameOf(stored)
    },
  }
}
