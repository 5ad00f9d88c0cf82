/** The filter of the jobs page lives in the address, so that it survives a reload and can be sent to a colleague. */
export const JOB_STATES = ['running', 'claimed', 'settled', 'disputed', 'void', 'failed', 'rejected'] as const
export type JobStateFilter = (typeof JOB_STATES)[number]
export interface JobsSearch {
  state?: JobStateFilter
  instrument?: string
  job?: string
  /** Beginning of an id: only those jobs are shown. */
  id?: string
  /** YYYY-MM-DD: the list begins at the end of that day, as this machine's calendar has it. */
  until?: string
}

const isState = (value: unknown): value is JobStateFilter => JOB_STATES.includes(value as JobStateFilter)
const ID = /^[A-Za-z0-9_.:/-]{1,96}$/

/** The first moment after a day of this machine's calendar; null for what is no day. */
export function endOfDay(day: string): number | null {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(day)
  if (match === null) return null
  const next = new Date(Number(match[1]), Number(match[2]) - 1, Number(match[3]) + 1).getTime()
  return next > 0 ? next : null
}

/** Anything malformed is dropped. */
export function parseJobsSearch(search: Record<string, unknown>): JobsSearch {
  const { state, instrument, job, id, until } = search
  return {
    ...(isState(state) ? { state } : {}),
    ...(typeof instrument === 'string' && ID.test(instrument) ? { instrument } : {}),
    ...(typeof job === 'string' && ID.test(job) ? { job } : {}),
    ...(typeof id === 'string' && ID.test(id) ? { id } : {}),
    ...(typeof until === 'string' && endOfDay(until) !== null ? { until } : {}),
  }
}
