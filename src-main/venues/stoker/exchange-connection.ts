/** One WebSocket to the exchange: handshake, envelopes, heartbeat; ends with a reason. It knows nothing of retries. */
import WebSocketClient from 'ws'
import type { z } from 'zod'

import { StokerError } from '#contract/errors.ts'
import { because, checkedReason, type Reason, said } from '#contract/reasons.ts'
import {
  envelope,
  exchangeFrame,
  FRAME_BYTES_MAX,
  handshakeFromExchange,
  type challengeFrame,
  type Envelope,
  type ExchangeFrame,
  type SupplierFrame,
  type welcomeFrame,
} from '#contract/supplier.ts'
import type { Clock } from '#contract/time.ts'
import type { SigningKey } from '#lib/ed25519.ts'
import { every } from '#lib/every.ts'
import type { Log } from '#lib/log.ts'

import { boundedFrame, boundedTiming, holdsTooLong } from './exchange-bounds.ts'
import { SupplierSession } from './supplier-session.ts'

export type Welcome = z.infer<typeof welcomeFrame>
type Challenge = z.infer<typeof challengeFrame>
export type WebSocketConstructor = typeof WebSocketClient

const HANDSHAKE_MS = 10_000
const MISSED_HEARTBEATS_MAX = 3
/**
 * Bytes handed to the socket and not yet sent; beyond it the exchange has stopped reading and the connection is given
 * up.
 */
const BUFFERED_BYTES_MAX = 64 * 1_048_576

export interface ExchangeConnectionDeps {
  url: string
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
  onWelcome(welcome: Welcome, session: SupplierSession, exchange: Challenge['exchange']): void
  onFrame(frame: ExchangeFrame): void
  onSeen(): void
  /** Exactly once. `refused` when the exchange said no in the handshake. */
  onEnd(end: { reason: Reason; refused: boolean }): void
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
    this.#socket.on('error', (error) => this.#end(connectReason(error)))
    this.#socket.on('close', (code) => this.#end(because('line.closed', { code })))
    options.clock.sleep(HANDSHAKE_MS, { signal: this.#ended.signal, unref: true }).then(
      () => (this.#session === null ? this.#end(because('line.noGreeting')) : undefined),
      () => undefined,
    )
  }

  /**
   * Sends now when the handshake is done; otherwise the frame waits in the session's buffer for the resume. Throws
   * UNAVAILABLE when that is full.
   */
  send(session: SupplierSession, frame: SupplierFrame): void {
    let value: Envelope
    try {
      value = session.push(frame)
    } catch (error) {
      this.#end(because('line.noAcknowledgement'))
      throw error
    }
    if (this.#session === session) this.#write(value)
  }

  /** Asked for by its owner. */
  close(): void {
    this.#end(because('line.stopped'))
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
      this.#end(because('line.malformed'))
    }
  }

  #onHandshake(value: unknown): void {
    const frame = handshakeFromExchange.parse(value)
    const { pinnedKey } = this.#options
    if (frame.t === 'refused') this.#end(checkedReason(frame.error.reason) ?? said(frame.error.message), true)
    else if (frame.t === 'challenge' && this.#challenge === null) {
      if (pinnedKey !== null && frame.exchange !== pinnedKey) return this.#end(because('line.otherKey'), true)
      if (frame.protocol !== 1) return this.#end(because('line.protocol', { theirs: frame.protocol }), true)
      this.#challenge = frame
      this.#write(hello(frame, this.#options))
    } else if (frame.t === 'welcome' && this.#challenge !== null) this.#onWelcome(frame, this.#challenge)
    else this.#end(because('line.unexpectedFrame', { frame: frame.t }))
  }

  #onWelcome(named: Welcome, challenge: Challenge): void {
    if (holdsTooLong(named)) return this.#end(because('line.holdTooLong'), true)
    const frame = boundedTiming(named)
    const { previous } = this.#options
    const resumed = frame.resumed && previous !== null && previous.id === frame.session
    const session = resumed ? previous : new SupplierSession(frame.session)
    this.#session = session
    if (resumed) for (const waiting of session.resend(frame.received)) this.#write(waiting)
    this.#options.onWelcome(frame, session, challenge.exchange)
    this.#heartbeat(frame.heartbeatMs, session)
  }

  #onEnvelope(session: SupplierSession, value: unknown): void {
    const parsed = envelope.parse(value)
    const verdict = session.accept(parsed)
    if (verdict === 'gap') return this.#end(because('line.frameMissing'))
    if (verdict === 'seen') return
    const frame = exchangeFrame.safeParse(parsed.frame)
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
      if (this.#missed > MISSED_HEARTBEATS_MAX) this.#end(because('line.silent'))
      else this.#write(session.push({ t: 'ping', n }))
    }
    every(this.#options.clock, everyMs, beat, {
      onError: (error) => this.#end(error instanceof StokerError ? error.reason : because('line.bufferFull')),
      signal: this.#ended.signal,
    })
  }

  #write(value: unknown): void {
    const socket = this.#socket
    if (socket.readyState !== socket.OPEN) return
    if (socket.bufferedAmount > BUFFERED_BYTES_MAX) this.#end(because('line.notReading'))
    else socket.send(JSON.stringify(value))
  }

  #end(reason: Reason, refused = false): void {
    if (this.#ended.signal.aborted) return
    this.#ended.abort()
    this.#socket.terminate()
    this.#options.onEnd({ reason, refused })
  }
}

function hello(challenge: Challenge, { key, name, client, previous }: ExchangeConnectionDeps): unknown {
  const sig = key.sign(`stoker-supplier-v1\n${challenge.nonce}\n${challenge.exchange}\n${key.publicKey}`)
  const resume = previous === null ? {} : { resume: { session: previous.id, received: previous.received } }
  return { t: 'hello', protocol: 1, supplier: key.publicKey, sig, name, client, ...resume }
}

function connectReason(error: Error): Reason {
  const { code } = error as NodeJS.ErrnoException
  if (code === 'ECONNREFUSED') return because('line.nothingAnswers')
  if (code === 'ENOTFOUND') return because('line.nameUnknown')
  return code === undefined ? because('line.failed') : because('line.failedWith', { error: code })
}
