/** A pool of endpoints that serve one model: each has its own slots and takes jobs while it is healthy. */
import type { RemoteOptions } from '../remote/remote-member.ts'
import { createRemoteMember } from '../remote/remote-member.ts'
import type { PoolKind } from './pool-kind.ts'

export function remoteKind(options: Omit<RemoteOptions, 'endpoint'>): PoolKind {
  const { endpoints } = options.pool
  return {
    local: false,
    count: () => endpoints.length,
    make(index) {
      const endpoint = endpoints[index]
      if (endpoint === undefined) throw new RangeError('a pool has one member for each endpoint')
      return createRemoteMember({ ...options, endpoint })
    },
    share: (settings) => settings,
  }
}
