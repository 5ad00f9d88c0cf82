/**
 * The supplier's side of our own exchange, embedded or remote: keeps one connection alive, resumes its session, and
 * reports what state it is in.
 */
import { randomBytes } from 'node:crypto'

import WebSocketClient from 'ws'

import { fail } from '#contract/errors.ts'
import { because, type Reason } from '#contract/reasons.ts'
import type { PublicKey } from '#contract/ids.ts'
import type { ExchangeFrame, SupplierFrame } from '#contract/supplier.ts'
import {
  CLOCKS_APART_SAID_MS,
  type ChainHeads,
  type ExchangeFrameV2,
  type SupplierFrameV2,
  type SupplierProtocol,
} from '#contract/supplier-v2.ts'
import { DAY_MS, type Clock } from '#contract/time.ts'
import type { VenueEvent } from '#core/venues/venue-events.ts'
import type { VenueMemory, VenuePort, VenueState, VenueVerbs } from '#core/venues/venue.port.ts'
import { backoffMs } from '#lib/backoff.ts'
import type { SigningKey } from '#lib/ed25519.ts'
import type { Log } from '#lib/log.ts'

import { NoticeBound } from './exchange-bounds.ts'
import { addressFor, addressProblem, isLocal } from './address.ts'
import { ExchangeConnection, type ConnectionEnd, type WebSocketConstructor } from './exchange-connection.ts'
import type { Greeting } from './supplier-handshake.ts'
import { eventOf, STOKER_CAPABILITIES, stokerVerbs } from './stoker-frames.ts'
import { eventOfV2, refusalOf, stokerVerbsV2 } from './stoker-frames-v2.ts'
import type { SupplierSession } from './supplier-session.ts'

export interface StokerVenueOptions {
  /**
   * ws:// or wss:// address with its path, or null while it is not known. The embedded exchange restarts on another
   * port, so it is asked before every attempt.
   */
  url: string | (() => string | null)
  /** Why it is not known: what the one who keeps an embedded exchange knows of it. */
  whyNoUrl?: () => Reason | null
  key: SigningKey
  /** The rig's name, shown to the exchange; asked at every connection, since the owner may change it. */
  name: string | (() => string)
  clock: Clock
  log: Log
  client?: string
  /** The exchange's public key where somebody else than the exchange says it; it must be the pinned one as well. */
  exchangeKey?: () => string | null
  /** What is kept between starts; without it nothing is pinned, and every start is the first. */
  memory?: VenueMemory
  WebSocket?: WebSocketConstructor
  /** Uniform on [0, 1), for the back-off's jitter. */
  random?: () => number
}

/** How often a wait looks whether the address changed. */
const URL_CHECK_MS = 250
/** Attempts after a refusal in the handshake wait the longest at once. */
const REFUSED_ATTEMPT = 20
/** While another start of Stoker has the key: the owner ends it, by taking over or by a start. */
const KEY_ELSEWHERE_MS = 365 * DAY_MS

interface End extends ConnectionEnd {
  welcomed: boolean
}

