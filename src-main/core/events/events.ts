/**
 * The topic/version bus: it says what changed and never carries state, so a slow reader costs a flag per topic and no
 * more.
 */
import type { Topic } from '#contract/app.ts'
import { fail } from '#contract/errors.ts'
import type { EventBus } from '#core/core-context.ts'

/** Consoles and scripts that listen at once; far above what one owner opens. */
export const SUBSCRIBERS_MAX = 256

interface Subscriber {
  pending: Set<Topic>
  wake: () => void
}

export function createEvents(): EventBus {
  const versions = new Map<Topic, number>()
  const listeners = new Set<(topic: Topic) => void>()
  const subscribers = new Set<Subscriber>()
  const at = (topic: Topic) => ({ topic, version: versions.get(topic) ?? 0 })

  async function* stream(
    subscriber: Subscriber,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<{ topic: Topic; version: number }> {
    const onAbort = (): void => subscriber.wake()
    signal?.addEventListener('abort', onAbort, { once: true })
    try {
      const gone = (): boolean => signal?.aborted === true
      while (!gone()) {
        const [topic] = subscriber.pending
        if (topic === undefined) {
          await new Promise<void>((resolve) => {
            subscriber.wake = resolve
            if (gone() || subscriber.pending.size > 0) resolve()
          })
          continue
        }
        subscriber.pending.delete(topic)
        yield at(topic)
      }
    } finally {
      signal?.removeEventListener('abort', onAbort)
      subscribers.delete(subscriber)
    }
  }

  return {
    changed(topic) {
      versions.set(topic, (versions.get(topic) ?? 0) + 1)
      for (const subscriber of subscribers) {
        subscriber.pending.add(topic)
        subscriber.wake()
      }
      for (const listener of listeners) listener(topic)
    },
    on(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    subscribe(signal) {
      if (subscribers.size >= SUBSCRIBERS_MAX) throw fail('events.full', { max: SUBSCRIBERS_MAX })
      const subscriber: Subscriber = { pending: new Set(versions.keys()), wake: () => undefined }
      subscribers.add(subscriber)
      return stream(subscriber, signal)
    },
  }
}
