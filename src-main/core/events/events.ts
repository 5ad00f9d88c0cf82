/**
 * The topic/version bus: it says what changed and never carries state, so a slow reader costs a flag per topic and no
 * more. A topic of a venue counts by itself.
 */
import type { Topic } from '#contract/app.ts'
import { fail } from '#contract/errors.ts'
import type { VenueId } from '#contract/ids.ts'
import type { EventBus, TopicChange } from '#core/core-context.ts'

/** Consoles and scripts that listen at once; far above what one owner opens. */
export const SUBSCRIBERS_MAX = 256

interface Subscriber {
  pending: Set<string>
  wake: () => void
}

export function createEvents(): EventBus {
  /** By topic and venue: as many as there are topics, times the venues. */
  const changes = new Map<string, TopicChange>()
  const listeners = new Set<(topic: Topic) => void>()
  const subscribers = new Set<Subscriber>()

  async function* stream(subscriber: Subscriber, signal: AbortSignal | undefined): AsyncGenerator<TopicChange> {
    const onAbort = (): void => subscriber.wake()
    signal?.addEventListener('abort', onAbort, { once: true })
    try {
      const gone = (): boolean => signal?.aborted === true
      while (!gone()) {
        const [name] = subscriber.pending
        if (name === undefined) {
          await new Promise<void>((resolve) => {
            subscriber.wake = resolve
            if (gone() || subscriber.pending.size > 0) resolve()
          })
          continue
        }
        subscriber.pending.delete(name)
        yield changes.get(name)!
      }
    } finally {
      signal?.removeEventListener('abort', onAbort)
      subscribers.delete(subscriber)
    }
  }

  const bus: EventBus = {
    changed(topic, venueId = null) {
      const name = `${topic} ${venueId ?? ''}`
      changes.set(name, { topic, venueId, version: (changes.get(name)?.version ?? 0) + 1 })
      for (const subscriber of subscribers) {
        subscriber.pending.add(name)
        subscriber.wake()
      }
      for (const listener of listeners) listener(topic)
    },
    on(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    of: (venueId: VenueId) => ({ ...bus, changed: (topic) => bus.changed(topic, venueId) }),
    subscribe(signal) {
      if (subscribers.size >= SUBSCRIBERS_MAX) throw fail('events.full', { max: SUBSCRIBERS_MAX })
      const subscriber: Subscriber = { pending: new Set(changes.keys()), wake: () => undefined }
      subscribers.add(subscriber)
      return stream(subscriber, signal)
    },
  }
  return bus
}
