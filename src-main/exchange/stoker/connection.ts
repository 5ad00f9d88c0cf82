/** One WebSocket to the exchange: handshake, envelopes, heartbeat; ends with a reason. It knows nothing of retries. */
import WebSocketClient from 'ws'
import type { z } from 'zod'

import { StokerError } from '#contract/errors.ts'
import { envelope, exchangeFrame, FRAME_BYTES_MAX, handshakeFromExchange, type challengeFrame, type Envelope, type ExchangeFrame, type SupplierFrame, type welcomeFrame } from '#contract/supplier.ts'
import type { Clock } from '#contract/time.ts'
import type { SigningKey } from '#lib/ed25519.ts'
import type { Log } from '#lib/log.ts'

import { Session } from './session.ts'

export type Welcome = z.infer<typeof welcomeFrame>
type Challenge = z.infer<typeof challengeFrame>
export type WebSocketConstructor = typeof WebSocketClient

const HANDSHAKE_MS = 10_000
const MISSED_HEARTBEATS_MAX = 3
/** Bytes handed to the socket and not yet sent; beyond it the exchange has stopped reading and the connection is given up. */
const BUFFERED_BYTES_MAX = 64 * 1_048_576

export interface ConnectionOptions {
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
  previous: Session | null
  onWelcome(welcome: Welcome, session: Session, exchange: Challenge['exchange']): void
  onFrame(frame: ExchangeFrame): void
  onSeen(): void
  /** Exactly once. `refused` when the exchange said no in the handshake. */
  onEnd(end: { reason: string; refused: boolean }): void
}

export interface Connection {
  /** Sends now when the handshake is done; otherwise the frame waits in the session's buffer for the resume. */
  send(session: Session, frame: SupplierFrame): void
  close(reason: string): void
}

/** Opens the socket; every outcome arrives through `onWelcome` and `onEnd`. */
export function connect(options: ConnectionOptions): Connection {
  const { clock, log } = options
  const socket = new options.WebSocket(options.url, { maxPayload: FRAME_BYTES_MAX, handshakeTimeout: HANDSHAKE_MS, perMessageDeflate: false })
  const ended = new AbortController()
  let challenge: Challenge | null = null
  let session: Session | null = null
  let missed = 0

  const end = (reason: string, refused = false): void => {
    if (ended.signal.aborted) return
    ended.abort()
    socket.terminate()
    options.onEnd({ reason, refused })
  }
  const write = (value: unknown): void => {
    if (socket.readyState !== socket.OPEN) return
    if (socket.bufferedAmount > BUFFERED_BYTES_MAX) end('the exchange stopped reading')
    else socket.send(JSON.stringify(value))
  }
  const writeEnvelope = (value: Envelope): void => write(value)

  const onHandshake = (value: unknown): void => {
    const frame = handshakeFromExchange.parse(value)
    if (frame.t === 'refused') end(frame.error.message, true)
    else if (frame.t === 'challenge' && challenge === null) {
      if (options.pinnedKey !== null && frame.exchange !== options.pinnedKey) end('the exchange at this address has another key than the one known', true)
      else {
        challenge = frame
        write(hello(frame, options))
      }
    } else if (frame.t === 'welcome' && challenge !== null) {
      const { previous } = options
      session = frame.resumed && previous !== null && previous.id === frame.session ? previous : new Session(frame.session)
      const waiting = session === previous ? session.resend(frame.received) : []
      for (const one of waiting) writeEnvelope(one)
      options.onWelcome(frame, session, challenge.exchange)
      void heartbeat(frame.heartbeatMs, session)
    } else end(`unexpected ${frame.t} frame in the handshake`)
  }

  const onEnvelope = (current: Session, value: unknown): void => {
    const parsed = envelope.parse(value)
    const verdict = current.accept(parsed)
    if (verdict === 'gap') return end('a frame of the exchange is missing')
    if (verdict === 'seen') return
    const frame = exchangeFrame.safeParse(parsed.frame)
    if (frame.success) options.onFrame(frame.data)
    else log.warn({ issues: frame.error.issues.slice(0, 3).map(({ path, code }) => ({ path, code })) }, 'a frame of the exchange was not understood')
    const ack = current.dueAck()
    if (ack !== null) writeEnvelope(ack)
  }

  const heartbeat = async (everyMs: number, current: Session): Promise<void> => {
    for (let n = 1; !ended.signal.aborted; n += 1) {
      try {
        await clock.sleep(everyMs, { signal: ended.signal, unref: true })
      } catch {
        return
      }
      missed += 1
      if (missed > MISSED_HEARTBEATS_MAX) return end('the exchange stopped answering')
      try {
        writeEnvelope(current.push({ t: 'ping', n }))
      } catch (error) {
        return end(error instanceof Error ? error.message : 'the resend buffer is full')
      }
    }
  }

  socket.on('message', (data, isBinary) => {
    if (ended.signal.aborted) return
    missed = 0
    options.onSeen()
    try {
      if (isBinary) throw new Error('binary frame')
      const value: unknown = JSON.parse((data as Buffer).toString('utf8'))
      if (session === null) onHandshake(value)
      else onEnvelope(session, value)
    } catch (error) {
      // The text of a frame may hold a buyer's prompt, so only the kind of failure is logged.
      log.warn({ kind: error instanceof Error ? error.name : 'unknown' }, 'the exchange sent something malformed')
      end('the exchange sent something malformed')
    }
  })
  socket.on('error', (error) => end(connectReason(error)))
  socket.on('close', (code) => end(`the exchange closed the connection (${code})`))
  void clock.sleep(HANDSHAKE_MS, { signal: ended.signal, unref: true }).then(
    () => session === null && end('the exchange did not greet in time'),
    () => undefined,
  )

  return {
    send(current, frame) {
      let value: Envelope
      try {
        value = current.push(frame)
      } catch (error) {
        end('the exchange does not acknowledge')
        throw error
      }
      if (session === current) writeEnvelope(value)
    },
    close: (reason) => end(reason),
  }
}

function hello(challenge: Challenge, { key, name, client, previous }: ConnectionOptions): unknown {
  if (challenge.protocol !== 1) throw new StokerError('EXCHANGE_REFUSED', `The exchange speaks protocol ${challenge.protocol} and this Stoker speaks 1; update Stoker.`)
  const sig = key.sign(`stoker-supplier-v1\n${challenge.nonce}\n${challenge.exchange}\n${key.publicKey}`)
  return { t: 'hello', protocol: 1, supplier: key.publicKey, sig, name, client, ...(previous === null ? {} : { resume: { session: previous.id, received: previous.received } }) }
}

function connectReason(error: Error): string {
  const code = (error as NodeJS.ErrnoException).code
  if (code === 'ECONNREFUSED') return 'nothing answers at the exchange’s address'
  if (code === 'ENOTFOUND') return 'the exchange’s name cannot be found'
  return `the connection to the exchange failed${code === undefined ? '' : ` (${code})`}`
}
