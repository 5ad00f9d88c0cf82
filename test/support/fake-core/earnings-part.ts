/** earnings: invented series and their sums. */
import { said } from '#contract/reasons.ts'
import type { Nano } from '#contract/money.ts'

import { csv, series, summary } from './series.ts'
import { job, NANO_GRADE } from './state.ts'
import { os, type World } from './world.ts'

export const earningsPart = ({ full }: World) => ({
  summary: os.earnings.summary.handler(({ input }) => summary(full, input.from, input.to, Date.now())),
  series: os.earnings.series.handler(({ input }) => series(full, input, Date.now())),
  held: os.earnings.held.handler(() =>
    full
      ? Array.from({ length: 7 }, (_, index) => ({
          jobId: job(index + 2, Date.now(), 'settled', 0).jobId,
          instrument: NANO_GRADE,
          amountNano: (38_950 - index * 2_310) as Nano,
          releaseAt: Date.now() + 4_000 + index * 3_700,
          reason: said('held by the exchange until its release'),
        }))
      : [],
  ),
  csv: os.earnings.csv.handler(({ input }) => ({ fileName: 'stoker-practice.csv', csv: csv(full, input, Date.now()) })),
})
