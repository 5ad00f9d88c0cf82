/**
 * Warms a model up before it counts as loaded. A GPU's driver compiles a program at the first use of each shape (51 s
 * before a first answer were seen on Mesa's software device), and some buffers are allocated then only: a seller's first
 * buyer would pay for both. The steps go to the model itself, so that no measured speed knows of them.
 */
import { setImmediate as turnOfTheLoop } from 'node:timers/promises'

import { fail, StokerError } from '#contract/errors.ts'
import { because } from '#contract/reasons.ts'
import { SECOND_MS } from '#contract/time.ts'
import { STEP_PROMPT_TOKENS } from '#engine/protocol.ts'

import type { SamplerOptions, StepModel, StepSampler } from './scheduler/step-model.ts'

/** A driver that takes longer than this for a model is not waited for. */
const GPU_MS_MAX = 300 * SECOND_MS
/** On the processor nothing is compiled: one pass brings the weights into memory, and what fits into this time follows. */
const CPU_MS = 400
const CPU_PROMPT_TOKENS = 16
/** Up to so many columns llama.cpp's GPU backends multiply by vectors, with a program for each number (ggml-vulkan.cpp, mul_mat_vec_max_cols; ggml-cuda, MMVQ_MAX_BATCH_SIZE). */
const VECTOR_COLUMNS = 8
/** Beyond, by tiles of small, medium and large size: one prompt of each. */
const TILES = [24, 48, STEP_PROMPT_TOKENS]
/** Different tokens of a warm-up's prompts. */
const TOKENS_TRIED = 4_096
const TOKENS_MAX = 64

export type WarmUpStep = { kind: 'prompt'; tokens: number } | { kind: 'decode'; streams: number } | { kind: 'grammar' }

export interface WarmUpShape {
  slots: number
  contextTokens: number
  batchTokens: number
  onGpu: boolean
  prefixReuse: boolean
}

/** The shapes that jobs will bring; the largest first, so that what has no room fails at once. */
export function warmUpPlan({ slots, contextTokens, batchTokens, onGpu, prefixReuse }: WarmUpShape): WarmUpStep[] {
  const most = Math.max(1, Math.min(batchTokens, contextTokens - 1))
  // So few tokens of a prompt are left only where its beginning was there already.
  const tails = prefixReuse ? Array.from({ length: VECTOR_COLUMNS - 1 }, (_, index) => VECTOR_COLUMNS - index) : []
  const sizes = onGpu ? [most, ...TILES.toReversed(), ...tails] : [CPU_PROMPT_TOKENS]
  const prompts = [...new Set(sizes.map((size) => Math.min(size, most)))]
  const streams = Array.from({ length: slots }, (_, index) => index + 1)
  const [first, ...others] = prompts.map((tokens): WarmUpStep => ({ kind: 'prompt', tokens }))
  return [
    ...(first === undefined ? [] : [first]),
    ...streams.map((count): WarmUpStep => ({ kind: 'decode', streams: count })),
    ...others,
    { kind: 'grammar' },
  ]
}

const GREEDY: SamplerOptions = {
  temperature: 0,
  topP: 1,
  topK: 0,
  minP: 0,
  seed: 0,
  repeatPenalty: 1,
  frequencyPenalty: 0,
  presencePenalty: 0,
  penaltyTokens: 0,
  logitBias: [],
  maskEnd: true,
  grammar: null,
  logprobs: null,
}
/** Any text: its automaton is built over the model's whole vocabulary. */
const GRAMMAR: SamplerOptions = { ...GREEDY, maskEnd: false, grammar: { gbnf: 'root ::= [^\\x00]*', triggers: [] } }

/** Ordinary tokens, evenly spread over the vocabulary; never empty. */
function plainTokens({ vocabulary }: StepModel): number[] {
  const stride = Math.max(1, Math.floor(vocabulary.size / TOKENS_TRIED))
  const found: number[] = []
  for (let token = 1; token < vocabulary.size && found.length < TOKENS_MAX; token += stride)
    if (!vocabulary.isEnd(token) && !vocabulary.isControl(token) && vocabulary.bytesOf(token).length > 0)
      found.push(token)
  return found.length > 0 ? found : [0]
}

export interface WarmUpDeps {
  mono: () => number
  signal: AbortSignal
  onProgress(this: void, done: number, of: number): void
}

