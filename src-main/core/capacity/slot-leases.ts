/**
 * Slots of deployments, leased to the jobs of all venues; first come, first served. Exam calls wait behind jobs in the
 * engine's queue, so they take no lease.
 */
import type { Lease } from './lease.port.ts'

/** A call in work, as a decision about the next one needs it. Reference tokens. */
export interface ServedCall {
  readonly exam: boolean
  /** Some of its text is there. */
  readonly begun: boolean
  readonly inputTokens: number
  /** That it may still give. */
  readonly tokensLeft: number
}

export interface SlotLeasesDeps {
  /** Slots of a deployment in memory; null while it is not. */
  slotsOf(this: void, deploymentId: string): number | null
}

export interface SlotLeases {
  /** A slot for one job; null when the deployment is not in memory or all its slots are leased. */
  lease(deploymentId: string): Lease | null
  /** Leases of a deployment, by all venues. */
  leased(deploymentId: string): number
  /** Counts a call among those in work; the returned function ends it. */
  serve(deploymentId: string, call: ServedCall): () => void
  /** Calls in work on a deployment, of all venues. */
  calls(deploymentId: string): readonly ServedCall[]
}

export function createSlotLeases({ slotsOf }: SlotLeasesDeps): SlotLeases {
  const leases = new Map<string, Set<Lease>>()
  const served = new Map<string, Set<ServedCall>>()
  const of = <T>(map: Map<string, Set<T>>, deploymentId: string): Set<T> => {
    const found = map.get(deploymentId) ?? new Set<T>()
    map.set(deploymentId, found)
    return found
  }
  const drop = <T>(map: Map<string, Set<T>>, deploymentId: string, item: T): void => {
    const items = map.get(deploymentId)
    items?.delete(item)
    if (items?.size === 0) map.delete(deploymentId)
  }
  return {
    lease(deploymentId) {
      const slots = slotsOf(deploymentId)
      if (slots === null || (leases.get(deploymentId)?.size ?? 0) >= slots) return null
      const lease: Lease = { deploymentId, release: () => drop(leases, deploymentId, lease) }
      of(leases, deploymentId).add(lease)
      return lease
    },
    leased: (deploymentId) => leases.get(deploymentId)?.size ?? 0,
    serve(deploymentId, call) {
      of(served, deploymentId).add(call)
      return () => drop(served, deploymentId, call)
    },
    calls: (deploymentId) => [...(served.get(deploymentId) ?? [])],
  }
}
