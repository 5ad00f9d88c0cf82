/**
 * Everything a headless Stoker runs: lock, exchange host, engine host, core, console; started in that order and ended
 * in reverse.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

import { fail, StokerError } from '#contract/errors.ts'
import { SUPPLIER_PATH_V2 } from '#contract/supplier-v2.ts'
import type { Clock } from '#contract/time.ts'
import { createCore, prepareDatabases, type Core } from '#core/core.ts'
import { openSellerKey } from '#core/identity/index.ts'
import type { HostPort } from '#core/host/host.port.ts'
import type { VenueDriver } from '#core/venues/index.ts'
import { progressLine } from '#db/bring-up-to-date.ts'
import { createEndpoint } from '#endpoint/index.ts'
import { createEngines } from '#engine/engines.ts'
import { forkEngineChild } from '#engine/client/fork-child.ts'
import { forkSensors } from '#sensors/client/fork-sensors.ts'
import { createSensors } from '#sensors/client/sensors-client.ts'
import { createStokerVenue } from '#venues/stoker/index.ts'
import { coreDumps } from '#lib/core-dumps.ts'
import { giveBackAtRest } from '#lib/rest-memory.ts'
import { systemClock } from '#lib/system-clock.ts'
import type { SigningKey } from '#lib/ed25519.ts'
import { isLoopback } from '#lib/host-names.ts'
import { randomIds, type IdSource } from '#lib/id-source.ts'
import { late } from '#lib/late.ts'
import { createLog, type Log } from '#lib/log.ts'

import { openConsole, type Console, type ConsoleOptions } from './console.ts'
import { ensureDataDir, lockDataDir } from './data-dir.ts'
import { startExchangeChild, type ExchangeChild } from './exchange-child.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const RENDERER = join(ROOT, 'out', 'renderer')

export interface RuntimeOptions {
  readonly dataDir: string
  readonly host?: string
  /** 0 picks a free one. */
  readonly port?: number
  /** Where the port is taken, take any free one. */
  readonly orAnyPort?: boolean
  readonly allowHosts?: readonly string[]
  readonly tlsCert?: string
  readonly tlsKey?: string
  /** Serve plain HTTP on an address other machines can reach. */
  readonly insecureListen?: boolean
  /** The labelled buyer inside the practice exchange. */
  readonly practiceBuyer?: boolean
  readonly exchangePort?: number
  /** Further arguments of the exchange host; the demo's virtual clock comes this way. */
  readonly exchangeArgs?: readonly string[]
  /** Off makes runs reproducible: nothing of one prompt is reused for the next. */
  readonly prefixReuse?: boolean
  readonly version: string
  /** Lines for the owner while it starts: how far a migration is. */
  readonly onProgress?: (line: string) => void
}

export interface Runtime {
  /** False in a checkout whose screens were never built: the console answers, and its page says so. */
  readonly hasScreens: boolean
  readonly url: string
  readonly exchangeUrl: string
  readonly core: Core
  link(): string
  /** Ends every child and closes every file, in bounded time. Idempotent. */
  stop(): Promise<void>
}

function tlsOf({ tlsCert, tlsKey }: RuntimeOptions): { cert: string; key: string } | undefined {
  if (tlsCert === undefined && tlsKey === undefined) return undefined
  if (tlsCert === undefined || tlsKey === undefined) throw fail('console.tlsPair')
  try {
    return { cert: readFileSync(tlsCert, 'utf8'), key: readFileSync(tlsKey, 'utf8') }
  } catch (error) {
    throw fail('console.tlsUnreadable', { error: (error as NodeJS.ErrnoException).code ?? 'unknown' }, { cause: error })
  }
}

/** Refuses plain HTTP on an address that others can reach, unless the owner asked for it in so many words. */
function checkAddress(host: string, secure: boolean, insecureListen: boolean): void {
  if (isLoopback(host) || secure || insecureListen) return
  throw fail('console.insecureListen', { host })
}

/** Runs ends in reverse order, each to its end; the first failure is thrown after all have run. */
function ends(): { add(end: () => void | Promise<void>): void; run(): Promise<void> } {
  const list: (() => void | Promise<void>)[] = []
  let running: Promise<void> | null = null
  const run = async (): Promise<void> => {
    const failures: unknown[] = []
    for (const end of list.reverse()) {
      try {
        await end()
      } catch (error) {
        failures.push(error)
      }
    }
    if (failures.length > 0) throw failures[0]
  }
  return { add: (end) => void list.push(end), run: () => (running ??= run()) }
}

