/** Keeps one exchange host process alive: its own process, its own database; it is a stranger to the core. */
import { fork, type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

import { z } from 'zod'

import { fail, fromErrorValue, inWords, type StokerError } from '#contract/errors.ts'
import { because, type Reason } from '#contract/reasons.ts'
import type { Clock } from '#contract/time.ts'
import { childEnvironment } from '#lib/child-environment.ts'
import { CHILD_POLICIES } from '#lib/child-policies.ts'
import { endReason, whyAway } from '#lib/child-reason.ts'
import { childWord } from '#lib/child-words.ts'
import { readStatedEnd, reasonOfEnd } from '#lib/exit-codes.ts'
import { lastPlainLine } from '#lib/last-words.ts'
import type { Log } from '#lib/log.ts'
import {
  SupervisedChild,
  type ChildEnd,
  type ChildExit,
  type ChildState,
  type LifeSigns,
  type SupervisedLife,
} from '#lib/supervise.ts'

import { rememberedPort, type PortMemory } from './exchange-port.ts'

const ENTRY = fileURLToPath(new URL('../exchange-server/exchange-entry.ts', import.meta.url))
const LAST_WORDS_MS = 250
/**
 * MB of each half of V8's young generation. By itself V8 doubles it with every burst of work, up to 128 MB for both
 * halves on a large machine, and hardly ever gives that back: the host would take 100 MB more after a thousand jobs of
 * which nothing stays alive. `npm start` gives its own process twice as much. The old generation then grows by a third of
 * what is alive before it is collected, not fourfold: what strangers throw away is not kept (`bench:flood`).
 */
export const EXCHANGE_NODE_FLAGS = ['--max-semi-space-size=4', '--optimize-for-size']

const ready = z.object({
  t: z.literal('ready'),
  url: z.string().max(200),
  exchangeKey: z.string().max(64),
  pid: z.number().int(),
})
type ExchangeAddress = Omit<z.infer<typeof ready>, 't'>

export interface ExchangeChild {
  /**
   * Resolves with the first address. Error: what the host itself stated, else UNAVAILABLE in its own last words, when it
   * is given up before it ever came up (child-policies.ts).
   */
  readonly started: Promise<ExchangeAddress>
  /** Where it listens now; null while it restarts. */
  address(): ExchangeAddress | null
  /** What its supervisor says of it. */
  state(): ChildState
  /** Why there is no address, in words for the owner; null while it is there or comes up as usual. */
  whyAway(): Reason | null
  /** Ends it in the policy's time; nothing is forked afterwards. */
  stop(): Promise<void>
}

export interface ExchangeChildOptions {
  /** Arguments of the host entry, `--port` apart. */
  readonly args: readonly string[]
  /** A named one is kept or nothing is; 0 takes the remembered one where it can be had, so that buyers' addresses hold. */
  readonly port: number
  /** File in which the port is remembered over restarts of Stoker; only this process otherwise. */
  readonly portFile?: string
  readonly clock: Clock
  readonly log: Log
  /** Lines for the owner: how far a migration is, that it is started again, that it listens elsewhere now. */
  readonly onProgress?: (line: string) => void
  /** Another entry, in tests only. */
  readonly entry?: string
  /** Uniform on [0, 1), for the jitter of pauses. */
  readonly random?: () => number
}

interface Host {
  child: ChildProcess
  /** With its last plain line, which names the reason of its end. */
  exit: Promise<ChildExit>
}

/** Forks it; `hear` gets each line of its standard error. */
function forkHost(
  { args, entry = ENTRY, clock }: ExchangeChildOptions,
  ports: string[],
  hear: (line: string) => void,
): Host {
  const child = fork(entry, [...args, ...ports], {
    execPath: process.execPath,
    execArgv: EXCHANGE_NODE_FLAGS,
    env: childEnvironment('exchange', process.env),
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  let lastWords = ''
  const lines = createInterface({ input: child.stderr! }).on('line', (line) => {
    lastWords = lastPlainLine(line) ?? lastWords
    hear(line)
  })
  const heard = new Promise<void>((resolve) => lines.once('close', resolve))
  const exit = new Promise<ChildExit>((resolve) => {
    // Its last words may come after its end.
    const end = async (code: number | null, signal: string | null): Promise<void> => {
      await Promise.race([heard, clock.sleep(LAST_WORDS_MS, { unref: true })])
      lines.close()
      const unspoken = reasonOfEnd({ code, signal }, args[args.indexOf('--data') + 1] ?? '')
      resolve({ code, signal, words: unspoken?.message ?? lastWords })
    }
    child.once('exit', (code, signal) => void end(code, signal))
    // A child that never started has no exit event.
    child.once('error', () => child.pid === undefined && void end(null, null))
  })
  return { child, exit }
}

class KeptExchangeChild implements ExchangeChild {
  readonly started: Promise<ExchangeAddress>
  readonly #options: ExchangeChildOptions
  readonly #supervised: SupervisedChild<SupervisedLife>
  readonly #port: PortMemory
  readonly #first = Promise.withResolvers<ExchangeAddress>()
  #address: ExchangeAddress | null = null
  /** What the last life said itself about why it ends. */
  #stated: StokerError | null = null

  constructor(options: ExchangeChildOptions) {
    this.#options = options
    this.#port = rememberedPort(options)
    this.started = this.#first.promise
    this.started.catch(() => undefined)
    const { clock, log, random } = options
    this.#supervised = new SupervisedChild({
      name: 'exchange host',
      policy: CHILD_POLICIES.exchange,
      clock,
      log,
      ...(random === undefined ? {} : { random }),
      start: (signs) => this.#start(signs),
      failed: (end) => this.#failure(end),
      onState: (state) => this.#onState(state),
      onEnd: () => {
        this.#address = null
        return true
      },
    })
    this.#supervised.started().catch(() => undefined)
  }

  address(): ExchangeAddress | null {
    return this.#address
  }

  state(): ChildState {
    return this.#supervised.state
  }

  whyAway(): Reason | null {
    return whyAway(this.state(), this.#stated?.reason ?? null)
  }

  async stop(): Promise<void> {
    this.#first.reject(fail('exchangeHost.stopped'))
    await this.#supervised.stop()
    this.#address = null
  }

  /** One life of the process. */
  #start(signs: LifeSigns): SupervisedLife {
    const hear = (line: string): void => {
      // A plain line of one that is not up is told as the reason; its log is the log.
      if (line.startsWith('{') || this.#address !== null) process.stderr.write(`${line}\n`)
    }
    const { child, exit } = forkHost(this.#options, this.#port.args(), hear)
    this.#stated = null
    child.on('message', (message) => this.#onMessage(message, signs))
    return {
      pid: child.pid ?? null,
      ask: () => child.connected && child.disconnect(),
      terminate: () => void child.kill('SIGTERM'),
      kill: () => void child.kill('SIGKILL'),
      onExit: (listener) => void exit.then(listener),
    }
  }

  #onMessage(message: unknown, signs: LifeSigns): void {
    signs.heard()
    const word = childWord(message)
    if (word?.t === 'busy') {
      if (word.task === null) return signs.done()
      signs.busy(word.task, word.text)
      return this.#options.onProgress?.(word.text)
    }
    const stated = readStatedEnd(message)
    if (stated !== null) {
      this.#stated = fromErrorValue(stated.error)
      return
    }
    const { data: address } = ready.safeParse(message)
    if (address === undefined) return
    const moved = this.#port.moved(Number(new URL(address.url).port))
    if (moved !== null) this.#options.onProgress?.(inWords(because('exchangeHost.moved', moved)))
    const { url, exchangeKey, pid } = address
    this.#address = { url, exchangeKey, pid }
    signs.ready()
    this.#first.resolve(this.#address)
  }

  #onState(state: ChildState): void {
    if (state.kind === 'givenUp') this.#first.reject(this.#failure(state.last))
    const why = state.kind === 'backoff' ? this.whyAway() : null
    if (why !== null) this.#options.onProgress?.(inWords(why))
  }

  #failure(end: ChildEnd | null): StokerError {
    return this.#stated ?? fail('exchangeHost.failed', { why: endReason(end, null) })
  }
}

/** Starts it and keeps it running: one at a time, restarted with back-off after any end that was not asked for. */
export const startExchangeChild = (options: ExchangeChildOptions): ExchangeChild => new KeptExchangeChild(options)
