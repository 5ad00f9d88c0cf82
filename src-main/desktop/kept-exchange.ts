/** Keeps the embedded exchange's process running in the desktop app, and makes the supplier's connections to it over its channel. */
import { EventEmitter } from 'node:events'

import type { Channel } from '#contract/channel/channel.ts'
import type { Clock } from '#contract/time.ts'
import type { ForkedHost } from '#engine/client.ts'
import type { StokerExchangeOptions } from '#exchange/stoker/index.ts'
import type { Log } from '#lib/log.ts'

import { SocketOverChannel } from './socket-over-channel.ts'

const BACKOFF_MS = 500
const BACKOFF_MAX_MS = 10_000

export interface KeptExchange {
  /** A new address after every restart, null while there is none: the adapter connects again when it changes. */
  address(): string | null
  /** Stands in for the `ws` client: one connection per life of the exchange's process. */
  readonly WebSocket: NonNullable<StokerExchangeOptions['WebSocket']>
  stop(): void
}

export function keepExchange(fork: () => ForkedHost, clock: Clock, log: Log): KeptExchange {
  const stopping = new AbortController()
  let current: { host: ForkedHost; life: number; taken: boolean } | null = null
  let life = 0

  const keep = async (): Promise<void> => {
    for (let failures = 0; !stopping.signal.aborted; failures += 1) {
      const host = fork()
      life += 1
      current = { host, life, taken: false }
      const bornAt = clock.mono()
      await new Promise<void>((resolve) => host.onExit(() => resolve()))
      current = null
      if (stopping.signal.aborted) return
      log.warn({ life }, 'the exchange host ended; it is started again')
      if (clock.mono() - bornAt > BACKOFF_MAX_MS) failures = 0
      await clock.sleep(Math.min(BACKOFF_MAX_MS, BACKOFF_MS * 2 ** Math.min(failures, 5)), { signal: stopping.signal }).catch(() => undefined)
    }
  }
  void keep()

  /** A second connection in one life opens a sub-stream: the host's end greets again when told so. */
  class PortSocket extends SocketOverChannel {
    constructor() {
      super(current === null ? closedChannel() : connectionOf(current))
      queueMicrotask(() => this.emit(this.readyState === this.OPEN ? 'open' : 'error', new Error('the exchange host is not running')))
    }
  }
  return {
    address: () => (current === null ? null : `port://exchange/${current.life}`),
    WebSocket: PortSocket as unknown as KeptExchange['WebSocket'],
    stop() {
      stopping.abort()
      current?.host.kill()
    },
  }
}

/** Greeting again over the same port: the host ends the old socket and greets a new one. */
export const GREET = { t: 'greet' } as const

function connectionOf(current: { host: ForkedHost; taken: boolean }): Channel {
  const { channel } = current.host
  const ended = new EventEmitter()
  let open = true
  const close = (reason: string): void => {
    if (!open) return
    open = false
    ended.emit('close', reason)
  }
  channel.onClose(close)
  current.taken = true
  channel.send(GREET)
  return {
    send: (message) => channel.send(message),
    onMessage: (listener) => {
      const unsubscribe = channel.onMessage((message) => open && listener(message as never))
      ended.once('close', unsubscribe)
      return unsubscribe
    },
    onClose(listener) {
      if (open) ended.once('close', listener)
      else listener('closed')
      return () => void ended.off('close', listener)
    },
    close: (reason = 'closed') => close(reason),
    get isOpen() {
      return open && channel.isOpen
    },
    get bufferedBytes() {
      return channel.bufferedBytes
    },
  }
}

function closedChannel(): Channel {
  return {
    send: () => undefined,
    onMessage: () => () => undefined,
    onClose(listener) {
      queueMicrotask(() => listener('the exchange host is not running'))
      return () => undefined
    },
    close: () => undefined,
    isOpen: false,
    bufferedBytes: 0,
  }
}
