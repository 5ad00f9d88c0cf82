/** Live values: what the rig does this second. No prompt text, nothing stored. */
import type { Live, LiveJob, Topic } from '#contract/app.ts'
import { fail } from '#contract/errors.ts'
import type { Listing } from '#contract/market.ts'
import { SECOND_MS } from '#contract/time.ts'
import type { CoreContext, MeasuredValue, VenueContext } from '#core/core-context.ts'
import { summarise, type EngineView } from '#core/deployments/index.ts'

const BUSY_EVERY_MS = SECOND_MS
const IDLE_EVERY_MS = 5 * SECOND_MS
/** Changes come in bursts; two live values are at least this far apart. */
const GAP_MS = 200
const RUNNING_MAX = 64
const STREAMS_MAX = 256
/** Changes worth telling before the next beat. */
const PROMPT: ReadonlySet<Topic> = new Set(['engine', 'exchange', 'listing', 'jobs', 'deployments'])

export interface LiveVenue {
  context: Pick<VenueContext, 'venueId' | 'driver' | 'realm' | 'unit' | 'venue'>
  jobs: { live(): LiveJob[] }
  listings: { all(): Listing[] }
}

export interface LiveDeps {
  venues: readonly LiveVenue[]
  watts(): MeasuredValue | null
  /** What is in memory or should be, each with its engine's state. */
  engines(): EngineView[]
}

type LiveListing = Live['venues'][number]['listing']

function listingState(listings: readonly Listing[]): LiveListing {
  if (listings.some(({ state }) => state === 'listed')) return 'listed'
  if (listings.some(({ state }) => state === 'waiting' || state === 'refused')) return 'waiting'
  return listings.length > 0 ? 'paused' : 'none'
}

function venueNow({ context: { venueId, venue }, listings }: LiveVenue): Live['venues'][number] {
  const state = venue.state()
  return {
    venueId,
    kind: state.kind,
    lastSeenAt: venue.lastSeenAt(),
    detail: state.kind === 'offline' ? state.reason : null,
    cause: state.kind === 'offline' ? state.cause : null,
    listing: listingState(listings.all()),
  }
}

export function liveNow({ clock }: Pick<CoreContext, 'clock'>, deps: LiveDeps): Live {
  const running = deps.venues.flatMap(({ jobs }) => jobs.live()).slice(0, RUNNING_MAX)
  return {
    at: clock.now(),
    engine: summarise(deps.engines()),
    venues: deps.venues.map(venueNow),
    tokPerS: running.reduce((sum, job) => sum + (job.tokPerS ?? 0), 0),
    running,
    watts: deps.watts(),
  }
}

/**
 * Emits at once, every second while something runs, every 5 s otherwise, and soon after a change; ends with the signal.
 */
export function liveStream(
  context: CoreContext,
  deps: LiveDeps,
): (signal: AbortSignal | undefined) => AsyncGenerator<Live> {
  const { clock, events } = context
  let streams = 0
  return async function* stream(signal) {
    if (streams >= STREAMS_MAX) throw fail('live.full', { max: STREAMS_MAX })
    streams += 1
    const gone = (): boolean => signal?.aborted === true
    let wake: () => void = () => undefined
    let changed = false
    const off = events.on((topic) => {
      if (!PROMPT.has(topic)) return
      changed = true
      wake()
    })
    const onAbort = (): void => wake()
    signal?.addEventListener('abort', onAbort, { once: true })
    const pause = async (ms: number, untilChange: boolean): Promise<void> => {
      const cancelled = new AbortController()
      const woken = new Promise<void>((resolve) => {
        wake = () => (untilChange || gone() ? resolve() : undefined)
        if ((untilChange && changed) || gone()) resolve()
      })
      await Promise.race([woken, clock.sleep(ms, { signal: cancelled.signal, unref: true }).catch(() => undefined)])
      cancelled.abort()
    }
    try {
      while (!gone()) {
        changed = false
        const live = liveNow(context, deps)
        yield live
        await pause(GAP_MS, false)
        await pause((live.running.length > 0 ? BUSY_EVERY_MS : IDLE_EVERY_MS) - GAP_MS, true)
      }
    } finally {
      streams -= 1
      off()
      signal?.removeEventListener('abort', onAbort)
    }
  }
}
