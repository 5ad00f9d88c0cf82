import type { Os } from '#core/os.ts'

import type { EarningsService } from './earnings-service.ts'

export const earningsApi = (os: Os, earnings: EarningsService) => ({
  summary: os.earnings.summary.handler(({ input }) => earnings.summary(input)),
  series: os.earnings.series.handler(({ input }) => earnings.series(input)),
  held: os.earnings.held.handler(() => earnings.held()),
  csv: os.earnings.csv.handler(({ input }) => earnings.csv(input)),
})
