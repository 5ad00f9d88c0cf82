/** For venues that push their jobs: they take no lease. */
import type { LeaseSource } from '#core/capacity/lease.port.ts'

export const NO_LEASES: LeaseSource = { take: () => null }
