/** The loop over the drivers: often while memory is counted, seldom where there is nothing to see. */
import { MINUTE_MS, SECOND_MS, type Clock } from '#contract/time.ts'
import { every } from '#lib/every.ts'
import type { Log } from '#lib/log.ts'

import type { DeviceWatch } from './device-watch.ts'
import type { SensorsPort } from './sensors.port.ts'

/** Two counts are within the fifteen seconds in which a spill stops the sale; Windows starts a program for each look. */
const WATCH_MS = (process.platform === 'win32' ? 5 : 2) * SECOND_MS
const LOOK_MS = (process.platform === 'win32' ? 30 : 10) * SECOND_MS
const NOTHING_MS = 10 * MINUTE_MS

/** The returned function ends it, and resolves when its last look has ended. */
export function keepWatching(
  { clock, log }: { clock: Clock; log: Log },
  watch: DeviceWatch,
  sensors: SensorsPort,
): () => Promise<void> {
  let pauseMs = LOOK_MS
  const look = async (): Promise<void> => {
    pauseMs = NOTHING_MS
    if (!sensors.hasHint() && watch.sensed === null) return
    await watch.look()
    const { problem, sources } = watch.sensed?.reading ?? { problem: null, sources: [] }
    // A machine without a GPU pays for no process.
    if (problem === null && sources.every((one) => one.problem === null && one.devices.length === 0))
      return sensors.rest()
    pauseMs = watch.isWatching ? WATCH_MS : LOOK_MS
  }
  const loop = every(clock, () => pauseMs, look, {
    immediate: true,
    onError: (error) => log.warn({ err: error }, 'the drivers of GPUs could not be looked at'),
  })
  return () => {
    loop.stop()
    return loop.done
  }
}
