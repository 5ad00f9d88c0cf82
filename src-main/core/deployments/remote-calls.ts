/** Connecting to servers that speak the OpenAI API. */
import { fail } from '#contract/errors.ts'
import type { Reason } from '#contract/reasons.ts'
import type { Deployment } from '#contract/models.ts'
import type { CoreContext } from '#core/core-context.ts'
import type { RemoteEndpoint } from '#core/engine/engines.port.ts'

import { freshDeployment } from './deployment-calls.ts'
import { deleteRemote, findOrCreate, listDeployments, type StoredDeployment } from './deployments.store.ts'
import type { LoadedDeployments } from './loaded-deployments.ts'
import type { RemoteKeys } from './remote-keys.ts'
import { baseUrl, remoteSettings, remoteSha256, toRemote } from './remote-deployment.ts'
import type { DeploymentRepository } from './deployment-repository.ts'

export interface RemoteCallsDeps {
  repository: DeploymentRepository
  loaded: LoadedDeployments
  keys: RemoteKeys
  inUse(this: void, deploymentId: string): Reason | null
  view(this: void, stored: StoredDeployment): Deployment
}

export interface RemoteCalls {
  /** Errors: BAD_REQUEST, ENGINE_UNREACHABLE, ENGINE_REFUSED. */
  remoteModels(endpoint: Pick<RemoteEndpoint, 'url' | 'key'>): Promise<{ id: string; contextTokens: number | null }[]>
  /**
   * Errors: BAD_REQUEST, TOO_LARGE, MODEL_IN_USE (it is listed or working and would change), ENGINE_UNREACHABLE,
   * ENGINE_REFUSED.
   */
  connectRemote(requested: {
    model: string
    contextTokens: number
    endpoints: readonly RemoteEndpoint[]
  }): Promise<Deployment>
  /**
   * Forgets the deployments of this hash, and keys nobody needs any more; false when there is none. Error MODEL_IN_USE.
   */
  removeRemote(sha256: string): Promise<boolean>
}

export function createRemoteCalls(
  context: Pick<CoreContext, 'rigDb' | 'engines' | 'ids' | 'clock' | 'events'>,
  { repository, loaded, keys, inUse, view }: RemoteCallsDeps,
): RemoteCalls {
  const { rigDb, engines, events } = context
  return {
    remoteModels: async ({ url, key }) => engines.remoteModels({ url: baseUrl(url), key }),
    async connectRemote({ model, contextTokens, endpoints }) {
      const givenBack = loaded.givenBackSignal()
      const { remote, keys: given } = toRemote(model, endpoints)
      const stored = freshDeployment(context, {
        sha256: remoteSha256(remote),
        remote,
        settings: remoteSettings(remote, contextTokens),
      })
      keys.set(new Map(remote.servers.map(({ url }) => [url, given.get(url) ?? null])))
      const { deploymentId } = rigDb.tx((db) => findOrCreate(db, stored))
      // An engine keeps what it was made with; new keys or slots need a new one.
      if (loaded.engine(deploymentId) !== null) await loaded.unload(deploymentId)
      await loaded.ensureLoaded(deploymentId, givenBack)
      return view(repository.get(deploymentId))
    },
    async removeRemote(sha256) {
      const mine = listDeployments(rigDb.read).filter((stored) => stored.sha256 === sha256 && stored.remote !== null)
      for (const { deploymentId } of mine) {
        const reason = inUse(deploymentId)
        if (reason !== null) throw fail('model.inUse', { reason }, { data: { deploymentId } })
      }
      for (const { deploymentId } of mine) await loaded.unload(deploymentId)
      const removed = rigDb.tx((db) => deleteRemote(db, sha256))
      const needed = new Set(
        listDeployments(rigDb.read).flatMap(({ remote }) => remote?.servers.map(({ url }) => url) ?? []),
      )
      const gone = mine
        .flatMap(({ remote }) => remote?.servers.map(({ url }) => url) ?? [])
        .filter((url) => !needed.has(url))
      keys.set(new Map(gone.map((url) => [url, null])))
      events.changed('deployments')
      return removed
    },
  }
}
