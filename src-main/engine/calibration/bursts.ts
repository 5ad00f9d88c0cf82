/** Short loads on an engine, submitted as jobs are, and the speeds that they show. */
import { fromErrorValue } from '#contract/errors.ts'
import { engineRequest, type EngineRequest } from '#contract/inference.ts'
import type { Clock } from '#contract/time.ts'
import type { EngineDone, EnginePort } from '#core/engine/engine.port.ts'

export interface BurstMeter {
  /** Decoded tokens per second of all streams together, prompts left out. */
  decode(engine: EnginePort, streams: number): Promise<number>
  /**
   * `count` prompts at once, long enough to take `seconds` together at `expected` tokens per second. Returns the measured
   * rate and the number of prompt tokens.
   */
  prompts(
    engine: EnginePort,
    load: { count: number; expected: number; seconds: number },
  ): Promise<{ rate: number; tokens: number }>
  /** One short job, which reads the weights in; returns a first estimate of the prompt rate. */
  warmUp(engine: EnginePort): Promise<number>
}

interface BurstMeterDeps {
  clock: Clock
  signal: AbortSignal
  contextTokens: number
}

const BURST_MS = 400
/** Time for a slow model to generate some tokens on every stream. */
const BURST_MAX_MS = 2_000
const DELTAS_EACH = 6
const LOOK_MS = 20
const WARM_UP_TOKENS = 8
const WORDS = ['river', 'stone', 'seven', 'lamp', 'over', 'green', 'count', 'paper']

interface BurstJob {
  done: Promise<EngineDone>
  deltas(): number
  cancel(): void
}

/** A prompt of about `letters` letters. Prompts of different serials share no prefix that could be reused. */
function requestOf(serial: number, letters: number, maxTokens: number): EngineRequest {
  const words = [String((serial * 7_919) % 100_000)]
  for (let length = words[0]!.length; length < letters; length += words.at(-1)!.length + 1)
    words.push(WORDS[(serial + words.length * 5) % WORDS.length]!)
  return engineRequest.parse({
    messages: [],
    prompt: words.join(' '),
    maxTokens: Math.max(1, maxTokens),
    ignoreEos: true,
  })
}

function startJob(engine: EnginePort, id: string, request: EngineRequest): BurstJob {
  let deltas = 0
  const done = new Promise<EngineDone>((resolve, reject) => {
    engine.submit(
      id,
      request,
      { onDelta: () => void (deltas += 1), onDone: resolve, onError: (error) => reject(fromErrorValue(error)) },
      { priority: 'own' },
    )
  })
  done.catch(() => undefined)
  return { done, deltas: () => deltas, cancel: () => engine.cancel(id) }
}

/** Waits for all jobs, or for the first failure or the signal; jobs that still run then are cancelled. */
async function allDone(jobs: readonly BurstJob[], signal: AbortSignal): Promise<EngineDone[]> {
  const aborted = Promise.withResolvers<never>()
  const onAbort = (): void => aborted.reject(signal.reason as Error)
  signal.throwIfAborted()
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([Promise.all(jobs.map(({ done }) => done)), aborted.promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
    for (const job of jobs) job.cancel()
  }
}

export function createBurstMeter({ clock, signal, contextTokens }: BurstMeterDeps): BurstMeter {
  let serial = 0
  /** Learned from the prompt of the warm-up. */
  let lettersPerToken = 1

  function start(engine: EnginePort, letters: number, maxTokens: number): BurstJob {
    serial += 1
    return startJob(engine, `measure-${serial}`, requestOf(serial, letters, maxTokens))
  }

  async function cancelAfterBurst(jobs: readonly BurstJob[]): Promise<void> {
    const began = clock.mono()
    for (;;) {
      await clock.sleep(LOOK_MS, { signal })
      const passed = clock.mono() - began
      const enough = jobs.reduce((sum, job) => sum + job.deltas(), 0) >= DELTAS_EACH * jobs.length
      if (passed >= BURST_MAX_MS || (passed >= BURST_MS && enough)) break
    }
    for (const job of jobs) job.cancel()
  }

  return {
    async decode(engine, streams) {
      const jobs = Array.from({ length: streams }, () => start(engine, 1, contextTokens - 16))
      cancelAfterBurst(jobs).catch(() => undefined)
      return (await allDone(jobs, signal)).reduce((sum, done) => sum + decodeRate(done), 0)
    },
    async prompts(engine, { count, expected, seconds }) {
      const most = Math.floor(contextTokens * 0.75)
      const each = Math.max(8, Math.min(most, Math.floor((expected * seconds) / count)))
      const began = clock.mono()
      const jobs = Array.from({ length: count }, () => start(engine, each * lettersPerToken, 1))
      const tokens = (await allDone(jobs, signal)).reduce((sum, { usage }) => sum + usage.promptTokens, 0)
      return { rate: (tokens / Math.max(1, clock.mono() - began)) * 1_000, tokens }
    },
    async warmUp(engine) {
      const letters = Math.min(48, Math.floor(contextTokens / 2))
      const [done] = await allDone([start(engine, letters, WARM_UP_TOKENS)], signal)
      if (done === undefined) return 0
      const tokens = Math.max(1, done.usage.promptTokens)
      lettersPerToken = Math.max(1, Math.min(6, letters / tokens))
      return (tokens / Math.max(1, done.ttftMs)) * 1_000
    },
  }
}

/** Of one stream, from its first text on; over the whole job where a model's first tokens made no text for long. */
function decodeRate({ usage, ttftMs, durationMs }: EngineDone): number {
  const { generatedTokens: tokens } = usage
  if (tokens < 2 || durationMs <= 0) return (tokens / Math.max(1, durationMs)) * 1_000
  return ttftMs < durationMs / 2 ? ((tokens - 1) / (durationMs - ttftMs)) * 1_000 : (tokens / durationMs) * 1_000
}
