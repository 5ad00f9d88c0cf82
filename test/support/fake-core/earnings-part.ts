/** earnings: invented series and their sums. */
import { said } from '#contract/reasons.ts'
import type { Nano } from '#contract/money.ts'

import { VENUE } from '../venue.ts'
import { csv, series } from './series.ts'
import { job, NANO_GRADE } from './state.ts'
import { os, type World } from './world.ts'

export const earningsPart = ({ full, earnedAt }: World) => ({
  summary: os.earnings.summary.handler(({ input }) => series(full, input, earnedAt()).summary),
  series: os.earnings.series.handler(({ input }) => series(full, input, earnedAt())),
  held: os.earnings.held.handler(() =>
    full
      ? Array.from({ length: 7 }, (_, index) => ({
          venueId: VENUE,
          jobId: job(index + 2, Date.now(), 'settled', 0).jobId,
          instrument: NANO_GRADE,
          amountNano: (38_950 - index * 2_310) as Nano,
          releaseAt: Date.now() + 4_000 + index * 3_700,
          reason: said('held by the exchange until its release'),
        }))
      : [],
  ),
  csv: os.earnings.csv.handler(({ input }) => ({ fileName: 'stoker-practice.csv', csv: csv(full, input, earnedAt()) })),
})
