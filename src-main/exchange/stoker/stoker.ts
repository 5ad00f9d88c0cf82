/** The supplier's side of our own exchange, embedded or remote: keeps one connection alive, resumes its session, and reports what state it is in. */
import WebSocketClient from 'ws'

import { StokerError } from '#contract/errors.ts'
import type { PublicKey } from '#contract/ids.ts'
import type { ExchangeFrame } from '#contract/supplier.ts'
import type { Clock } from '#contract/time.ts'
import type { ExchangePort, ExchangeState } from '#core/exchange/exchange.port.ts'
import type { SigningKey } from '#lib/ed25519.ts'
import type { Log } from '#lib/log.ts'

import { backoffMs } from './backoff.ts'
import { connect, type Connection, type Welcome, type WebSocketConstructor } from './connection.ts'
import type { Session } from './session.ts'

export interface StokerExchangeOptions {
  /** ws:// or wss:// address with its path, or null while it is not known. The embedded exchange restarts on another port, so it is asked before every attempt. */
  url: string | (() => string | null)
  key: SigningKey
  /** The rig's name, shown to the exchange. */
  name: string
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

export function createStokerExchange(options: StokerExchangeOptions): ExchangePort {
  const { clock, log } = options
  const random = options.random ?? Math.random
  const url = typeof options.url === 'string' ? () => options.url as string : options.url
  const stateListeners = new Set<(state: ExchangeState) => void>()
  const frameListeners = new Set<(frame: ExchangeFrame) => void>()
  let state: ExchangeState = { kind: 'stopped' }
  let seenAt: number | null = null
  let connection: Connection | null = null
  let session: Session | null = null
  let resumeWithinMs = 0
  let droppedAt = 0
  let running: { abort: AbortController; done: Promise<void> } | null = null

  const setState = (next: ExchangeState): void => {
    state = next
    for (const listener of stateListeners) {
      try {
        listener(next)
      } catch (error) {
        log.error({ err: error }, 'a listener of the exchange’s state failed')
      }
    }
  }
  const onFrame = (frame: ExchangeFrame): void => {
    for (const listener of frameListeners) {
      try {
        listener(frame)
      } catch (error) {
        log.error({ err: error, frame: frame.t }, 'handling a frame of the exchange failed')
      }
    }
  }
  /** The session is forgotten once the exchange cannot resume it any more. */
  const liveSession = (): Session | null => {
    if (session !== null && connection === null && clock.mono() - droppedAt > resumeWithinMs) session = null
    return session
  }

  const onWelcome = (welcome: Welcome, current: Session, exchange: PublicKey): void => {
    const fresh = current !== session
    session = current
    resumeWithinMs = welcome.resumeWithinMs
    const { realm, currency, feeBps, holdMs, specs } = welcome
    setState({ kind: 'online', since: clock.now(), fresh, terms: { realm, currency, feeBps, holdMs, specs, exchange } })
  }

  /** One connection from attempt to end. */
  const attempt = (target: string, signal: AbortSignal): Promise<{ welcomed: boolean; refused: boolean; reason: string }> =>
    new Promise((resolve) => {
      let welcomed = false
      const previous = liveSession()
      const mine = connect({
        url: target, key: options.key, name: options.name, client: options.client ?? 'stoker', clock, log, WebSocket: options.WebSocket ?? WebSocketClient, pinnedKey: options.exchangeKey?.() ?? null, previous,
        onWelcome(welcome, current, exchange) {
          welcomed = true
          onWelcome(welcome, current, exchange)
        },
        onFrame,
        onSeen: () => (seenAt = clock.now()),
        onEnd({ reason, refused }) {
          signal.removeEventListener('abort', onAbort)
          connection = null
          if (welcomed) droppedAt = clock.mono()
          resolve({ welcomed, refused, reason })
        },
      })
      const onAbort = (): void => mine.close('stopped')
      connection = mine
      signal.addEventListener('abort', onAbort, { once: true })
    })

  /** Waits, but no longer than until the address changes. */
  const wait = async (ms: number, from: string | null, signal: AbortSignal): Promise<void> => {
    const until = clock.mono() + ms
    while (clock.mono() < until && url() === from) await clock.sleep(Math.min(URL_CHECK_MS, until - clock.mono()), { signal, unref: true })
  }

  const loop = async (signal: AbortSignal): Promise<void> => {
    for (let failures = 0; !signal.aborted; ) {
      const target = url()
      let reason = 'the exchange has not said where it listens'
      if (target !== null) {
        setState({ kind: 'connecting', attempt: failures + 1 })
        const end = await attempt(target, signal).catch(() => ({ welcomed: false, refused: true, reason: 'the exchange’s address is not a WebSocket address' }))
        reason = end.reason
        failures = end.welcomed ? 0 : end.refused ? REFUSED_ATTEMPT : failures + 1
      }
      if (signal.aborted) return
      const ms = backoffMs(failures, random)
      setState({ kind: 'offline', reason, retryAt: clock.now() + ms })
      await wait(ms, target, signal).catch(() => undefined)
    }
  }

  return {
    capabilities: { exams: true, book: true, signedReceipts: true, releases: true },
    state: () => state,
    lastSeenAt: () => seenAt,
    onState(listener) {
      stateListeners.add(listener)
      return () => stateListeners.delete(listener)
    },
    onFrame(listener) {
      frameListeners.add(listener)
      return () => frameListeners.delete(listener)
    },
    send(frame) {
      const current = liveSession()
      if (current === null) throw new StokerError('EXCHANGE_OFFLINE', 'The exchange is not reachable now; Stoker keeps trying.')
      try {
        if (connection === null) current.push(frame)
        else connection.send(current, frame)
      } catch (error) {
        // A full buffer: this session can no longer be resumed without loss, and `sync` mends what it carried.
        session = null
        throw new StokerError('EXCHANGE_OFFLINE', 'The exchange does not acknowledge what it is sent; Stoker connects anew.', { cause: error })
      }
    },
    start() {
      if (running !== null) return
      const abort = new AbortController()
      running = { abort, done: loop(abort.signal) }
    },
    async stop() {
      if (running === null) return
      const { abort, done } = running
      running = null
      abort.abort()
      await done
      session = null
      setState({ kind: 'stopped' })
    },
  }
}