/** A taken port costs another look for one, not another start of everything. */
async function openOnSomePort(orAnyPort: boolean, options: ConsoleOptions): Promise<Console> {
  try {
    return await openConsole(options)
  } catch (error) {
    const taken =
      error instanceof StokerError &&
      error.code === 'UNAVAILABLE' &&
      (error.cause as NodeJS.ErrnoException | undefined)?.code === 'EADDRINUSE'
    if (!taken || !orAnyPort) throw error
    return openConsole({ ...options, port: 0 })
  }
}

interface HeadlessCoreDeps {
  dataDir: string
  signingKey: SigningKey
  exchangeChild: ExchangeChild
  clock: Clock
  ids: IdSource
  log: Log
}

/** The core beside its exchange host and its engine hosts; nothing of it is started yet. */
function createHeadlessCore(
  { version, prefixReuse = true }: RuntimeOptions,
  { dataDir, signingKey, exchangeChild, clock, ids, log }: HeadlessCoreDeps,
): Core {
  const created = late<Core>('the core')
  const stoker: VenueDriver = (_row, memory) =>
    createStokerVenue({
      url: () => exchangeChild.address()?.url.replace(/^http/, 'ws').concat(SUPPLIER_PATH_V2) ?? null,
      whyNoUrl: () => exchangeChild.whyAway(),
      key: signingKey,
      name: () => created.get().rigName(),
      clock,
      log,
      exchangeKey: () => exchangeChild.address()?.exchangeKey ?? null,
      memory,
    })
  const host: HostPort = {
    mode: 'headless',
    coreDumps: coreDumps(),
    notify: (title, body) => log.info({ title, body }, 'notice'),
  }
  const core = createCore({
    dataDir,
    clock,
    ids,
    log,
    host,
    drivers: { stoker },
    engines: createEngines({ fork: forkEngineChild, clock, log }),
    sensors: createSensors({ fork: forkSensors, clock, log }),
    endpoint: createEndpoint({ clock, ids, log }),
    signingKey,
    version,
    bundledModelsDir: join(ROOT, 'resources', 'models'),
    exchangeUrl: () => exchangeChild.address()?.url ?? null,
    prefixReuse,
    // What was measured decides settings, and those decide what an answer is: a run that must repeat itself takes the
    // defaults.
    calibrateOnDeploy: prefixReuse,
  })
  created.set(core)
  return core
}

/** Starts it all. Errors: DATA_LOCKED, UNAVAILABLE, BAD_REQUEST, DB_*. On an error nothing stays running. */
export async function startRuntime(options: RuntimeOptions): Promise<Runtime> {
  const { host = '127.0.0.1', port = 0 } = options
  const tls = tlsOf(options)
  checkAddress(host, tls !== undefined, options.insecureListen === true)
  const dataDir = ensureDataDir(resolve(options.dataDir))
  const [clock, ids, log] = [systemClock, randomIds(() => Date.now()), createLog('stoker')]
  const ending = ends()
  try {
    const lock = lockDataDir(dataDir)
    ending.add(() => lock.release())

    const onProgress = options.onProgress ?? ((line: string) => log.info(line))
    // Before anything else runs: this process is deaf during a step of it, and would take its children for hung.
    await prepareDatabases(dataDir, (progress) => onProgress(progressLine(progress)))
    const signingKey = openSellerKey(dataDir, clock)

    const exchangeDir = ensureDataDir(join(dataDir, 'exchange'))
    const practice = options.practiceBuyer === false ? ['--no-practice-buyer'] : []
    const exchangeChild = startExchangeChild({
      args: ['--data', exchangeDir, ...practice, ...(options.exchangeArgs ?? [])],
      port: options.exchangePort ?? 0,
      portFile: join(dataDir, 'exchange-port'),
      clock,
      log,
      onProgress,
    })
    ending.add(() => exchangeChild.stop())

    const core = createHeadlessCore(options, { dataDir, signingKey, exchangeChild, clock, ids, log })
    ending.add(() => core.stop())

    const { url: exchangeUrl } = await exchangeChild.started
    core.start()
    const console_ = await openOnSomePort(options.orAnyPort === true, {
      dataDir,
      rendererDir: RENDERER,
      host,
      port,
      allowHosts: options.allowHosts ?? [],
      router: core.router,
      clock,
      ids,
      log,
      ...(tls === undefined ? {} : { tls }),
    })
    ending.add(() => console_.close())
    const resting = new AbortController()
    ending.add(() => resting.abort())
    void giveBackAtRest(clock, resting.signal)
    lock.publish(console_.url)
    const hasScreens = existsSync(join(RENDERER, 'index.html'))
    return { url: console_.url, exchangeUrl, core, hasScreens, link: () => console_.link(), stop: () => ending.run() }
  } catch (error) {
    await ending.run().catch(() => undefined)
    throw error
  }
}
