/** A pool of endpoints that serve one model: each has its own slots and takes jobs while it is healthy. */
import type { RemoteMemberDeps } from '../remote/remote-member.ts'
import { createRemoteMember } from '../remote/remote-member.ts'
import type { PoolKind } from './pool-kind.ts'

export function remoteKind(deps: Omit<RemoteMemberDeps, 'endpoint'>): PoolKind {
  const { endpoints } = deps.pool
  return {
    local: false,
    count: () => endpoints.length,
    make(index) {
      const endpoint = endpoints[index]
      if (endpoint === undefined) throw new RangeError('a pool has one member for each endpoint')
      return createRemoteMember({ ...deps, endpoint })
    },
    share: (settings) => settings,
  }
}
