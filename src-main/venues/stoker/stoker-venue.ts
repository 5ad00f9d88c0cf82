/**
 * The supplier's side of our own exchange, embedded or remote: keeps one connection alive, resumes its session, and
 * reports what state it is in.
 */
import WebSocketClient from 'ws'

import { fail } from '#contract/errors.ts'
import { because, type Reason } from '#contract/reasons.ts'
import type { PublicKey } from '#contract/ids.ts'
import type { ExchangeFrame, SupplierFrame } from '#contract/supplier.ts'
import type { Clock } from '#contract/time.ts'
import type { VenueEvent } from '#core/venues/venue-events.ts'
import type { VenuePort, VenueState } from '#core/venues/venue.port.ts'
import { backoffMs } from '#lib/backoff.ts'
import type { SigningKey } from '#lib/ed25519.ts'
import type { Log } from '#lib/log.ts'

import { ExchangeConnection, type Welcome, type WebSocketConstructor } from './exchange-connection.ts'
import { NoticeBound } from './exchange-bounds.ts'
import { eventOf, STOKER_CAPABILITIES, stokerVerbs } from './stoker-frames.ts'
import type { SupplierSession } from './supplier-session.ts'

export interface StokerVenueOptions {
  /**
   * ws:// or wss:// address with its path, or null while it is not known. The embedded exchange restarts on another
   * port, so it is asked before every attempt.
   */
  url: string | (() => string | null)
  key: SigningKey
  /** The rig's name, shown to the exchange; asked at every connection, since the owner may change it. */
  name: string | (() => string)
  clock: Clock
  log: Log
  client?: string
  /** The exchange's public key where it is known. */
  exchangeKey?: () => string | null
  WebSocket?: WebSocketConstructor
  /** Uniform on [0, 1), for the back-off's jitter. */
  random?: () => number
}

/** How often a wait looks whether the address changed. */
const URL_CHECK_MS = 250
/** Attempts after a refusal in the handshake wait the longest at once. */
const REFUSED_ATTEMPT = 20

interface End {
  welcomed: boolean
  refused: boolean
  reason: Reason
}

/** The connection and its session; the verbs are stoker-frames.ts. */
class StokerLink {
  readonly #options: StokerVenueOptions
  readonly #stateListeners = new Set<(state: VenueState) => void>()
  readonly #eventListeners = new Set<(event: VenueEvent) => void>()
  #state: VenueState = { kind: 'stopped' }
  #seenAt: number | null = null
  #connection: ExchangeConnection | null = null
  #session: SupplierSession | null = null
  #resumeWithinMs = 0
  #droppedAt = 0
  readonly #notices: NoticeBound
  #running: { stopping: AbortController; done: Promise<void> } | null = null

  constructor(options: StokerVenueOptions) {
    this.#options = options
    this.#notices = new NoticeBound(options.clock.mono())
  }

  state(): VenueState {
    return this.#state
  }

  lastSeenAt(): number | null {
    return this.#seenAt
  }

  onState(listener: (state: VenueState) => void): () => void {
    this.#stateListeners.add(listener)
    return () => this.#stateListeners.delete(listener)
  }

  onEvent(listener: (event: VenueEvent) => void): () => void {
    this.#eventListeners.add(listener)
    return () => this.#eventListeners.delete(listener)
  }

