/**
 * Keeps the embedded exchange's process running in the desktop app, and makes the supplier's connections to it over its
 * channel.
 */
import type { Channel } from '#contract/channel/channel.ts'
import type { Clock } from '#contract/time.ts'
import type { ForkedHost } from '#engine/client/engine-client.ts'
import type { StokerVenueOptions } from '#venues/stoker/index.ts'
import type { Log } from '#lib/log.ts'
import { CHILD_POLICIES, endChild, keepRunning } from '#lib/supervise.ts'

import { SocketOverChannel } from './socket-over-channel.ts'
import { supplierLine, type SupplierLine } from './supplier-line.ts'

const POLICY = CHILD_POLICIES.desktopExchange

export interface KeptExchange {
  /** A new address after every restart, null while there is none: the adapter connects again when it changes. */
  address(): string | null
  /** Stands in for the `ws` client: one connection at a time over the exchange's channel. */
  readonly WebSocket: NonNullable<StokerVenueOptions['WebSocket']>
  /** Ends the process: it closes its books, or is killed after three seconds. Nothing is started afterwards. */
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

  const life = async (): Promise<void> => {
    const host = fork()
    lives += 1
    const ended = new Promise<void>((resolve) => host.onExit(() => resolve()))
    current = { host, line: supplierLine(host.channel), number: lives, ended }
    await ended
    current = null
  }
  void keepRunning(clock, POLICY, life, {
    signal: stopping.signal,
    onFailed: () => log.warn({ lives }, 'the exchange host ended; it is started again'),
  })

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
      // A kill that does not help is the shell's to finish: it ends what is left after the core.
      await endChild(clock, ended, POLICY.end, {
        ask: () => host.channel.close('the core stops'),
        kill: () => host.kill(),
      })
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
