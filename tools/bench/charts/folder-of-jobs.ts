/** A data folder with so many jobs over so many days, in minutes also for a million. */
import { DAY_MS, MINUTE_MS, SECOND_MS } from '#contract/time.ts'

import { multiply } from './multiply.ts'
import { openTwoSides, type JobEnd } from './two-sides.ts'

const QUARTER_MS = 15 * MINUTE_MS
/** Traded one by one through the real code; the rest are copies of these. */
const TEMPLATE = 2_000
/** The last day has a few of everything, as many in a small folder as in a large one. */
const LAST: readonly (readonly [JobEnd, number])[] = [
  ['failed', 5],
  ['void', 5],
  ['held', 200],
  ['claimed', 3],
  ['running', 2],
]

export interface FolderOfJobs {
  /** When the last job had started: "now" for whoever reads the folder. */
  now: number
  /** A job with a receipt in the middle of the time. */
  aJob: string
}

/** `jobs` must be a multiple of the template or below it. Ends `days` after `from`. */
export function makeFolder(
  folder: string,
  { jobs, days, from }: { jobs: number; days: number; from: number },
): FolderOfJobs {
  const template = Math.min(jobs, TEMPLATE)
  const copies = Math.floor(jobs / template)
  const stepMs = (days * DAY_MS) / template
  // Where they follow each other closely, copies stand at the very time of their original.
  const isDense = stepMs < QUARTER_MS
  const first = openTwoSides(folder, from)
  let aJob = ''
  for (let index = 0; index < template; index += 1) {
    const at = Math.max(from + Math.floor(index * stepMs), first.clock.now())
    // Early in its quarter of an hour, so that the copies after it lie in the same one.
    const id = first.trade(isDense ? at : at - (at % QUARTER_MS) + SECOND_MS, index % 5 === 0 ? 1 : 0)
    if (index === template >> 1) aJob = id
  }
  first.close()
  if (copies > 1) {
    const copyStepMs = isDense ? 0 : Math.min(5_000, Math.floor((10 * MINUTE_MS) / copies))
    multiply(folder, { copies, stepMs: copyStepMs, keys: first.keys })
  }
  const last = openTwoSides(folder, from + days * DAY_MS + MINUTE_MS)
  let at = last.clock.now()
  for (const [end, count] of LAST)
    for (let index = 0; index < count; index += 1) {
      at = Math.max(at + 2 * SECOND_MS, last.clock.now())
      const id = last.trade(at, 0, end)
      if (aJob === '' || (copies > 1 && end === 'held' && index === 0)) aJob = id
    }
  last.sweep()
  last.close()
  return { now: last.clock.now(), aJob }
}