  send(frame: SupplierFrame): void {
    const session = this.#liveSession()
    if (session === null) throw fail('venue.offline')
    try {
      if (this.#connection === null) session.push(frame)
      else this.#connection.send(session, frame)
    } catch (error) {
      // A full buffer: this session can no longer be resumed without loss, and `sync` mends what it carried.
      this.#session = null
      throw fail('venue.unacknowledged', {}, { cause: error })
    }
  }

  start(): void {
    if (this.#running !== null) return
    const stopping = new AbortController()
    this.#running = { stopping, done: this.#loop(stopping.signal) }
  }

  async stop(): Promise<void> {
    if (this.#running === null) return
    const { stopping, done } = this.#running
    this.#running = null
    stopping.abort()
    await done
    this.#session = null
    this.#setState({ kind: 'stopped' })
  }

  async #loop(signal: AbortSignal): Promise<void> {
    const { clock, random = Math.random } = this.#options
    for (let failures = 0; !signal.aborted;) {
      const target = this.#url()
      let reason = because('line.noAddress')
      if (target !== null) {
        this.#setState({ kind: 'connecting', attempt: failures + 1 })
        const end = await this.#attempt(target, signal).catch((): End => ({
          welcomed: false,
          refused: true,
          reason: because('line.badAddress'),
        }))
        reason = end.reason
        failures = end.welcomed ? 0 : end.refused ? REFUSED_ATTEMPT : failures + 1
      }
      if (signal.aborted) return
      const ms = backoffMs(failures, random)
      this.#setState({ kind: 'offline', reason, retryAt: clock.now() + ms, cause: 'network' })
      await this.#wait(ms, target, signal).catch(() => undefined)
    }
  }

  /** One connection from attempt to end. */
  #attempt(target: string, signal: AbortSignal): Promise<End> {
    const { key, name, client = 'stoker', clock, log, WebSocket = WebSocketClient, exchangeKey } = this.#options
    return new Promise((resolve) => {
      let welcomed = false
      const onAbort = (): void => connection.close()
      const connection = new ExchangeConnection({
        url: target,
        key,
        name: typeof name === 'string' ? name : name(),
        client,
        clock,
        log,
        WebSocket,
        pinnedKey: exchangeKey?.() ?? null,
        previous: this.#liveSession(),
        onWelcome: (welcome, session, exchange) => {
          welcomed = true
          this.#onWelcome(welcome, session, exchange)
        },
        onFrame: (frame) => this.#onFrame(frame),
        onSeen: () => {
          this.#seenAt = clock.now()
        },
        onEnd: ({ reason, refused }) => {
          signal.removeEventListener('abort', onAbort)
          this.#connection = null
          if (welcomed) this.#droppedAt = clock.mono()
          const dropped = this.#notices.takeDropped()
          if (dropped > 0) log.warn({ dropped }, 'the exchange sent more notices than anybody reads')
          resolve({ welcomed, refused, reason })
        },
      })
      this.#connection = connection
      signal.addEventListener('abort', onAbort, { once: true })
    })
  }

  /** Waits, but no longer than until the address changes. */
  async #wait(ms: number, from: string | null, signal: AbortSignal): Promise<void> {
    const { clock } = this.#options
    const until = clock.mono() + ms
    while (clock.mono() < until && this.#url() === from)
      await clock.sleep(Math.min(URL_CHECK_MS, until - clock.mono()), { signal, unref: true })
  }

  #url(): string | null {
    const { url } = this.#options
    return typeof url === 'string' ? url : url()
  }

  /** The session is forgotten once the exchange cannot resume it any more. */
  #liveSession(): SupplierSession | null {
    if (
      this.#session !== null &&
      this.#connection === null &&
      this.#options.clock.mono() - this.#droppedAt > this.#resumeWithinMs
    )
      this.#session = null
    return this.#session
  }

  #onWelcome(welcome: Welcome, session: SupplierSession, exchange: PublicKey): void {
    const fresh = session !== this.#session
    this.#session = session
    this.#resumeWithinMs = welcome.resumeWithinMs
    const { realm, currency, feeBps, holdMs, specs } = welcome
    this.#setState({
      kind: 'online',
      since: this.#options.clock.now(),
      fresh,
      terms: { realm, unit: currency, feeBps, holdMs, specs, exchange },
    })
  }

  #setState(state: VenueState): void {
    this.#state = state
    for (const listener of this.#stateListeners) this.#guard(() => listener(state), 'state')
  }

  #onFrame(frame: ExchangeFrame): void {
    if (!this.#notices.lets(frame, this.#options.clock.mono())) return
    const event = eventOf(frame)
    if (event !== null) for (const listener of this.#eventListeners) this.#guard(() => listener(event), frame.t)
  }

  #guard(work: () => void, what: string): void {
    try {
      work()
    } catch (error) {
      this.#options.log.error({ err: error, what }, 'handling what the exchange sent failed')
    }
  }
}

/** The driver; it connects once started. */
export function createStokerVenue(options: StokerVenueOptions): VenuePort {
  const link = new StokerLink(options)
  return {
    capabilities: STOKER_CAPABILITIES,
    ...stokerVerbs((frame) => link.send(frame)),
    state: () => link.state(),
    lastSeenAt: () => link.lastSeenAt(),
    onState: (listener) => link.onState(listener),
    onEvent: (listener) => link.onEvent(listener),
    start: () => link.start(),
    stop: () => link.stop(),
  }
}