/** Runs the steps of a plan on empty slots, and leaves them empty. */
class Warmer {
  readonly #model: StepModel
  readonly #tokens: number[]
  readonly #held: number[]
  #samplers: StepSampler[] = []

  constructor(model: StepModel) {
    this.#model = model
    this.#tokens = plainTokens(model)
    this.#held = Array.from({ length: model.model.slots }, () => 0)
  }

  async run(step: WarmUpStep): Promise<void> {
    if (step.kind === 'grammar') return this.#grammar()
    this.#samplers[0] ??= await this.#model.sampler(GREEDY)
    const [sampler] = this.#samplers
    if (step.kind === 'prompt') await this.#prompt(step.tokens, sampler)
    else await this.#decode(step.streams, sampler)
  }

  async end(): Promise<void> {
    for (const slot of this.#held.keys()) await this.#empty(slot)
    for (const sampler of this.#samplers) sampler.dispose()
    this.#samplers = []
  }

  #token(at: number): number {
    return this.#tokens[at % this.#tokens.length] ?? 0
  }

  async #empty(slot: number): Promise<void> {
    if (this.#held[slot] === 0) return
    await this.#model.keep(slot, 0)
    this.#held[slot] = 0
  }

  async #prompt(count: number, sampler: StepSampler | undefined): Promise<void> {
    await this.#empty(0)
    const tokens = Array.from({ length: count }, (_, at) => this.#token(at))
    this.#held[0] = count
    await this.#model.step([{ slot: 0, position: 0, tokens, sampler: sampler ?? null }])
  }

  async #decode(streams: number, sampler: StepSampler | undefined): Promise<void> {
    const items = []
    for (let slot = 0; slot < streams; slot += 1) {
      if ((this.#held[slot] ?? 0) >= this.#model.model.contextTokens - 1) await this.#empty(slot)
      const position = this.#held[slot] ?? 0
      this.#held[slot] = position + 1
      items.push({ slot, position, tokens: [this.#token(slot)], sampler: sampler ?? null })
    }
    await this.#model.step(items)
  }

  /** A vocabulary that cannot say it refuses jobs with grammars later, and no others. */
  async #grammar(): Promise<void> {
    const sampler = await this.#model.sampler(GRAMMAR).catch(() => null)
    if (sampler === null) return
    this.#samplers.push(sampler)
    await this.#prompt(1, sampler)
  }
}

/** Some buffers are allocated at first use only. */
const isMemory = ({ reason, message }: StokerError): boolean => /memory|alloc/i.test(message + JSON.stringify(reason))

function warmUpError(error: unknown, { slots, contextTokens }: StepModel['model']): StokerError {
  if (error instanceof StokerError && error.code !== 'INTERNAL') return error
  if (error instanceof StokerError && isMemory(error))
    return fail('engine.slotsNoMemory', { slots, contextTokens, says: 'yes', reason: error.reason }, { cause: error })
  const reason =
    error instanceof StokerError
      ? error.reason
      : error instanceof Error
        ? error.message.slice(0, 200)
        : because('failure.unknown')
  return fail('engine.warmUpFailed', { reason }, { cause: error })
}

/**
 * Errors: ENGINE_LOAD_FAILED (a step failed, or it takes longer than five minutes), ENGINE_OUT_OF_MEMORY, the signal's reason. Aborted between
 * two steps; one step with its compiling may take long.
 */
export async function warmUp(model: StepModel, { mono, signal, onProgress }: WarmUpDeps): Promise<void> {
  const onGpu = model.onGpu === true
  const { slots, contextTokens } = model.model
  const { batchTokens, prefixReuse } = model
  const plan = warmUpPlan({ slots, contextTokens, batchTokens, onGpu, prefixReuse })
  const warmer = new Warmer(model)
  const startedAt = mono()
  try {
    for (const [done, step] of plan.entries()) {
      const ms = mono() - startedAt
      if (!onGpu && done > 0 && ms > CPU_MS) break
      if (ms > GPU_MS_MAX) throw fail('engine.warmUpLong', { seconds: GPU_MS_MAX / SECOND_MS, done, of: plan.length })
      onProgress(done, plan.length)
      // What waits to be sent goes out, and what was sent to us is handled, before the thread is held again.
      await turnOfTheLoop()
      signal.throwIfAborted()
      await warmer.run(step)
    }
    await warmer.end()
  } catch (error) {
    signal.throwIfAborted()
    throw warmUpError(error, model.model)
  }
}
