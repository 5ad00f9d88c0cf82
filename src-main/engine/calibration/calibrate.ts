/**
 * Short measurements of a model on this machine: which number of processes and threads, and which batch size, serve it
 * fastest. Loads it in hosts of its own, which are stopped afterwards.
 */
import { fail, StokerError } from '#contract/errors.ts'
import type { Clock } from '#contract/time.ts'
import type { EngineGpu, EnginePort, EngineSettings, ModelFile } from '#core/engine/engine.port.ts'
import type { CalibrateOptions, Calibration, CalibrationPoint } from '#core/engine/engines.port.ts'
import type { Log } from '#lib/log.ts'

import { createBurstMeter, type BurstMeter } from './bursts.ts'
import { bestSetup, nearly, oneEach, severalProcesses, streamCounts, threadCounts, type Setup } from './setups.ts'
import type { LocalMember } from '../client/engine-client.ts'
import { createPool } from '../pool/pool.ts'
import { localKind } from '../pool/local-pool.ts'
import { othersNow } from './other-programs.ts'
import { usableCores } from '../host/processor/busy-cores.ts'

interface CalibrateDeps {
  /** One host process behind the port; `gpu`: the only one it sees, all when null. */
  make: (gpu: number | null) => LocalMember
  /** GPUs of this machine; asked when layers lie there. None by default. */
  gpus?: () => Promise<readonly EngineGpu[]>
  clock: Clock
  log: Log
  /** Cores that may be used; this machine's by default. */
  cores?: number
  /** Cores that other programs use now; measured by default. */
  others?: () => Promise<number>
}

/** After this time no further setup is started, unless the caller sets another budget. */
const BUDGET_MS = 14_000
/** Longer contexts cost memory and load time, and do not change the speed. */
const CONTEXT_TOKENS = 1_024
const BATCHES = [512, 256, 128]
/** A smaller batch must prefill this much faster to be chosen; larger ones share a step among more prefills. */
const BATCH_GAIN = 1.05
const PROMPT_SECONDS = 0.6
/** Prefill must be this much faster to be worth threads that decodes do not need. */
const PROMPT_GAIN = 1.2
/** Fewer prompt tokens do not fill a batch, and show nothing about its size. */
const BATCH_TOKENS_MIN = 512
/** A setup below this share of the best rate with all slots is not measured further. */
const HOPELESS = 0.6
/** If other programs use more than this share of a core, the figures are doubtful. */
const BUSY_CORES = 0.2

class Calibrating {
  readonly #points: CalibrationPoint[] = []
  readonly #setups: Setup[] = []
  /** Numbers of processes that fit into memory. */
  readonly #roomFor = new Set<number>()
  readonly #deps: Required<CalibrateDeps>
  readonly #call: CalibrateOptions
  readonly #model: ModelFile
  readonly #settings: EngineSettings
  readonly #meter: BurstMeter
  readonly #began: number
  #of = BATCHES.length
  #several: Setup[] = []
  /** More threads than decodes need, because prefill gains by them. */
  #raised: { from: number; to: number } | null = null
  #done = 0

