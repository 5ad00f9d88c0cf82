/** Handlers of contract/earnings.ts. */
import type { ByVenue } from '#core/by-venue.ts'
import type { Os } from '#core/os.ts'

import type { EarningsService } from './earnings-service.ts'

export const earningsApi = (os: Os, of: ByVenue<EarningsService>) => ({
  summary: os.earnings.summary.handler(({ input }) => of(input.venueId).summary(input)),
  series: os.earnings.series.handler(({ input }) => of(input.venueId).series(input)),
  week: os.earnings.week.handler(({ input }) => of(input.venueId).week(input)),
  history: os.earnings.history.handler(({ input }) => of(input.venueId).history(input.zone)),
  releases: os.earnings.releases.handler(({ input }) => of(input.venueId).releases(input.zone)),
  marks: os.earnings.marks.handler(({ input }) => of(input.venueId).marks(input)),
  held: os.earnings.held.handler(({ input }) => of(input.venueId).held()),
  csv: os.earnings.csv.handler(({ input }) => of(input.venueId).csv(input)),
})
