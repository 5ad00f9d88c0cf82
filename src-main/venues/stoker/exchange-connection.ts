/** One WebSocket to the exchange: handshake, envelopes, heartbeat; ends with a reason. It knows nothing of retries. */
import WebSocketClient from 'ws'

import { StokerError, type ErrorData } from '#contract/errors.ts'
import { because, checkedReason, type Reason, said } from '#contract/reasons.ts'
import { envelope, exchangeFrame, FRAME_BYTES_MAX, type ExchangeFrame, type SupplierFrame } from '#contract/supplier.ts'
import {
  exchangeFrameV2,
  type ExchangeFrameV2,
  type SupplierFrameV2,
  WINDOW_BYTES_MAX,
  type SupplierProtocol,
} from '#contract/supplier-v2.ts'
import { EPOCH_MAX } from '#contract/supplier-v2.ts'
import { isSignedTime, type Clock } from '#contract/time.ts'
import type { SigningKey } from '#lib/ed25519.ts'
import { every } from '#lib/every.ts'
import type { Log } from '#lib/log.ts'

import {
  greetingOf,
  helloOf,
  parseHandshake,
  welcomeProblem,
  type Challenge,
  type Greeting,
} from './supplier-handshake.ts'
import { boundedFrame, boundedTiming, holdsTooLong } from './exchange-bounds.ts'
import { SupplierSession } from './supplier-session.ts'

export type WebSocketConstructor = typeof WebSocketClient

const HANDSHAKE_MS = 10_000
const MISSED_HEARTBEATS_MAX = 3
/** However seldom the exchange wants to hear of us. */
const HEARTBEAT_MAX_MS = 60_000
/**
 * Bytes handed to the socket and not yet sent; beyond it the exchange has stopped reading and the connection is given
 * up.
 */
const BUFFERED_BYTES_MAX = 64 * 1_048_576

/** How a connection came to its end. */
/** What another exchange says is believed within bounds only. */
const isEpoch = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= EPOCH_MAX

export interface ConnectionEnd {
  reason: Reason
  /** The exchange, or what it showed, was refused in the handshake: another attempt at once would end the same way. */
  refused: boolean
  /** The path of this version is not known there. */
  pathUnknown?: true
  /** Another start of Stoker has the key: the epoch that stands at the exchange. */
  keyAt?: number
}

export interface ExchangeConnectionDeps {
  url: string
  protocol: SupplierProtocol
  /** This start among those that used the key. */
  start: { epoch: number; instance: string; takeover: boolean }
  key: SigningKey
  name: string
  client: string
  clock: Clock
  log: Log
  WebSocket: WebSocketConstructor
  /** The exchange's key where it is known; another one is refused. */
  pinnedKey: string | null
  /** The session to resume, if any. */
  previous: SupplierSession | null
  onWelcome(greeting: Greeting, session: SupplierSession, exchange: Challenge['exchange']): void
  /** In the frames of the session's version. */
  onFrame(frame: ExchangeFrame | ExchangeFrameV2): void
  onSeen(): void
  /** Exactly once. */
  onEnd(end: ConnectionEnd): void
}

/**
 * Opens the socket at once; every outcome arrives through `onWelcome` and `onEnd`. The constructor throws SyntaxError
 * for what is no WebSocket address.
 */
export class ExchangeConnection {
  readonly #options: ExchangeConnectionDeps
  readonly #socket: WebSocketClient
  readonly #ended = new AbortController()
  #challenge: Challenge | null = null
  #ownNonce = ''
  #session: SupplierSession | null = null
  #missed = 0

