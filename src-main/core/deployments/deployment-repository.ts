/** Everything stored, with how it is shown. */
import { StokerError } from '#contract/errors.ts'
import type { CalibrationView, Deployment } from '#contract/models.ts'
import type { CoreContext, DeploymentFacts } from '#core/core-context.ts'
import type { EngineSettings } from '#core/engine/engine.port.ts'
import type { EngineKind } from '#core/engine/engines.port.ts'
import { modelName, type ModelsService } from '#core/models/index.ts'

import { deploymentState, measuredFor, measuredParts } from './deployments.ts'
import { findDeployment, type StoredDeployment } from './deployments.store.ts'
import type { Holder } from './loaded-deployments.ts'
import type { RemoteKeys } from './remote-keys.ts'
import { remoteIdentity, remoteName } from './remote-deployment.ts'

export interface Shelf {
  engineSettings(stored: StoredDeployment): EngineSettings
  nameOf(stored: StoredDeployment): string
  /** For a deployment that may have gone with its model meanwhile. */
  nameOfId(this: void, deploymentId: string): string
  look(deploymentId: string): StoredDeployment | null
  facts(stored: StoredDeployment): DeploymentFacts
  /** Error NOT_FOUND. */
  find(deploymentId: string): StoredDeployment
  kindOf(stored: StoredDeployment): EngineKind
  view(stored: StoredDeployment, holder: Holder): Deployment
}

export interface ShelfParts {
  models: Pick<ModelsService, 'find'>
  keys: RemoteKeys
  prefixReuse: boolean
  calibrated(this: void, sha256: string): CalibrationView | null
}

export function createShelf({ rigDb }: Pick<CoreContext, 'rigDb'>, parts: ShelfParts): Shelf {
  const engineSettings = (stored: StoredDeployment): EngineSettings => ({
    ...stored.settings,
    prefixReuse: parts.prefixReuse,
  })
  const nameOf = ({ remote, sha256 }: StoredDeployment): string => {
    if (remote !== null) return remoteName(remote)
    const model = parts.models.find(sha256)
    return model === null ? 'unknown model' : modelName(model)
  }
  return {
    engineSettings,
    nameOf,
    nameOfId(deploymentId) {
      const stored = findDeployment(rigDb.read, deploymentId)
      return stored === null ? 'a removed model' : nameOf(stored)
    },
    look: (deploymentId) => findDeployment(rigDb.read, deploymentId),
    facts: (stored) => ({
      deploymentId: stored.deploymentId,
      sha256: stored.sha256,
      modelName: nameOf(stored),
      settings: engineSettings(stored),
      remote: stored.remote === null ? null : remoteIdentity(stored.remote),
    }),
    find(deploymentId) {
      const stored = findDeployment(rigDb.read, deploymentId)
      if (stored === null)
        throw new StokerError('NOT_FOUND', 'This deployment does not exist any more; deploy the model again.', {
          data: { deploymentId },
        })
      return stored
    },
    kindOf: ({ remote, settings }) =>
      remote === null
        ? { kind: 'local' }
        : {
            kind: 'remote',
            model: remote.model,
            contextTokens: settings.contextTokens,
            endpoints: remote.servers.map(({ url, slots }) => ({ url, slots, key: parts.keys.of(url) })),
          },
    view(stored, holder) {
      const { deploymentId, sha256, remote, settings, createdAt, idleUnloadMs } = stored
      const wanted = holder.wanted(deploymentId)
      const engine = holder.engine(deploymentId)
      const shown = deploymentState(wanted, engine?.state() ?? null)
      return {
        deploymentId,
        sha256,
        modelName: nameOf(stored),
        engine:
          remote === null
            ? { kind: 'local' }
            : {
                kind: 'remote',
                model: remote.model,
                endpoints: remote.servers.map(({ url, slots }) => ({
                  url,
                  slots,
                  hasKey: parts.keys.of(url) !== null,
                })),
              },
        settings,
        createdAt,
        ...shown,
        ...measuredParts(shown.state === 'loaded' && engine !== null ? engine.stats() : null),
        idleUnloadMs,
        measured: remote === null ? measuredFor(settings, parts.calibrated(sha256)) : null,
        smaller: shown.state === 'failed' ? (wanted.failure?.smaller ?? null) : null,
      }
    },
  }
}
