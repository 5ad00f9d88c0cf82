/** The processor load of other programs right now. */
import type { Clock } from '#contract/time.ts'

import { createCpuReader } from '../host/processor/busy-counters.ts'

const SAMPLE_MS = 250

/** In cores, over a quarter of a second; 0 where the system does not tell. */
export async function othersNow(clock: Clock, cores: number): Promise<number> {
  const read = createCpuReader(cores)
  const [before, began] = [read(), clock.mono()]
  await clock.sleep(SAMPLE_MS)
  const [after, ended] = [read(), clock.mono()]
  if (before === null || after === null || ended <= began) return 0
  return Math.max(0, (after.busyMs - before.busyMs - (after.ownMs - before.ownMs)) / (ended - began))
}
