/** How many slots each listing offers now, and why; follows what the machine delivers (capacity.ts). */
import type { GradeSpec } from '#contract/grades.ts'
import type { Clock } from '#contract/time.ts'
import type { DeploymentsService, QualificationFacts } from '#core/core-context.ts'
import type { ServingService } from '#core/jobs/index.ts'

import { nextOffer, type Capacity, type Offered } from './capacity.ts'
import type { ListingRow } from './listings.store.ts'

/** A pass with what its exam measured at once; null where that is not known. */
export type Pass = QualificationFacts & { slots?: number | null }

export interface OfferedSlotsDeps {
  clock: Clock
  deployments: Pick<DeploymentsService, 'find' | 'loaded'>
  passes: () => readonly Pass[]
  serving: () => Pick<ServingService, 'measured'>
}

export class OfferedSlots {
  readonly #deps: OfferedSlotsDeps
  readonly #offered = new Map<string, Offered & { deploymentId: string }>()

  constructor(deps: OfferedSlotsDeps) {
    this.#deps = deps
  }

  /** Decides anew; true when the number changed since the last time. */
  follow(row: ListingRow, spec: GradeSpec): boolean {
    const { clock, deployments, passes, serving } = this.#deps
    const known = this.#offered.get(row.instrument)
    const before = known?.deploymentId === row.deploymentId ? known : null
    const loaded = deployments.loaded(row.deploymentId)
    if (loaded === null) return false
    const pass = passes().find(
      (one) => one.instrument === row.instrument && one.sha256 === loaded.sha256 && one.specVersion === spec.version,
    )
    const input = {
      slots: loaded.model.slots,
      examSlots: pass?.slots ?? null,
      limits: spec.limits,
      measured: serving().measured(row.deploymentId, before?.judgedFrom ?? 0),
    }
    const next = nextOffer(before, input, clock.mono())
    this.#offered.set(row.instrument, { ...next, deploymentId: row.deploymentId })
    return next.slots !== before?.slots || next.why !== before.why
  }

  /** What is offered, or would be. */
  of(row: ListingRow): Capacity {
    const known = this.#offered.get(row.instrument)
    return known?.deploymentId === row.deploymentId ? known : { slots: this.max(row), why: null }
  }

  /** Slots of the listing's deployment. */
  max(row: ListingRow): number {
    const { deployments } = this.#deps
    return (
      deployments.loaded(row.deploymentId)?.model.slots ??
      deployments.find(row.deploymentId)?.settings.slots ??
      row.slots
    )
  }

  forget(instrument: string): void {
    this.#offered.delete(instrument)
  }
}
