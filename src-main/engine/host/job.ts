/** One job inside the host: its prompt, where it stands in its slot, and the text on its way out. */
import { StokerError } from '#contract/errors.ts'
import type { EngineUsage, InferenceRequest } from '#contract/inference.ts'

import { createStopMatcher, type StopMatcher } from './stops.ts'
import { createTextStream, type TextStream } from './text-stream.ts'
import type { StepModel, StepSampler } from './step-model.ts'

export interface Job {
  readonly id: string
  readonly prompt: readonly number[]
  readonly maxTokens: number
  readonly ignoreEos: boolean
  readonly sampler: StepSampler
  readonly text: TextStream
  readonly stops: StopMatcher
  /** Monotonic ms. */
  readonly submittedAt: number
  firstTextAt: number | null
  lastSentAt: number
  /** Text not yet sent. */
  outbox: string
  slot: number
  /** Tokens of this job its slot holds: prompt first, then answer. */
  held: number
  /** Chosen, and not yet in the slot. Null while the prompt is being read. */
  next: number | null
  cancelled: boolean
  usage: EngineUsage
}

/** A token covers many bytes only in odd vocabularies; a text this much longer than the context cannot fit and need not be tokenized to know. */
const BYTES_PER_TOKEN_MAX = 256

const tooLong = (needed: string, contextTokens: number): StokerError =>
  new StokerError('CONTEXT_TOO_LONG', `This request needs ${needed} tokens of context and a slot has ${contextTokens}. Shorten the messages, or lower max_tokens.`, {
    data: { contextTokens },
  })

/** Renders, tokenizes and checks a request against its slot. Errors: CONTEXT_TOO_LONG, TEMPLATE_FAILED, GRAMMAR_INVALID, SAMPLING_INVALID. */
export async function prepareJob(id: string, request: InferenceRequest, model: StepModel, options: { now: number; randomSeed: () => number }): Promise<Job> {
  const { contextTokens } = model.model
  const characters = request.messages.reduce((sum, message) => sum + message.content.length, 0)
  if (request.maxTokens >= contextTokens || characters > contextTokens * BYTES_PER_TOKEN_MAX) throw tooLong(`more than ${contextTokens}`, contextTokens)
  const prompt = model.prompt(request.messages)
  if (prompt.length === 0) throw new StokerError('TEMPLATE_FAILED', "The model's chat template makes an empty prompt of these messages. Add a message with content.")
  if (prompt.length + request.maxTokens > contextTokens) throw tooLong(String(prompt.length + request.maxTokens), contextTokens)
  const { temperature, topP, topK, minP, seed } = request.sampling
  const sampler = await model.sampler({
    temperature,
    topP,
    minP,
    topK,
    seed: seed ?? options.randomSeed(),
    // A finished grammar leaves only the end to choose.
    maskEnd: request.ignoreEos && request.jsonSchema === undefined,
    schema: request.jsonSchema ?? null,
  })
  return {
    id,
    prompt,
    sampler,
    maxTokens: request.maxTokens,
    ignoreEos: request.ignoreEos,
    text: createTextStream((tokens, before) => model.detokenize(tokens, before), prompt),
    stops: createStopMatcher(request.stop),
    submittedAt: options.now,
    firstTextAt: null,
    lastSentAt: Number.NEGATIVE_INFINITY,
    outbox: '',
    slot: -1,
    held: 0,
    next: null,
    cancelled: false,
    usage: { promptTokens: prompt.length, cachedTokens: 0, generatedTokens: 0 },
  }
}
