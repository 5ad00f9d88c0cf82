/**
 * Keeps the embedded exchange's process running in the desktop app, and makes the supplier's connections to it over its
 * channel.
 */
import type { Channel } from '#contract/channel/channel.ts'
import type { Clock } from '#contract/time.ts'
import type { ForkedHost } from '#engine/client/engine-client.ts'
import type { StokerExchangeOptions } from '#venues/stoker/index.ts'
import type { Log } from '#lib/log.ts'

import { SocketOverChannel } from './socket-over-channel.ts'
import { supplierLine, type SupplierLine } from './supplier-line.ts'

const BACKOFF_MS = 500
const BACKOFF_MAX_MS = 10_000
const DOUBLINGS_MAX = 5
/** Time the exchange gets to close its books before it is killed. */
const STOP_MS = 3_000

export interface KeptExchange {
  /** A new address after every restart, null while there is none: the adapter connects again when it changes. */
  address(): string | null
  /** Stands in for the `ws` client: one connection at a time over the exchange's channel. */
  readonly WebSocket: NonNullable<StokerExchangeOptions['WebSocket']>
  /** Ends the process: it closes its books, or is killed after STOP_MS. Nothing is started afterwards. */
  stop(): Promise<void>
}

interface Life {
  host: ForkedHost
  line: SupplierLine
  number: number
  ended: Promise<void>
}

export function keepExchange(fork: () => ForkedHost, clock: Clock, log: Log): KeptExchange {
  const stopping = new AbortController()
  let current: Life | null = null
  let lives = 0

  const keep = async (): Promise<void> => {
    for (let failures = 0; !stopping.signal.aborted; failures += 1) {
      const host = fork()
      lives += 1
      const ended = new Promise<void>((resolve) => host.onExit(() => resolve()))
      current = { host, line: supplierLine(host.channel), number: lives, ended }
      const bornAt = clock.mono()
      await ended
      current = null
      if (stopping.signal.aborted) return
      log.warn({ lives }, 'the exchange host ended; it is started again')
      if (clock.mono() - bornAt > BACKOFF_MAX_MS) failures = 0
      await clock
        .sleep(Math.min(BACKOFF_MAX_MS, BACKOFF_MS * 2 ** Math.min(failures, DOUBLINGS_MAX)), {
          signal: stopping.signal,
        })
        .catch(() => undefined)
    }
  }
  void keep()

  class PortSocket extends SocketOverChannel {
    constructor() {
      super(current !== null && current.host.channel.isOpen ? current.line.dial() : unreachable())
    }
  }
  return {
    address: () => (current === null ? null : `port://exchange/${current.number}`),
    WebSocket: PortSocket as unknown as KeptExchange['WebSocket'],
    async stop() {
      stopping.abort()
      if (current === null) return
      const { host, ended } = current
      host.channel.close('the core stops')
      const patience = new AbortController()
      const killed = clock.sleep(STOP_MS, { signal: patience.signal }).then(
        () => host.kill(),
        () => undefined,
      )
      // A kill that does not help is the shell's to finish: it ends what is left after the core.
      await Promise.race([ended, killed])
      patience.abort()
    },
  }
}

/** A connection that ended before it began. */
const unreachable = (): Channel => ({
  send: () => undefined,
  onMessage: () => () => undefined,
  onClose(listener) {
    listener('the exchange host is not running')
    return () => undefined
  },
  close: () => undefined,
  isOpen: false,
  bufferedBytes: 0,
})