/** For tools and tests: the first start of a rig that will not start again. */
function noMemory(): VenueMemory {
  let pinned: PublicKey | null = null
  let epoch = 1
  return {
    pinnedKey: () => pinned,
    pin: (key) => void (pinned ??= key),
    epoch: () => epoch,
    standsAt: (standing) => void (epoch = Math.max(epoch, standing)),
    instance: randomBytes(16).toString('base64url'),
  }
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
  readonly #memory: VenueMemory
  /** Version of the next attempt: 2, and 1 where the path of 2 is not known on this machine. */
  #protocol: SupplierProtocol = 2
  /** The owner said that this rig has the key. */
  #takeover = false
  /** Ends the wait for the next attempt. */
  #wake: () => void = () => undefined

  constructor(options: StokerVenueOptions) {
    this.#options = options
    this.#notices = new NoticeBound(options.clock.mono())
    this.#memory = options.memory ?? noMemory()
  }

  /** Of the session there is, or was last. */
  protocol(): SupplierProtocol {
    return this.#session?.protocol ?? 2
  }

  takeOver(): void {
    this.#takeover = true
    this.#wake()
  }

  retry(): void {
    this.#wake()
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

  send(frame: SupplierFrame | SupplierFrameV2): void {
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
      let end: Pick<End, 'reason' | 'keyAt'> = {
        reason: this.#options.whyNoUrl?.() ?? because('line.noAddress'),
      }
      if (target !== null) {
        this.#setState({ kind: 'connecting', attempt: failures + 1 })
        const ended = await this.#attemptAt(target, signal)
        if (signal.aborted) return
        // The other version at once: this one is not spoken there.
        if (ended === 'other-version') continue
        end = ended
        failures = ended.welcomed ? 0 : ended.refused ? REFUSED_ATTEMPT : failures + 1
      }
      if (signal.aborted) return
      // Another start has the key: coming again by ourselves would put it off in turn, for ever.
      const ms = end.keyAt === undefined ? backoffMs(failures, random) : KEY_ELSEWHERE_MS
      const cause = end.keyAt === undefined ? 'network' : 'credential'
      this.#setState({ kind: 'offline', reason: end.reason, retryAt: clock.now() + ms, cause })
      await this.#wait(ms, target, signal)
    }
  }

  /** One attempt, where the address may be spoken to. */
  async #attemptAt(target: string, signal: AbortSignal): Promise<End | 'other-version'> {
    const bad: End = { welcomed: false, refused: true, reason: because('line.badAddress') }
    const protocol = this.#protocol
    this.#protocol = 2
    try {
      const problem = addressProblem(target)
      if (problem !== null) return { ...bad, reason: problem }
      const end = await this.#attempt(addressFor(target, protocol), protocol, signal)
      if (end.pathUnknown !== true || protocol === 1) return end
      if (!isLocal(target)) return { ...bad, reason: because('line.protocolOlder') }
      this.#protocol = 1
      return 'other-version'
    } catch (error) {
      if (error instanceof SyntaxError || error instanceof TypeError) return bad
      // What is kept between starts cannot be read or written, a full disk perhaps: it is tried again.
      this.#options.log.error({ err: error }, 'the connection to the exchange could not be begun')
      return { welcomed: false, refused: false, reason: because('line.failed') }
    }
  }

  /** One connection from attempt to end. */
  #attempt(url: string, protocol: SupplierProtocol, signal: AbortSignal): Promise<End> {
    const { key, name, client = 'stoker', clock, log, WebSocket = WebSocketClient, exchangeKey } = this.#options
    const memory = this.#memory
    return new Promise((resolve) => {
      let welcomed = false
      const onAbort = (): void => connection.close()
      const connection = new ExchangeConnection({
        url,
        protocol,
        start: { epoch: memory.epoch(), instance: memory.instance, takeover: this.#takeover },
        key,
        name: typeof name === 'string' ? name : name(),
        client,
        clock,
        log,
        WebSocket,
        pinnedKey: memory.pinnedKey() ?? exchangeKey?.() ?? null,
        previous: this.#liveSession(),
        onWelcome: (greeting, session, exchange) => {
          welcomed = true
          this.#onWelcome(greeting, session, exchange)
        },
        onFrame: (frame) => this.#onFrame(frame),
        onSeen: () => {
          this.#seenAt = clock.now()
        },
        onEnd: (end) => {
          signal.removeEventListener('abort', onAbort)
          this.#connection = null
          if (welcomed) this.#droppedAt = clock.mono()
          const dropped = this.#notices.takeDropped()
          if (dropped > 0) log.warn({ dropped }, 'the exchange sent more notices than anybody reads')
          resolve({ ...end, welcomed })
        },
      })
      this.#connection = connection
      signal.addEventListener('abort', onAbort, { once: true })
    })
  }

  /** Waits, but no longer than until the address changes or somebody asks for an attempt. */
  async #wait(ms: number, from: string | null, signal: AbortSignal): Promise<void> {
    const { clock } = this.#options
    const until = clock.mono() + ms
    const waking = new AbortController()
    this.#wake = () => waking.abort()
    const either = AbortSignal.any([signal, waking.signal])
    while (!either.aborted && clock.mono() < until && this.#url() === from)
      await clock
        .sleep(Math.min(URL_CHECK_MS, until - clock.mono()), { signal: either, unref: true })
        .catch(() => undefined)
    this.#wake = () => undefined
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

  #onWelcome(greeting: Greeting, session: SupplierSession, exchange: PublicKey): void {
    const { clock } = this.#options
    const fresh = session !== this.#session
    this.#session = session
    this.#resumeWithinMs = greeting.resumeWithinMs
    this.#takeover = false
    this.#guard(() => {
      this.#memory.pin(exchange)
      if (greeting.epoch !== null) this.#memory.standsAt(greeting.epoch)
    }, 'welcome')
    const heads: ChainHeads | null = greeting.heads
    this.#setState({
      kind: 'online',
      since: clock.now(),
      fresh,
      terms: { ...greeting.terms, exchange },
      heads,
      clockApartMs: clock.now() - greeting.time,
    })
  }

  #setState(state: VenueState): void {
    this.#state = state
    for (const listener of this.#stateListeners) this.#guard(() => listener(state), 'state')
  }

  #onFrame(frame: ExchangeFrame | ExchangeFrameV2): void {
    if (!this.#notices.lets(frame, this.#options.clock.mono())) return
    if (frame.t === 'pong') this.#seeClock(frame.time)
    const isOld = this.#session?.protocol === 1
    if (!isOld && frame.t === 'job') {
      const refusal = refusalOf(frame as Extract<ExchangeFrameV2, { t: 'job' }>)
      if (refusal !== null) return this.send(refusal)
    }
    const event = isOld ? eventOf(frame as ExchangeFrame) : eventOfV2(frame as ExchangeFrameV2)
    if (event !== null) for (const listener of this.#eventListeners) this.#guard(() => listener(event), frame.t)
  }

  /** A clock that was set meanwhile, here or there. */
  #seeClock(time: number): void {
    const state = this.#state
    if (state.kind !== 'online') return
    const clockApartMs = this.#options.clock.now() - time
    const before = state.clockApartMs ?? 0
    const isApart = (ms: number): boolean => Math.abs(ms) > CLOCKS_APART_SAID_MS
    if (Math.abs(clockApartMs - before) > CLOCKS_APART_SAID_MS || isApart(clockApartMs) !== isApart(before))
      this.#setState({ ...state, fresh: false, clockApartMs })
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
  const [old, verbs] = [stokerVerbs((frame) => link.send(frame)), stokerVerbsV2((frame) => link.send(frame))]
  const spoken = (): VenueVerbs => (link.protocol() === 1 ? old : verbs)
  return {
    capabilities: STOKER_CAPABILITIES,
    declare: (offer) => spoken().declare(offer),
    withdraw: (instrument) => spoken().withdraw(instrument),
    accept: (jobId) => spoken().accept(jobId),
    refuse: (jobId, error) => spoken().refuse(jobId, error),
    text: (jobId, text) => spoken().text(jobId, text),
    done: (work) => spoken().done(work),
    failed: (jobId, error) => spoken().failed(jobId, error),
    reconcile: (request) => spoken().reconcile(request),
    startExam: (application) => spoken().startExam(application),
    cancelExam: (examId) => spoken().cancelExam(examId),
    takeOver: () => link.takeOver(),
    retry: () => link.retry(),
    state: () => link.state(),
    lastSeenAt: () => link.lastSeenAt(),
    onState: (listener) => link.onState(listener),
    onEvent: (listener) => link.onEvent(listener),
    start: () => link.start(),
    stop: () => link.stop(),
  }
}
