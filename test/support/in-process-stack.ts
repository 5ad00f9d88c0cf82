/**
 * One seller and one exchange in this process: the real core, adapter, databases and sockets; the engines are what the
 * test says.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'

import type { GradeSpec } from '#contract/grades.ts'
import type { Clock } from '#contract/time.ts'
import { SUPPLIER_PATH_V2 } from '#contract/supplier-v2.ts'
import { createCore, type Core } from '#core/core.ts'
import type { EnginesPort } from '#core/engine/engines.port.ts'
import type { SensorsPort } from '#core/hardware/sensors.port.ts'
import type { VenueDriver } from '#core/venues/index.ts'
import { createStokerVenue } from '#venues/stoker/index.ts'
import { systemClock } from '#lib/system-clock.ts'
import { loadOrCreateSigningKey, type SigningKey } from '#lib/ed25519.ts'
import { randomIds } from '#lib/id-source.ts'
import { late } from '#lib/late.ts'
import { createLog } from '#lib/log.ts'
import { startExchange, type Exchange } from '#exchange-server/exchange.ts'

export interface InProcessStack {
  core: Core
  readonly exchange: Exchange & { dir: string }
  readonly key: SigningKey
  readonly folder: string
  restartCore(): Promise<Core>
  /** Stops the exchange; `startExchange` starts it on the same folder, at another address. */
  stopExchange(): Promise<void>
  startExchange(): Promise<void>
  /** The core with its engines, then the exchange; the folder is the caller's to remove. */
  stop(): Promise<void>
}

export interface InProcessStackDeps {
  /** The seller's; the exchange's lies in it unless it is named. */
  folder: string
  exchangeDir?: string
  examSeed: string
  /** Those that ship by default. */
  specs?: readonly GradeSpec[]
  /** New ones for every core that is started; the core stops them. */
  engines: () => EnginesPort
  /** What drivers say; nobody asks them by default. */
  sensors?: SensorsPort
  /** Of both sides; the system's by default. */
  clock?: Clock
  /** What the owner was told: title and text. */
  onNotify?: (title: string, body: string) => void
}

/** Receipts are released at once, models are not measured when they are deployed. */
export async function openInProcessStack({
  folder,
  exchangeDir,
  examSeed,
  specs,
  engines,
  clock = systemClock,
  sensors,
  onNotify = () => undefined,
}: InProcessStackDeps): Promise<InProcessStack> {
  const log = createLog('test')
  log.level = 'silent'
  const dir = exchangeDir ?? join(folder, 'exchange')
  mkdirSync(folder, { recursive: true })
  const openExchange = (): Promise<Exchange> =>
    startExchange({
      dir,
      examSeed,
      seed: 'x',
      log,
      clock,
      terms: { holdMs: 0 },
      ...(specs === undefined ? {} : { specs }),
    })
  let exchange = await openExchange()
  const key = loadOrCreateSigningKey(join(folder, 'seller.key'))
  const start = (): Core => {
    const running = late<Core>('the core')
    const stoker: VenueDriver = (_row, memory) =>
      createStokerVenue({
        url: () => `${exchange.url.replace('http', 'ws')}${SUPPLIER_PATH_V2}`,
        key,
        name: () => running.get().rigName(),
        clock,
        log,
        exchangeKey: () => exchange.exchangeKey,
        memory,
      })
    const core = createCore({
      dataDir: folder,
      clock,
      ids: randomIds(() => clock.now()),
      log,
      host: { mode: 'headless', notify: onNotify },
      drivers: { stoker },
      engines: engines(),
      calibrateOnDeploy: false,
      ...(sensors === undefined ? {} : { sensors }),
      signingKey: key,
      version: '0.0.0',
      bundledModelsDir: join(folder, 'none'),
      exchangeUrl: () => exchange.url,
    })
    running.set(core)
    core.start()
    return core
  }
  const stack = {
    core: start(),
    get exchange() {
      return { ...exchange, dir }
    },
    key,
    folder,
    async restartCore() {
      await stack.core.stop()
      stack.core = start()
      return stack.core
    },
    stopExchange: () => exchange.stop(),
    async startExchange() {
      exchange = await openExchange()
    },
    async stop() {
      await stack.core.stop()
      await exchange.stop()
    },
  }
  return stack
}

/** An exam on a busy machine is within it. */
const DEADLINE_MS = 90_000

async function waitFor<T>(
  open: (signal: AbortSignal) => Promise<AsyncIterable<T>>,
  test: (value: T) => boolean | Promise<boolean>,
): Promise<void> {
  const stop = new AbortController()
  const timer = setTimeout(() => stop.abort(), DEADLINE_MS)
  try {
    for await (const value of await open(stop.signal)) if (await test(value)) return
  } finally {
    clearTimeout(timer)
    stop.abort()
  }
  throw new Error(`it did not come to hold within ${DEADLINE_MS / 1_000} s`)
}

/** Waits on the core's own bus until `test` holds: it looks at every change, those from before among them. */
export const untilCore = (core: Core, test: () => Promise<boolean>): Promise<void> =>
  waitFor((signal) => core.client.app.events(undefined, { signal }), test)

/** Waits until the exchange is there; on the live values, since no change tells of it. */
export const untilOnline = (core: Core): Promise<void> =>
  waitFor(
    (signal) => core.client.app.live(undefined, { signal }),
    ({ venues }) => venues.every(({ kind }) => kind === 'online'),
  )