  constructor(options: ExchangeConnectionDeps) {
    this.#options = options
    this.#socket = new options.WebSocket(options.url, {
      maxPayload: FRAME_BYTES_MAX,
      handshakeTimeout: HANDSHAKE_MS,
      perMessageDeflate: false,
    })
    this.#socket.on('message', (data, isBinary) => this.#onMessage(data as Buffer, isBinary))
    this.#socket.on('error', (error) => this.#end(connectEnd(error)))
    this.#socket.on('close', (code) => this.#end({ reason: because('line.closed', { code }), refused: false }))
    options.clock.sleep(HANDSHAKE_MS, { signal: this.#ended.signal, unref: true }).then(
      () => (this.#session === null ? this.#endFor(because('line.noGreeting')) : undefined),
      () => undefined,
    )
  }

  /**
   * Sends now when the handshake is done; otherwise the frame waits in the session's buffer for the resume. Throws
   * UNAVAILABLE when that is full.
   */
  send(session: SupplierSession, frame: SupplierFrame | SupplierFrameV2): void {
    let value: string
    try {
      value = session.push(frame)
    } catch (error) {
      this.#endFor(because('line.noAcknowledgement'))
      throw error
    }
    if (this.#session === session) this.#write(value)
  }

  /** Asked for by its owner. */
  close(): void {
    this.#endFor(because('line.stopped'))
  }

  #onMessage(data: Buffer, isBinary: boolean): void {
    if (this.#ended.signal.aborted) return
    this.#missed = 0
    this.#options.onSeen()
    try {
      if (isBinary) throw new Error('binary frame')
      const value: unknown = JSON.parse(data.toString('utf8'))
      if (this.#session === null) this.#onHandshake(value)
      else this.#onEnvelope(this.#session, value)
    } catch (error) {
      // The text of a frame may hold a buyer's prompt, so only the kind of failure is logged.
      this.#options.log.warn(
        { kind: error instanceof Error ? error.name : 'unknown' },
        'the exchange sent something malformed',
      )
      this.#endFor(because('line.malformed'))
    }
  }

  #onHandshake(value: unknown): void {
    const { protocol, pinnedKey, key } = this.#options
    const frame = parseHandshake(protocol, value)
    if (frame.t === 'refused') return this.#onRefused(frame.error)
    if (frame.t === 'challenge' && this.#challenge === null) {
      if (pinnedKey !== null && frame.exchange !== pinnedKey)
        return this.#endFor(because('line.otherKey', { known: pinnedKey, shown: frame.exchange }), true)
      if (frame.protocol !== protocol) return this.#endFor(because('line.protocol', { theirs: frame.protocol }), true)
      this.#challenge = frame
      return this.#hello(frame)
    }
    if (frame.t !== 'welcome' || this.#challenge === null)
      return this.#endFor(because('line.unexpectedFrame', { frame: frame.t }))
    const own = { supplier: key.publicKey, ownNonce: this.#ownNonce }
    const problem = welcomeProblem(value, frame, this.#challenge, own)
    if (problem !== null) return this.#endFor(problem, true)
    this.#onWelcome(greetingOf(frame), this.#challenge)
  }

  #hello(challenge: Challenge): void {
    const { protocol, key, name, client, clock, previous, start } = this.#options
    // Nothing is signed that could not be read.
    if (!isSignedTime(clock.now())) return this.#endFor(because('clock.outOfRange', { at: clock.now() }), true)
    const resumable = previous !== null && previous.protocol === protocol
    const resume = resumable ? { session: previous.id, received: previous.received } : null
    const { hello, ownNonce } = helloOf(protocol, challenge, { key, name, client, now: clock.now(), ...start, resume })
    this.#ownNonce = ownNonce
    this.#write(JSON.stringify(hello))
  }

  #onRefused({ message, data, reason }: { message: string; data: ErrorData; reason?: unknown }): void {
    const epoch = data['epoch']
    const why = checkedReason(reason) ?? said(message)
    this.#end({ reason: why, refused: true, ...(isEpoch(epoch) ? { keyAt: epoch } : {}) })
  }

  #onWelcome(named: Greeting, challenge: Challenge): void {
    if (holdsTooLong(named.terms)) return this.#endFor(because('line.holdTooLong'), true)
    const greeting = boundedTiming(named)
    const { previous } = this.#options
    const resumed = greeting.resumed && previous !== null && previous.id === greeting.session
    const session = resumed
      ? previous
      : new SupplierSession(greeting.session, greeting.protocol, greeting.windowBytes ?? WINDOW_BYTES_MAX)
    this.#session = session
    if (resumed) for (const waiting of session.resend(greeting.received)) this.#write(waiting)
    this.#options.onWelcome(greeting, session, challenge.exchange)
    this.#heartbeat(greeting.heartbeatMs, session)
  }

  #onEnvelope(session: SupplierSession, value: unknown): void {
    const parsed = envelope.parse(value)
    const verdict = session.accept(parsed)
    if (verdict === 'gap') return this.#endFor(because('line.frameMissing'))
    if (verdict === 'seen') return
    const frame = (session.protocol === 1 ? exchangeFrame : exchangeFrameV2).safeParse(parsed.frame)
    if (frame.success) this.#options.onFrame(boundedFrame(frame.data))
    else
      this.#options.log.warn(
        { issues: frame.error.issues.slice(0, 3).map(({ path, code }) => ({ path, code })) },
        'a frame of the exchange was not understood',
      )
    const ack = session.dueAck()
    if (ack !== null) this.#write(ack)
  }

  #heartbeat(everyMs: number, session: SupplierSession): void {
    let n = 0
    const beat = (): void => {
      n += 1
      this.#missed += 1
      if (this.#missed > MISSED_HEARTBEATS_MAX) this.#endFor(because('line.silent'))
      else this.#write(session.push({ t: 'ping', n }))
    }
    every(this.#options.clock, Math.min(everyMs, HEARTBEAT_MAX_MS), beat, {
      onError: (error) => this.#endFor(error instanceof StokerError ? error.reason : because('line.bufferFull')),
      signal: this.#ended.signal,
    })
  }

  #write(text: string): void {
    const socket = this.#socket
    if (socket.readyState !== socket.OPEN) return
    if (socket.bufferedAmount > BUFFERED_BYTES_MAX) this.#endFor(because('line.notReading'))
    else socket.send(text)
  }

  #endFor(reason: Reason, refused = false): void {
    this.#end({ reason, refused })
  }

  #end(end: ConnectionEnd): void {
    if (this.#ended.signal.aborted) return
    this.#ended.abort()
    this.#socket.terminate()
    this.#options.onEnd(end)
  }
}

/** How `ws` words an answer that is no upgrade; an exchange of before version 2 does not know its path. */
const NO_SUCH_PATH = /^Unexpected server response: (400|404|426)$/

function connectEnd(error: Error): ConnectionEnd {
  const { code, message } = error as NodeJS.ErrnoException
  const end = { refused: false }
  if (NO_SUCH_PATH.test(message)) return { ...end, reason: because('line.pathUnknown'), pathUnknown: true }
  if (code === 'ECONNREFUSED') return { ...end, reason: because('line.nothingAnswers') }
  if (code === 'ENOTFOUND') return { ...end, reason: because('line.nameUnknown') }
  return { ...end, reason: code === undefined ? because('line.failed') : because('line.failedWith', { error: code }) }
}
