/** Keeps one exchange host process alive: its own process, its own database; it is a stranger to the core. */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

import { z } from 'zod'

import { StokerError } from '#contract/errors.ts'
import type { Clock } from '#contract/time.ts'
import type { Log } from '#lib/log.ts'

const ENTRY = fileURLToPath(new URL('../market/entry.ts', import.meta.url))
const FIRST_READY_MS = 20_000
const BACKOFF_MS = 250
const BACKOFF_MAX_MS = 10_000
/** A host that lived this long starts its count afresh. */
const HEALTHY_MS = 30_000
const STOP_POLITE_MS = 3_000
const STOP_TERM_MS = 1_000

const ready = z.object({ t: z.literal('ready'), url: z.string().max(200), exchangeKey: z.string().max(64), pid: z.number().int() })
type ExchangeAddress = Omit<z.infer<typeof ready>, 't'>

export interface ExchangeChild {
  /** Resolves with the first address. Error: UNAVAILABLE when it does not come up in 20 s. */
  readonly started: Promise<ExchangeAddress>
  /** Where it listens now; null while it restarts. */
  address(): ExchangeAddress | null
  /** Ends it in at most about 5 s; nothing is forked afterwards. */
  stop(): Promise<void>
}

export interface ExchangeChildOptions {
  /** Arguments of the host entry, `--port` apart. */
  readonly args: readonly string[]
  /** 0 picks a free one; a restart asks for the same again, so that buyers' addresses hold. */
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

/** Starts it and keeps it running: one at a time, restarted with back-off after any exit that was not asked for. */
export function startExchangeChild(options: ExchangeChildOptions): ExchangeChild {
  const { clock, log } = options
  const stopping = new AbortController()
  let child: ChildProcess | null = null
  let address: ExchangeAddress | null = null
  let port = options.port
  let onFirst: (address: ExchangeAddress) => void = () => undefined

  /** One life of the process; resolves when it has exited. */
  const live = async (): Promise<void> => {
    const process_ = fork(ENTRY, [...options.args, '--port', String(port)], { execPath: process.execPath, execArgv: [], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
    child = process_
    process_.on('message', (message) => {
      const parsed = ready.safeParse(message)
      if (!parsed.success) return
      address = { url: parsed.data.url, exchangeKey: parsed.data.exchangeKey, pid: parsed.data.pid }
      port = Number(new URL(address.url).port)
      onFirst(address)
    })
    const [code, signal] = (await Promise.race([once(process_, 'exit'), once(process_, 'error').then(() => [null, 'spawn'])])) as [number | null, string | null]
    // Without one ready message the port may be what is wrong: take any the next time.
    if (address === null) port = 0
    address = null
    child = null
    if (!stopping.signal.aborted) log.warn({ code, signal }, 'the exchange host ended; it is started again')
  }
  const keep = async (): Promise<void> => {
    for (let attempt = 0; !stopping.signal.aborted; attempt += 1) {
      const bornAt = clock.mono()
      await live()
      if (clock.mono() - bornAt > HEALTHY_MS) attempt = 0
      await clock.sleep(Math.min(BACKOFF_MAX_MS, BACKOFF_MS * 2 ** Math.min(attempt, 6)), { signal: stopping.signal }).catch(() => undefined)
    }
  }
  const started = new Promise<ExchangeAddress>((resolve, reject) => {
    onFirst = resolve
    clock.sleep(FIRST_READY_MS, { signal: stopping.signal, unref: true }).then(
      () => reject(new StokerError('UNAVAILABLE', 'the exchange host did not come up within 20 s; run `stoker exchange` alone to see why')),
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
