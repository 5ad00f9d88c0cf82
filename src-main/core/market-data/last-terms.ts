/** The newest terms the exchange stated, kept while it is away. */
import type { GradeSpec } from '#contract/grades.ts'
import type { VenueContext } from '#core/core-context.ts'
import type { VenueTerms } from '#core/venues/venue.port.ts'
import { loadGradeSpecs } from '#exam/grade-specs.ts'

/** Shown before the first connection; the exchange's own terms replace them. */
const UNHEARD = { feeBps: 500, holdMs: 30_000 }

export interface LastTerms {
  specs: () => readonly GradeSpec[]
  specOf: (instrument: string) => GradeSpec | null
  feeBps: () => number
  holdMs: () => number
}

export function createLastTerms({ venue, events }: Pick<VenueContext, 'venue' | 'events'>): LastTerms {
  let terms: Pick<VenueTerms, 'specs' | 'feeBps' | 'holdMs'> | null = null
  const shipped = loadGradeSpecs()
  const take = (): void => {
    const state = venue.state()
    if (state.kind === 'online') terms = state.terms
    for (const topic of ['exchange', 'market'] as const) events.changed(topic)
  }
  venue.onState(take)
  take()
  const specs = (): readonly GradeSpec[] => terms?.specs ?? shipped
  return {
    specs,
    specOf: (instrument) => specs().find((spec) => spec.instrument === instrument) ?? null,
    feeBps: () => terms?.feeBps ?? UNHEARD.feeBps,
    holdMs: () => terms?.holdMs ?? UNHEARD.holdMs,
  }
}
