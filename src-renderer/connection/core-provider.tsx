/** The connection, its query helpers and the two standing streams, for every screen by one hook. */
import { createTanstackQueryUtils, type RouterUtils } from '@orpc/tanstack-query'
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { createContext, use, useEffect, useSyncExternalStore, type ReactNode } from 'react'

import type { Live, Topic } from '#contract/app.ts'

import type { CoreConnection, ConnectionState, CoreClient } from './core-connection.ts'
import { createExternalStore, type ExternalStore } from './external-store.ts'

/**
 * The latest live value and when this page received it (its own clock, so that two machines' clocks need not agree).
 */
export interface LiveNow {
  value: Live
  receivedAt: number
}

export interface CoreAccess {
  readonly connection: CoreConnection
  readonly client: CoreClient
  readonly rpc: RouterUtils<CoreClient>
  readonly queries: QueryClient
  readonly live: ExternalStore<LiveNow | null>
}

/** Which queries a topic makes old, by the first word of their path; `app` methods are named one by one. */
const READ_AGAIN: Readonly<Record<Topic, readonly (readonly string[])[]>> = {
  models: [
    ['models', 'list'],
    ['app', 'home'],
  ],
  deployments: [
    ['models', 'deployments'],
    ['app', 'home'],
  ],
  exams: [['exams'], ['market', 'instruments'], ['app', 'home']],
  market: [['market'], ['app', 'home']],
  listing: [
    ['market', 'listings'],
    ['market', 'quote'],
    ['app', 'home'],
  ],
  jobs: [['jobs'], ['app', 'home']],
  // What is of a whole range (the week, the history) is read again by the clock: a job changes little of it.
  earnings: [
    ['earnings', 'series'],
    ['earnings', 'summary'],
    ['earnings', 'held'],
    ['earnings', 'releases'],
    ['app', 'home'],
    ['app', 'onboarding'],
  ],
  settings: [['app', 'settings'], ['app', 'power'], ['earnings'], ['market', 'quote'], ['app', 'home']],
  onboarding: [['app', 'onboarding']],
  engine: [
    ['models', 'deployments'],
    ['app', 'home'],
  ],
  hardware: [['app', 'hardware']],
  exchange: [['market'], ['app', 'hello'], ['app', 'home']],
  power: [
    ['app', 'power'],
    ['market', 'quote'],
    ['app', 'home'],
  ],
  'own-use': [['app', 'ownUse']],
  backup: [['backup']],
}
const RETRY_STREAM_MS = 1_000
/** Changes within this time are read once: under load topics change many times a second. */
const COALESCE_MS = 300

export function createCoreAccess(connection: CoreConnection): CoreAccess {
  const queries = new QueryClient({
    defaultOptions: {
      queries: {
        retry: 2,
        retryDelay: 400,
        staleTime: 2_000,
        gcTime: 300_000,
        refetchOnWindowFocus: false,
        networkMode: 'always',
      },
      mutations: { networkMode: 'always', retry: false },
    },
  })
  return {
    connection,
    client: connection.client,
    rpc: createTanstackQueryUtils(connection.client),
    queries,
    live: createExternalStore<LiveNow | null>(null),
  }
}

/** Reads a stream until the signal; opens it again whenever it ends or breaks. */
export async function follow<T>(
  open: (signal: AbortSignal) => Promise<AsyncIterable<T>>,
  onValue: (value: T) => void,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      for await (const value of await open(signal)) onValue(value)
    } catch {
      // The connection's own state says what is wrong; a stream only tries again.
    }
    if (!signal.aborted) await new Promise((resolve) => setTimeout(resolve, RETRY_STREAM_MS))
  }
}

/** Gathers topics and hands them on together; the first one waits at most COALESCE_MS. */
function coalesce(flush: (topics: ReadonlySet<Topic>) => void): (topic: Topic) => void {
  let waiting = new Set<Topic>()
  return (topic) => {
    waiting.add(topic)
    if (waiting.size > 1) return
    setTimeout(() => {
      const topics = waiting
      waiting = new Set()
      flush(topics)
    }, COALESCE_MS)
  }
}

/** Starts everything that runs as long as the page does; returns what ends it. */
export function startCoreAccess(core: CoreAccess): () => void {
  const stopping = new AbortController()
  const { signal } = stopping
  const stop = core.connection.start()
  let epoch = 0
  const unwatch = core.connection.state.subscribe(() => {
    const state = core.connection.state.get()
    if (state.kind !== 'online' || state.epoch === epoch) return
    if (epoch > 0) void core.queries.invalidateQueries()
    epoch = state.epoch
  })
  const changed = coalesce((topics) => {
    const paths = new Map([...topics].flatMap((topic) => READ_AGAIN[topic]).map((path) => [path.join('.'), path]))
    for (const path of paths.values())
      void core.queries.invalidateQueries({ queryKey: [path] }, { cancelRefetch: false })
  })
  void follow(
    (abort) => core.client.app.live(undefined, { signal: abort }),
    (value) => core.live.set({ value, receivedAt: Date.now() }),
    signal,
  )
  void follow(
    (abort) => core.client.app.events(undefined, { signal: abort }),
    ({ topic }) => changed(topic),
    signal,
  )
  return () => {
    unwatch()
    stopping.abort()
    stop()
  }
}

const CoreContext = createContext<CoreAccess | null>(null)

export function CoreProvider({ core, children }: { core: CoreAccess; children: ReactNode }) {
  useEffect(() => startCoreAccess(core), [core])
  return (
    <CoreContext value={core}>
      <QueryClientProvider client={core.queries}>{children}</QueryClientProvider>
    </CoreContext>
  )
}

export function useCore(): CoreAccess {
  const core = use(CoreContext)
  if (core === null) throw new Error('useCore needs a CoreProvider above it')
  return core
}

export function useConnection(): ConnectionState {
  const { state } = useCore().connection
  return useSyncExternalStore(state.subscribe, state.get)
}

export function useLive(): LiveNow | null {
  const { live } = useCore()
  return useSyncExternalStore(live.subscribe, live.get)
}
