/** The system clock behind the Clock interface; the only place that touches the global one. */
import { setTimeout as wait } from 'node:timers/promises'

import type { Clock } from '#contract/time.ts'

export const systemClock: Clock = {
  now: () => Date.now(),
  mono: () => performance.now(),
  async sleep(ms, options = {}) {
    await wait(ms, undefined, {
      ...(options.signal === undefined ? {} : { signal: options.signal }),
      ref: options.unref !== true,
    })
  },
}
