/** The filter of the jobs page lives in the address, so that it survives a reload and can be sent to a colleague. */
export const JOB_STATES = ['running', 'claimed', 'settled', 'disputed', 'void', 'failed', 'rejected'] as const
export type JobStateFilter = (typeof JOB_STATES)[number]
export interface JobsSearch {
  state?: JobStateFilter
  instrument?: string
  job?: string
}

const isState = (value: unknown): value is JobStateFilter => JOB_STATES.includes(value as JobStateFilter)
const ID = /^[A-Za-z0-9_.:/-]{1,96}$/

/** Anything malformed is dropped. */
export function parseJobsSearch(search: Record<string, unknown>): JobsSearch {
  const { state, instrument, job } = search
  return {
    ...(isState(state) ? { state } : {}),
    ...(typeof instrument === 'string' && ID.test(instrument) ? { instrument } : {}),
    ...(typeof job === 'string' && ID.test(job) ? { job } : {}),
  }
}
