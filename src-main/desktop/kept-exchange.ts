/**
 * Keeps the embedded exchange's process running in the desktop app, and makes the supplier's connections to it over its
 * channel.
 */
import type { Channel } from '#contract/channel/channel.ts'
import { fail, fromErrorValue } from '#contract/errors.ts'
import type { Reason } from '#contract/reasons.ts'
import type { Clock } from '#contract/time.ts'
import type { ForkedHost } from '#engine/client/engine-client.ts'
import type { StokerVenueOptions } from '#venues/stoker/index.ts'
import { CHILD_POLICIES } from '#lib/child-policies.ts'
import { endReason, whyAway } from '#lib/child-reason.ts'
import { childWord } from '#lib/child-words.ts'
import { readStatedEnd } from '#lib/exit-codes.ts'
import type { Log } from '#lib/log.ts'
import { SupervisedChild, type LifeSigns, type SupervisedLife } from '#lib/supervise.ts'

import { SocketOverChannel } from './socket-over-channel.ts'
import { supplierLine, type SupplierLine } from './supplier-line.ts'

export interface KeptExchange {
  /** A new address after every restart, null while there is none: the adapter connects again when it changes. */
  address(): string | null
  /** Why there is none, in words for the owner; null while it is there or comes up as usual. */
  whyAway(): Reason | null
  /** Stands in for the `ws` client: one connection at a time over the exchange's channel. */
  readonly WebSocket: NonNullable<StokerVenueOptions['WebSocket']>
  /** Ends the process in the policy's time: it closes its books, or is killed. Nothing is started afterwards. */
  stop(): Promise<void>
}

export interface KeptExchangeOptions {
  fork: () => ForkedHost
  clock: Clock
  log: Log
  /** How far a migration is: a line for the owner. */
  onProgress: (line: string) => void
  /** Uniform on [0, 1), for the jitter of pauses. */
  random?: () => number
}

interface Line {
  readonly host: ForkedHost
  readonly line: SupplierLine
  readonly number: number
}

export function keepExchange({ fork, clock, log, onProgress, random }: KeptExchangeOptions): KeptExchange {
  let current: Line | null = null
  let lives = 0
  /** What the last life said itself about why it ends. */
  let stated: Reason | null = null

  const start = (signs: LifeSigns): SupervisedLife => {
    const host = fork()
    lives += 1
    stated = null
    const line = { host, line: supplierLine(host.channel), number: lives }
    host.channel.onMessage((message) => {
      signs.heard()
      const word = childWord(message)
      const end = readStatedEnd(message)
      if (end !== null) stated = fromErrorValue(end.error).reason
      else if ((message as { t?: unknown }).t === 'ready') {
        current = line
        signs.ready()
      } else if (word?.t === 'busy' && word.task === null) signs.done()
      else if (word?.t === 'busy' && word.task !== null) {
        signs.busy(word.task, word.text)
        onProgress(word.text)
      }
    })
    return {
      pid: host.pid,
      ask: () => host.channel.close('the core stops'),
      terminate: () => host.kill('SIGTERM'),
      kill: () => host.kill('SIGKILL'),
      onExit: (listener) =>
        host.onExit((how) => {
          if (current === line) current = null
          listener(how)
        }),
    }
  }
  const supervised = new SupervisedChild({
    name: 'exchange host',
    policy: CHILD_POLICIES.exchange,
    clock,
    log,
    ...(random === undefined ? {} : { random }),
    start,
    failed: (end) => fail('exchangeHost.failed', { why: endReason(end, stated) }),
  })
  supervised.started().catch(() => undefined)

  class PortSocket extends SocketOverChannel {
    constructor() {
      super(current !== null && current.host.channel.isOpen ? current.line.dial() : unreachable())
    }
  }
  return {
    address: () => (current === null ? null : `port://exchange/${current.number}`),
    whyAway: () => whyAway(supervised.state, stated),
    WebSocket: PortSocket as unknown as KeptExchange['WebSocket'],
    stop: async () => void (await supervised.stop()),
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
