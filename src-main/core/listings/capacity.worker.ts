/** Every few seconds: do the listings offer what the machine delivers? */
import { SECOND_MS } from '#contract/time.ts'
import type { VenueContext } from '#core/core-context.ts'
import { every } from '#lib/every.ts'

const EVERY_MS = 5 * SECOND_MS

/** The returned function ends it. */
export function followCapacity({ clock, log }: Pick<VenueContext, 'clock' | 'log'>, follow: () => void): () => void {
  return every(clock, EVERY_MS, follow, {
    onError: (error) =>
      log.error({ err: error }, 'the listed capacity could not be decided; it is tried again in a moment'),
  }).stop
}
