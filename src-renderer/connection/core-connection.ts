/**
 * The one connection to the core: opens a channel, offers its client, reconnects with back-off. The screens cannot tell
 * desktop from headless.
 */
import { createORPCClient } from '@orpc/client'
import type { ClientContext, ClientLink } from '@orpc/client'
import { RPCLink } from '@orpc/client/message-port'
import type { ContractRouterClient } from '@orpc/contract'

import type { Channel } from '#contract/channel/channel.ts'
import { channelAsPort } from '#contract/channel/rpc.ts'
import type { Contract } from '#contract/index.ts'
import { commandsAreFor } from '#words/words.ts'

import { createExternalStore, type ExternalStore } from './external-store.ts'

export type CoreClient = ContractRouterClient<Contract>
export type CoreHello = Awaited<ReturnType<CoreClient['app']['hello']>>

export type ConnectionState =
  | { kind: 'connecting'; attempt: number }
  | { kind: 'online'; since: number; epoch: number; hello: CoreHello }
  | { kind: 'offline'; since: number; retryAt: number; reason: string }
  /** Headless only: no valid session. */
  | { kind: 'login' }
  /** The core speaks another contract than these screens were built for. */
  | { kind: 'reload' }

/** Opens one channel. `login` when the core answers but does not know us. */
export type OpenChannel = (signal: AbortSignal) => Promise<Channel<string, string> | 'login'>

export const RETRY_MS = [250, 500, 1_000, 2_000, 4_000, 8_000] as const
const HELLO_TIMEOUT_MS = 8_000
/** A call made while offline waits this long for the connection before it fails. */
const CALL_WAIT_MS = 5_000

export interface CoreConnection {
  readonly state: ExternalStore<ConnectionState>
  readonly client: CoreClient
  start(): () => void
  /** Tries again at once. */
  retryNow(): void
}

export class OfflineError extends Error {
  override readonly name = 'OfflineError'
}

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true })
  })

async function withTimeout<T>(work: Promise<T>, ms: number, message: string): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new OfflineError(message)), ms)
  })
  return Promise.race([work, late]).finally(() => clearTimeout(timer))
}

type Link = ClientLink<ClientContext>

export function createCoreConnection(open: OpenChannel): CoreConnection {
  const state = createExternalStore<ConnectionState>({ kind: 'connecting', attempt: 1 })
  let link: Link | null = null
  let firstHash: string | null = null
  let epoch = 0
  let wake: AbortController | null = null
  const arrivals = new Set<(link: Link) => void>()

  const arrived = (): Promise<Link> =>
    new Promise((resolve) => {
      if (link === null) arrivals.add(resolve)
      else resolve(link)
    })

  /** Lives as long as one channel does; resolves with why it ended. */
  async function session(channel: Channel<string, string>): Promise<string> {
    const closed = new Promise<string>((resolve) => channel.onClose(resolve))
    const mine: Link = new RPCLink({ port: channelAsPort(channel, 'client') })
    const hello = await withTimeout(
      Promise.race([
        createORPCClient<CoreClient>(mine).app.hello(),
        closed.then((reason) => Promise.reject(new OfflineError(reason))),
      ]),
      HELLO_TIMEOUT_MS,
      'the core did not answer',
    )
    firstHash ??= hello.contractHash
    if (hello.contractHash !== firstHash) {
      channel.close('another contract')
      state.set({ kind: 'reload' })
      return 'reload'
    }
    commandsAreFor(hello.dataOption)
    epoch += 1
    link = mine
    state.set({ kind: 'online', since: Date.now(), epoch, hello })
    for (const resolve of arrivals) resolve(mine)
    arrivals.clear()
    return closed.finally(() => {
      link = null
    })
  }

  /** One try; says how the loop goes on. */
  async function attempt(signal: AbortSignal): Promise<{ stop: boolean; worked: boolean; reason: string }> {
    const before = epoch
    let channel: Channel<string, string> | 'login' | null = null
    try {
      channel = await open(signal)
      if (channel === 'login') {
        state.set({ kind: 'login' })
        return { stop: true, worked: false, reason: 'not logged in' }
      }
      const opened = channel
      signal.addEventListener('abort', () => opened.close('the page went away'), { once: true })
      const reason = await session(opened)
      return { stop: reason === 'reload', worked: true, reason }
    } catch (error) {
      if (channel !== null && channel !== 'login') channel.close('failed')
      return {
        stop: false,
        worked: epoch > before,
        reason: error instanceof Error ? error.message : 'the connection failed',
      }
    }
  }

  async function run(signal: AbortSignal): Promise<void> {
    let failures = 0
    while (!signal.aborted) {
      const outcome = await attempt(signal)
      if (outcome.stop || signal.aborted) return
      failures = outcome.worked ? 0 : failures + 1
      const wait = RETRY_MS[Math.min(failures, RETRY_MS.length - 1)] ?? 8_000
      const before = state.get()
      state.set({
        kind: 'offline',
        since: before.kind === 'offline' ? before.since : Date.now(),
        retryAt: Date.now() + wait,
        reason: outcome.reason,
      })
      wake = new AbortController()
      await pause(wait, AbortSignal.any([signal, wake.signal]))
    }
  }

  const swap: Link = {
    call: async (path, input, options) =>
      (await withTimeout(arrived(), CALL_WAIT_MS, 'Stoker is not connected to its core.')).call(path, input, options),
  }
  return {
    state,
    client: createORPCClient<CoreClient>(swap),
    start() {
      const stopping = new AbortController()
      void run(stopping.signal)
      return () => stopping.abort()
    },
    retryNow: () => wake?.abort(),
  }
}
