/** Short loads on an engine, through the same way as jobs, and what they say of its speed. */
import { fromErrorValue } from '#contract/errors.ts'
import { engineRequest, type EngineRequest } from '#contract/inference.ts'
import type { Clock } from '#contract/time.ts'
import type { EngineDone, EnginePort } from '#core/engine/engine.port.ts'

export interface Meter {
  /** Engine tokens a second of all streams together, after the prompts. */
  decode(engine: EnginePort, streams: number): Promise<number>
  /**
   * So many prompts at once, together for some `seconds` at `expected` tokens a second: what rate came out, and how
   * many tokens there were.
   */
  prompts(
    engine: EnginePort,
    wish: { count: number; expected: number; seconds: number },
  ): Promise<{ rate: number; tokens: number }>
  /** A single short job, which pulls the weights in; its prompt's rate is a first guess. */
  warmUp(engine: EnginePort): Promise<number>
}

interface MeterOptions {
  clock: Clock
  signal: AbortSignal
  contextTokens: number
}

const BURST_MS = 400
/** A slow model has so long to show some tokens of every stream. */
const BURST_MAX_MS = 2_000
const DELTAS_EACH = 6
const LOOK_MS = 20
const WARM_UP_TOKENS = 8
const WORDS = ['river', 'stone', 'seven', 'lamp', 'over', 'green', 'count', 'paper']

interface Ran {
  done: Promise<EngineDone>
  deltas(): number
  cancel(): void
}

export function createMeter({ clock, signal, contextTokens }: MeterOptions): Meter {
  let serial = 0
  /** Letters a token, learned from the warm-up's prompt. */
  let lettersPerToken = 1

  /** No two begin alike, so that nothing of them can be reused. */
  function request(letters: number, maxTokens: number): EngineRequest {
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

  function start(engine: EnginePort, letters: number, maxTokens: number): Ran {
    const id = `measure-${(serial += 1)}`
    let deltas = 0
    const done = new Promise<EngineDone>((resolve, reject) => {
      engine.submit(
        id,
        request(letters, maxTokens),
        { onDelta: () => void (deltas += 1), onDone: resolve, onError: (error) => reject(fromErrorValue(error)) },
        { priority: 'own' },
      )
    })
    done.catch(() => undefined)
    return { done, deltas: () => deltas, cancel: () => engine.cancel(id) }
  }

  /** All of them, or the first failure or the signal; whatever still runs then is cancelled. */
  async function all(runs: readonly Ran[]): Promise<EngineDone[]> {
    const aborted = Promise.withResolvers<never>()
    const onAbort = (): void => aborted.reject(signal.reason as Error)
    signal.throwIfAborted()
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      return await Promise.race([Promise.all(runs.map(({ done }) => done)), aborted.promise])
    } finally {
      signal.removeEventListener('abort', onAbort)
      for (const run of runs) run.cancel()
    }
  }

  async function cutAfterBurst(runs: readonly Ran[]): Promise<void> {
    const began = clock.mono()
    for (;;) {
      await clock.sleep(LOOK_MS, { signal })
      const passed = clock.mono() - began
      const enough = runs.reduce((sum, run) => sum + run.deltas(), 0) >= DELTAS_EACH * runs.length
      if (passed >= BURST_MAX_MS || (passed >= BURST_MS && enough)) break
    }
    for (const run of runs) run.cancel()
  }

  return {
    async decode(engine, streams) {
      const runs = Array.from({ length: streams }, () => start(engine, 1, contextTokens - 16))
      cutAfterBurst(runs).catch(() => undefined)
      return (await all(runs)).reduce((sum, done) => sum + decodeRate(done), 0)
    },
    async prompts(engine, { count, expected, seconds }) {
      const most = Math.floor(contextTokens * 0.75)
      const each = Math.max(8, Math.min(most, Math.floor((expected * seconds) / count)))
      const began = clock.mono()
      const dones = await all(Array.from({ length: count }, () => start(engine, each * lettersPerToken, 1)))
      const tokens = dones.reduce((sum, { usage }) => sum + usage.promptTokens, 0)
      return { rate: (tokens / Math.max(1, clock.mono() - began)) * 1_000, tokens }
    },
    async warmUp(engine) {
      const letters = Math.min(48, Math.floor(contextTokens / 2))
      const [done] = await all([start(engine, letters, WARM_UP_TOKENS)])
      if (done === undefined) return 0
      const tokens = Math.max(1, done.usage.promptTokens)
      lettersPerToken = Math.max(1, Math.min(6, letters / tokens))
      return (tokens / Math.max(1, done.ttftMs)) * 1_000
    },
  }
}

/** Of one stream, from its first text on; over the whole where a model's tokens made no text for long. */
function decodeRate({ usage, ttftMs, durationMs }: EngineDone): number {
  const { generatedTokens: tokens } = usage
  if (tokens < 2 || durationMs <= 0) return (tokens / Math.max(1, durationMs)) * 1_000
  return ttftMs < durationMs / 2 ? ((tokens - 1) / (durationMs - ttftMs)) * 1_000 : (tokens / durationMs) * 1_000
}
