/** Keeps one exchange host process alive: its own process, its own database; it is a stranger to the core. */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

import { z } from 'zod'

import { StokerError } from '#contract/errors.ts'
import type { Clock } from '#contract/time.ts'
import type { Log } from '#lib/log.ts'

const ENTRY = fileURLToPath(new URL('../exchange-server/exchange-entry.ts', import.meta.url))
const FIRST_READY_MS = 20_000
/**
 * So many lives that ended before they were ready say that the next will too: about five seconds, in which a killed
 * owner's host lets go of folder and port.
 */
const FIRST_LIVES_MAX = 5
const BACKOFF_MS = 250
const BACKOFF_MAX_MS = 10_000
/** A host that lived this long starts its count afresh. */
const HEALTHY_MS = 30_000
const STOP_POLITE_MS = 3_000
const STOP_TERM_MS = 1_000
const WORDS_MAX = 1_000
const LAST_WORDS_MS = 250
/**
 * MB of each half of V8's young generation. By itself V8 doubles it with every burst of work, up to 128 MB for both
 * halves on a large machine, and hardly ever gives that back: the host would take 100 MB more after a thousand jobs of
 * which nothing stays alive. `npm start` gives its own process the same.
 */
const NODE_FLAGS = ['--max-semi-space-size=8']

const ready = z.object({
  t: z.literal('ready'),
  url: z.string().max(200),
  exchangeKey: z.string().max(64),
  pid: z.number().int(),
})
type ExchangeAddress = Omit<z.infer<typeof ready>, 't'>

export interface ExchangeChild {
  /**
   * Resolves with the first address. Error: UNAVAILABLE, in the host's own last words, when it does not come up in 20 s
   * or five attempts.
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
}

/** Asks by closing the IPC channel, then by SIGTERM, then by SIGKILL; resolves when the process is gone. */
async function endChild(child: ChildProcess, clock: Clock): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  const timer = new AbortController()
  const escalate = async (): Promise<void> => {
    await clock.sleep(STOP_POLITE_MS, { signal: timer.signal })
    child.kill('SIGTERM')
    await clock.sleep(STOP_TERM_MS, { signal: timer.signal })
    child.kill('SIGKILL')
  }
  escalate().catch(() => undefined)
  if (child.connected) child.disconnect()
  await exited
  timer.abort()
}

/** One life of the host: `ended` with its exit code and signal, `heard` when its last line was handed on. */
interface HostLife {
  child: ChildProcess
  ended: Promise<[number | null, string | null]>
  heard: Promise<void>
  stopHearing(): void
}

function forkHost(args: readonly string[], port: number, hear: (line: string) => void): HostLife {
  const child = fork(ENTRY, [...args, '--port', String(port)], {
    execPath: process.execPath,
    execArgv: NODE_FLAGS,
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

/** Starts it and keeps it running: one at a time, restarted with back-off after any exit that was not asked for. */
export function startExchangeChild(options: ExchangeChildOptions): ExchangeChild {
  const { clock, log } = options
  const stopping = new AbortController()
  let child: ChildProcess | null = null
  let address: ExchangeAddress | null = null
  let port = options.port
  let onFirst: (address: ExchangeAddress) => void = () => undefined
  let onHopeless: () => void = () => undefined
  let lastWords = ''

  /**
   * Passes on what a running host writes; before it is ready only its log, since its last plain line is told as the
   * reason.
   */
  const hear = (line: string): void => {
    const isLog = line.startsWith('{')
    if (!isLog && line.trim() !== '') lastWords = line.trim().slice(0, WORDS_MAX)
    if (isLog || address !== null) process.stderr.write(`${line}\n`)
  }

  /** One life of the process; resolves when it has exited. */
  const live = async (): Promise<void> => {
    const host = forkHost(options.args, port, hear)
    child = host.child
    host.child.on('message', (message) => {
      const parsed = ready.safeParse(message)
      if (!parsed.success) return
      address = { url: parsed.data.url, exchangeKey: parsed.data.exchangeKey, pid: parsed.data.pid }
      port = Number(new URL(address.url).port)
      onFirst(address)
    })
    const [code, signal] = await host.ended
    // Its last words may come after its end.
    await Promise.race([host.heard, clock.sleep(LAST_WORDS_MS, { unref: true })])
    host.stopHearing()
    // Without one ready message the port may be what is wrong: take any the next time, unless it was asked for by
    // number.
    if (address === null) port = options.port
    address = null
    child = null
    if (!stopping.signal.aborted) log.warn({ code, signal, lastWords }, 'the exchange host ended; it is started again')
  }
  const keep = async (): Promise<void> => {
    for (let attempt = 0; !stopping.signal.aborted; attempt += 1) {
      const bornAt = clock.mono()
      await live()
      if (clock.mono() - bornAt > HEALTHY_MS) attempt = 0
      if (attempt + 1 >= FIRST_LIVES_MAX) onHopeless()
      await clock
        .sleep(Math.min(BACKOFF_MAX_MS, BACKOFF_MS * 2 ** Math.min(attempt, 6)), { signal: stopping.signal })
        .catch(() => undefined)
    }
  }
  const started = new Promise<ExchangeAddress>((resolve, reject) => {
    onFirst = resolve
    onHopeless = () =>
      reject(
        new StokerError(
          'UNAVAILABLE',
          `the exchange host did not come up: ${lastWords === '' ? 'run `stoker exchange` alone to see why' : lastWords}`,
        ),
      )
    clock.sleep(FIRST_READY_MS, { signal: stopping.signal, unref: true }).then(
      () => onHopeless(),
      () => reject(new StokerError('CANCELLED', 'stopped before the exchange host came up')),
    )
  })
  started.catch(() => undefined)
  const done = keep()
  return {
    started,
    address: () => address,
    async stop() {
      stopping.abort()
      if (child !== null) await endChild(child, clock)
      await done
    },
  }
}
