import type { Os } from '#core/os.ts'

import type { EarningsFace } from './index.ts'

export const earningsApi = (os: Os, earnings: EarningsFace) => ({
  summary: os.earnings.summary.handler(({ input }) => earnings.summary(input.from, input.to)),
  series: os.earnings.series.handler(({ input }) => earnings.series(input)),
  held: os.earnings.held.handler(() => earnings.held()),
  csv: os.earnings.csv.handler(({ input }) => earnings.csv(input)),
})
