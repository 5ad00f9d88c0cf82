/** Handlers of contract/earnings.ts. */
import type { ByVenue } from '#core/by-venue.ts'
import type { Os } from '#core/os.ts'

import type { EarningsService } from './earnings-service.ts'

export const earningsApi = (os: Os, of: ByVenue<EarningsService>) => ({
  summary: os.earnings.summary.handler(({ input }) => of(input.venueId).summary(input)),
  series: os.earnings.series.handler(({ input }) => of(input.venueId).series(input)),
  held: os.earnings.held.handler(({ input }) => of(input.venueId).held()),
  csv: os.earnings.csv.handler(({ input }) => of(input.venueId).csv(input)),
})
