/** One deployment as screens show it: what is stored, how far it is in memory, and what its engine measured. */
import type { CalibrationView, Deployment } from '#contract/models.ts'

import type { DeploymentRepository } from './deployment-repository.ts'
import { deploymentState, engineFigures, measuredFor } from './deployments.ts'
import type { StoredDeployment } from './deployments.store.ts'
import type { LoadedDeployments } from './loaded-deployments.ts'
import type { RemoteKeys } from './remote-keys.ts'

export interface DeploymentViewDeps {
  repository: Pick<DeploymentRepository, 'nameOf'>
  loaded: Pick<LoadedDeployments, 'engine' | 'loadStatus'>
  keys: Pick<RemoteKeys, 'of'>
  /** What was measured of the model on this machine; null where nothing was. */
  calibrated(this: void, sha256: string): CalibrationView | null
}

export function createDeploymentView({
  repository,
  loaded,
  keys,
  calibrated,
}: DeploymentViewDeps): (stored: StoredDeployment) => Deployment {
  const engineOf = ({ remote }: StoredDeployment): Deployment['engine'] =>
    remote === null
      ? { kind: 'local' }
      : {
          kind: 'remote',
          model: remote.model,
          endpoints: remote.servers.map(({ url, slots }) => ({ url, slots, hasKey: keys.of(url) !== null })),
        }
  return (stored) => {
    const { deploymentId, sha256, remote, settings, createdAt, idleUnloadMs } = stored
    const status = loaded.loadStatus(deploymentId)
    const engine = loaded.engine(deploymentId)
    const shown = deploymentState(status, engine?.state() ?? null)
    return {
      deploymentId,
      sha256,
      modelName: repository.nameOf(stored),
      engine: engineOf(stored),
      settings,
      createdAt,
      ...shown,
      ...engineFigures(shown.state === 'loaded' && engine !== null ? engine.stats() : null),
      idleUnloadMs,
      measured: remote === null ? measuredFor(settings, calibrated(sha256)) : null,
      smaller: shown.state === 'failed' ? (status.failure?.smaller ?? null) : null,
    }
  }
}
