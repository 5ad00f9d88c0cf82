/** jobs: 120 invented ones, the newest running. */
import { job as fakeJob, receipt } from './state.ts'
import { os, type World } from './world.ts'

export function jobsPart({ full }: World) {
  const all = (now: number) =>
    full
      ? Array.from({ length: 120 }, (_, index) =>
          fakeJob(
            index,
            now,
            index < 1
              ? 'running'
              : index < 2
                ? 'claimed'
                : index % 41 === 7
                  ? 'failed'
                  : index % 53 === 11
                    ? 'void'
                    : 'settled',
            now - 2_000 - index * 3_700,
          ),
        )
      : []
  return {
    list: os.jobs.list.handler(({ input }) => {
      const rows = all(Date.now()).filter(
        (job) =>
          (input.idPrefix === null || job.jobId.startsWith(input.idPrefix)) &&
          (input.startedBefore === null || job.startedAt < input.startedBefore) &&
          (input.state === null || job.state === input.state) &&
          (input.instrument === null || job.instrument === input.instrument),
      )
      const from = input.before === null ? 0 : Number(input.before)
      const end = input.downTo === null ? from + input.limit : Number(input.downTo)
      return {
        jobs: rows.slice(from, end),
        next: end < rows.length && input.downTo === null ? String(end) : null,
      }
    }),
    get: os.jobs.get.handler(({ input }) => {
      const job =
        all(Date.now()).find((each) => each.jobId === input.jobId) ??
        fakeJob(3, Date.now(), 'settled', Date.now() - 60_000)
      const detail = { ...job, receipt: null, verified: null, differences: [] }
      if (job.state !== 'settled') return detail
      const verified = {
        ok: true,
        shown: [
          'the exchange signed this receipt',
          'number 1,197 follows 1,196 in the chain',
          'usage, price and fee give these sums',
        ],
        notShown: ['which model wrote the answer', 'that the answer was good'],
      }
      return { ...detail, receipt: receipt(job), verified }
    }),
  }
}