  constructor(deps: Required<CalibrateDeps>, model: ModelFile, settings: EngineSettings, call: CalibrateOptions) {
    this.#deps = deps
    this.#call = call
    this.#model = model
    this.#settings = {
      ...settings,
      contextTokens: Math.min(settings.contextTokens, CONTEXT_TOKENS),
      gpus: 'together',
      prefixReuse: false,
      savedPrefixBytes: 0,
      batchTokens: BATCHES[0] ?? 512,
    }
    this.#began = deps.clock.mono()
    this.#meter = createBurstMeter({
      clock: deps.clock,
      signal: call.signal,
      contextTokens: this.#settings.contextTokens,
    })
  }

  async run(): Promise<Calibration> {
    const { clock, log, others } = this.#deps
    this.#several = await this.#severalSetups()
    this.#of =
      (this.#threads.length + this.#several.length) * streamCounts(this.#settings.slots).length + BATCHES.length
    const used = await others()
    const quiet = used <= BUSY_CORES
    if (!quiet)
      log.warn(
        { sha256: this.#model.sha256, cores: Number(used.toFixed(2)) },
        'other programs use the processor while this model is measured; the figures are lower than on a quiet machine',
      )
    const { batchTokens, rate } = await this.#oneProcess(quiet)
    // On GPUs the comparison is the purpose, however long the load took.
    for (const setup of this.#several)
      if (this.#onGpu || (!this.#isLate && this.#roomFor.has(setup.processes))) await this.#severalProcesses(setup)
    const found = bestSetup(this.#points, this.#setups, this.#settings.slots, quiet)
    const best =
      found.processes === 1 && found.threads === this.#raised?.from ? { ...found, threads: this.#raised.to } : found
    this.#call.onProgress(this.#of, this.#of)
    return {
      settings: { ...best, batchTokens },
      promptTokensPerSecond: rate,
      points: this.#points,
      durationMs: Math.round(clock.mono() - this.#began),
      quiet,
      onGpu: this.#onGpu,
    }
  }

  get #onGpu(): boolean {
    return this.#settings.gpuLayers > 0
  }

  get #threads(): number[] {
    return this.#onGpu ? [Math.min(this.#settings.threads, this.#deps.cores)] : threadCounts(this.#deps.cores)
  }

  /**
   * The setups that are compared with a single process. On GPUs they are simply loaded: GPUs have memory of their own, so
   * a load that does not fit fails without displacing anything.
   */
  async #severalSetups(): Promise<Setup[]> {
    const { cores, gpus } = this.#deps
    if (!this.#onGpu) return severalProcesses(cores, this.#settings.slots)
    return oneEach((await gpus()).length, this.#settings.slots, this.#threads[0] ?? 1)
  }

  get #isLate(): boolean {
    return this.#deps.clock.mono() - this.#began > (this.#call.budgetMs ?? BUDGET_MS)
  }

  #step(count = 1): void {
    this.#done = Math.min(this.#of, this.#done + count)
    this.#call.onProgress(this.#done, this.#of)
  }

  /** Loaded once for all thread counts; then once for each size of the batch. */
  async #oneProcess(quiet: boolean): Promise<{ batchTokens: number; rate: number }> {
    const engine = this.#deps.make(null)
    const most = this.#threads[0] ?? 1
    return this.#during(engine, async () => {
      await this.#checkRoom(engine)
      await engine.load(this.#model, { ...this.#settings, processes: 1, threads: most })
      const guess = await this.#meter.warmUp(engine)
      for (const threads of this.#threads) {
        if (this.#isLate && this.#setups.length > 0) break
        engine.setThreadLimit(threads)
        await this.#streams(engine, { processes: 1, threads, gpus: 'together' })
      }
      const decoding = bestSetup(this.#points, this.#setups, this.#settings.slots, quiet).threads
      const threads = await this.#withPrompts(engine, { decoding, most, guess })
      engine.setThreadLimit(threads)
      return this.#batches(engine, threads, guess)
    })
  }

  /**
   * Prefill may gain by threads that decodes do not need. The engine uses fewer threads for steps that are faster with
   * fewer, but never more than it was given.
   */
  async #withPrompts(
    engine: LocalMember,
    { decoding, most, guess }: { decoding: number; most: number; guess: number },
  ): Promise<number> {
    if (decoding === most || this.#isLate || !nearly(this.#points, { decoding, most, slots: this.#settings.slots }))
      return decoding
    const rates: number[] = []
    for (const threads of [decoding, most]) {
      engine.setThreadLimit(threads)
      rates.push((await this.#meter.prompts(engine, { count: 1, expected: guess, seconds: PROMPT_SECONDS / 2 })).rate)
    }
    const [fewer = 0, all = 0] = rates
    if (all < fewer * PROMPT_GAIN) return decoding
    this.#raised = { from: decoding, to: most }
    return most
  }

  async #batches(engine: EnginePort, threads: number, guess: number): Promise<{ batchTokens: number; rate: number }> {
    const count = Math.min(this.#settings.slots, 4)
    const prompts = (expected: number): Promise<{ rate: number; tokens: number }> =>
      this.#meter.prompts(engine, { count, expected, seconds: PROMPT_SECONDS })
    const short = await this.#meter.prompts(engine, { count: 1, expected: guess, seconds: PROMPT_SECONDS / 2 })
    if (this.#isLate) return { batchTokens: this.#settings.batchTokens ?? 512, rate: short.rate }
    const first = await prompts(short.rate)
    let best = { batchTokens: this.#settings.batchTokens ?? 512, rate: first.rate }
    this.#step()
    if (first.tokens < BATCH_TOKENS_MIN || count < 2) return best
    for (const batchTokens of BATCHES.slice(1)) {
      if (this.#isLate) break
      await engine.load(this.#model, { ...this.#settings, processes: 1, threads, batchTokens })
      await this.#meter.warmUp(engine)
      const { rate } = await prompts(first.rate)
      if (rate > best.rate * BATCH_GAIN) best = { batchTokens, rate }
      this.#step()
    }
    return best
  }

  async #severalProcesses(setup: Setup): Promise<void> {
    const { make, gpus, clock } = this.#deps
    const pool = createPool({ kind: localKind(make, gpus), clock })
    await this.#during(pool, async () => {
      await pool.load(this.#model, { ...this.#settings, ...setup })
      await this.#meter.warmUp(pool)
      await this.#streams(pool, setup)
    }).catch((error: unknown) => {
      // Memory for one process may not be enough for several; the other setups may still fit.
      if (this.#call.signal.aborted || !(error instanceof StokerError) || !error.code.startsWith('ENGINE_')) throw error
      this.#deps.log.warn({ err: error, ...setup }, 'this number of processes could not be measured')
    })
  }

  /** Checked before the first load, which takes free memory. */
  async #checkRoom(engine: LocalMember): Promise<void> {
    if (this.#onGpu) return
    for (const processes of new Set(this.#several.map((setup) => setup.processes)))
      if ((await engine.inspect(this.#model.path, { ...this.#settings, processes })).memory.fits === 'yes')
        this.#roomFor.add(processes)
  }

  async #streams(engine: EnginePort, setup: Setup): Promise<void> {
    const { slots } = this.#settings
    const counts = streamCounts(slots)
    this.#setups.push(setup)
    for (const [index, streams] of counts.entries()) {
      // All slots and a single stream decide; the other points only inform the owner.
      if (index > 1 && this.#isLate) return this.#step(counts.length - index)
      const tokensPerSecond = await this.#meter.decode(engine, streams)
      this.#points.push({ processes: setup.processes, threads: setup.threads, streams, tokensPerSecond })
      this.#step()
      const best = Math.max(
        ...this.#points.filter((point) => point.streams === slots).map((point) => point.tokensPerSecond),
      )
      if (index === 0 && tokensPerSecond < best * HOPELESS) return this.#step(counts.length - 1)
    }
  }

  /** Stops the engine in any case, and at once when the measurement is cancelled. */
  async #during<T>(engine: EnginePort, work: () => Promise<T>): Promise<T> {
    const { signal } = this.#call
    signal.throwIfAborted()
    const stop = (): void => void engine.stop().catch(() => undefined)
    signal.addEventListener('abort', stop, { once: true })
    try {
      return await work()
    } finally {
      signal.removeEventListener('abort', stop)
      await engine.stop()
    }
  }
}

/** Takes some seconds; a large model gets fewer points. Errors: CANCELLED, MODEL_*, ENGINE_*. */
export async function calibrate(
  deps: CalibrateDeps,
  model: ModelFile,
  settings: EngineSettings,
  call: CalibrateOptions,
): Promise<Calibration> {
  const { cores = usableCores(), others = () => othersNow(deps.clock, cores), gpus = async () => [] } = deps
  try {
    call.signal.throwIfAborted()
    return await new Calibrating({ ...deps, cores, others, gpus }, model, settings, call).run()
  } catch (error) {
    if (call.signal.aborted)
      throw fail(
        'measure.stoppedEarly',
        {},
        {
          cause: error,
        },
      )
    throw error
  }
}
