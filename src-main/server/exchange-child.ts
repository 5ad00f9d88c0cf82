/** Keeps one exchange host process alive: its own process, its own database; it is a stranger to the core. */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

import { z } from 'zod'

import { fail } from '#contract/errors.ts'
import { because } from '#contract/reasons.ts'
import type { Clock } from '#contract/time.ts'
import type { Log } from '#lib/log.ts'
import { CHILD_POLICIES, endChild, keepRunning, watchReady, type ReadyWatch } from '#lib/supervise.ts'

const ENTRY = fileURLToPath(new URL('../exchange-server/exchange-entry.ts', import.meta.url))
const POLICY = CHILD_POLICIES.serverExchange
const WORDS_MAX = 1_000
const LAST_WORDS_MS = 250
/**
 * MB of each half of V8's young generation. By itself V8 doubles it with every burst of work, up to 128 MB for both
 * halves on a large machine, and hardly ever gives that back: the host would take 100 MB more after a thousand jobs of
 * which nothing stays alive. `npm start` gives its own process twice as much. The old generation then grows by a
 * third of what is alive before it is collected, not fourfold: what strangers throw away is not kept (`bench:flood`).
 */
export const EXCHANGE_NODE_FLAGS = ['--max-semi-space-size=4', '--optimize-for-size']

const ready = z.object({
  t: z.literal('ready'),
  url: z.string().max(200),
  exchangeKey: z.string().max(64),
  pid: z.number().int(),
})
type ExchangeAddress = Omit<z.infer<typeof ready>, 't'>
/** It brings its database up to date: `text` is a line for the owner, null when it is done. */
const migrating = z.object({ t: z.literal('migrating'), text: z.string().max(300).nullable() })

export interface ExchangeChild {
  /**
   * Resolves with the first address. Error: UNAVAILABLE, in the host's own last words, when it does not come up in 20 s
   * (beside the time its migrations take) or five attempts.
   */
  readonly started: Promise<ExchangeAddress>
  /** Where it listens now; null while it restarts. */
  address(): ExchangeAddress | null
  /** Ends it in at most about 5 s; nothing is forked afterwards. */
  stop(): Promise<void>
}

export interface ExchangeChildOptions {
  /** Arguments of the host entry, `--port` apart. */
  readonly args: readonly string[]
  /**
   * 0 picks a free one, and a restart asks for the same again where it can be had, so that buyers' addresses hold. A
   * named one is kept or nothing is.
   */
  readonly port: number
  readonly clock: Clock
  readonly log: Log
  /** Lines for the owner: how far a migration is. */
  readonly onProgress?: (line: string) => void
  /** Another entry, in tests only. */
  readonly entry?: string
}

/** Asks by closing the IPC channel, then by SIGTERM, then by SIGKILL; resolves when the process is gone. */
async function endHost(child: ChildProcess, clock: Clock): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  await endChild(clock, exited, POLICY.end, {
    ask: () => child.connected && child.disconnect(),
    terminate: () => void child.kill('SIGTERM'),
    kill: () => void child.kill('SIGKILL'),
  })
  await exited
}

/** One life of the host: `ended` with its exit code and signal, `heard` when its last line was handed on. */
interface HostLife {
  child: ChildProcess
  ended: Promise<[number | null, string | null]>
  heard: Promise<void>
  stopHearing(): void
}

function forkHost({ args, entry = ENTRY }: ExchangeChildOptions, port: number, hear: (line: string) => void): HostLife {
  const child = fork(entry, [...args, '--port', String(port)], {
    execPath: process.execPath,
    execArgv: EXCHANGE_NODE_FLAGS,
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  const lines = createInterface({ input: child.stderr! }).on('line', hear)
  return {
    child,
    ended: Promise.race([once(child, 'exit'), once(child, 'error').then(() => [null, 'spawn'])]) as HostLife['ended'],
    heard: new Promise<void>((resolve) => lines.once('close', resolve)),
    stopHearing: () => lines.close(),
  }
}

interface FirstStart extends ReadyWatch {
  readonly started: Promise<ExchangeAddress>
  come(address: ExchangeAddress): void
  fail(): void
}

/** The promise of the first address; it fails when the time is over, and when the end was asked for before. */
function firstStart(clock: Clock, stopping: AbortSignal, lastWords: () => string): FirstStart {
  const { promise: started, resolve: come, reject } = Promise.withResolvers<ExchangeAddress>()
  started.catch(() => undefined)
  const giveUp = (): void => {
    const why = lastWords() === '' ? because('exchangeHost.seeWhy') : lastWords()
    reject(fail('exchangeHost.failed', { why }))
  }
  stopping.addEventListener('abort', () => reject(fail('exchangeHost.stopped')))
  return { started, come, fail: giveUp, ...watchReady(clock, POLICY.readyMs, stopping, giveUp) }
}

/** Starts it and keeps it running: one at a time, restarted with back-off after any exit that was not asked for. */
export function startExchangeChild(options: ExchangeChildOptions): ExchangeChild {
  const { clock, log } = options
  const stopping = new AbortController()
  let child: ChildProcess | null = null
  let address: ExchangeAddress | null = null
  let port = options.port
  let lastWords = ''
  const first = firstStart(clock, stopping.signal, () => lastWords)

  /**
   * Passes on what a running host writes; before it is ready only its log, since its last plain line is told as the
   * reason.
   */
  const hear = (line: string): void => {
    const isLog = line.startsWith('{')
    if (!isLog && line.trim() !== '') lastWords = line.trim().slice(0, WORDS_MAX)
    if (isLog || address !== null) process.stderr.write(`${line}\n`)
  }

  const onMigrating = (text: string | null): void => {
    if (text === null) return first.done()
    first.busy()
    options.onProgress?.(text)
  }

  /** One life of the process; resolves when it has exited. */
  const live = async (): Promise<void> => {
    const host = forkHost(options, port, hear)
    child = host.child
    host.child.on('message', (message) => {
      const progress = migrating.safeParse(message)
      if (progress.success) return onMigrating(progress.data.text)
      const parsed = ready.safeParse(message)
      if (!parsed.success) return
      address = { url: parsed.data.url, exchangeKey: parsed.data.exchangeKey, pid: parsed.data.pid }
      port = Number(new URL(address.url).port)
      first.come(address)
    })
    const [code, signal] = await host.ended
    // Its last words may come after its end.
    await Promise.race([host.heard, clock.sleep(LAST_WORDS_MS, { unref: true })])
    host.stopHearing()
    first.done()
    // Without one ready message the port may be what is wrong: take any the next time, unless it was asked for by
    // number.
    if (address === null) port = options.port
    address = null
    child = null
    if (!stopping.signal.aborted) log.warn({ code, signal, lastWords }, 'the exchange host ended; it is started again')
  }
  const done = keepRunning(clock, POLICY, live, {
    signal: stopping.signal,
    onFailed: (failures) => {
      if (failures >= POLICY.failuresMax) first.fail()
    },
  })
  return {
    started: first.started,
    address: () => address,
    async stop() {
      stopping.abort()
      if (child !== null) await endHost(child, clock)
      await done
    },
  }
}
