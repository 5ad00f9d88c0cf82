/** Every few seconds: do the listings offer what the machine delivers? */
import { SECOND_MS } from '#contract/time.ts'
import type { CoreContext } from '#core/core-context.ts'

const EVERY_MS = 5 * SECOND_MS

/** The returned function ends it. */
export function followCapacity({ clock, log }: Pick<CoreContext, 'clock' | 'log'>, follow: () => void): () => void {
  const stopping = new AbortController()
  const loop = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await clock.sleep(EVERY_MS, { signal: stopping.signal, unref: true })
      try {
        follow()
      } catch (error) {
        log.error({ err: error }, 'the listed capacity could not be decided; it is tried again in a moment')
      }
    }
  }
  loop().catch((error: unknown) => {
    if (!stopping.signal.aborted) log.error({ err: error }, 'the listed capacity is not followed any more')
  })
  return () => stopping.abort()
}
