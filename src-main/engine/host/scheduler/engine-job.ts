/** A request made ready to run: its prompt as tokens, how its tokens are chosen, and what becomes of them. */
import { setImmediate } from 'node:timers/promises'

import { StokerError } from '#contract/errors.ts'
import type { EngineRequest } from '#contract/inference.ts'

import { createAnswer, type Answer } from './output-processor.ts'
import { promptsOf } from '../template/prompt-builder.ts'
import { samplerOptions } from '../sampling/sampling-options.ts'
import type { StepModel, StepSampler } from './step-model.ts'
import { toolsOf } from '../template/tools/job-tools.ts'

/** Where it stands in a slot is the scheduler's business. The sampler must be disposed by whoever holds the job. */
export interface Job {
  readonly id: string
  readonly prompt: readonly number[]
  readonly maxTokens: number
  readonly ignoreEos: boolean
  readonly sampler: StepSampler
  readonly answer: Answer
  /** Monotonic ms. */
  readonly submittedAt: number
}

export interface PrepareOptions {
  /** Monotonic ms. */
  now: number
  /** 32 bits. */
  randomSeed: () => number
  /** Lets messages and other jobs' steps through while a long text is tokenized. */
  pause?: () => Promise<unknown>
}

function checkRequest(
  { messages, prompt, maxTokens, tools = [], toolChoice }: EngineRequest,
  contextTokens: number,
): void {
  if (messages.length === 0 && prompt === undefined)
    throw new StokerError('BAD_REQUEST', 'The request has no messages and no prompt. Send at least one message.')
  if (messages.length > 0 && prompt !== undefined)
    throw new StokerError('BAD_REQUEST', 'The request has messages and a prompt. Send one of them.')
  if (prompt !== undefined && tools.length > 0)
    throw new StokerError(
      'BAD_REQUEST',
      'Tools need chat messages; a plain prompt has no place for them. Send messages instead.',
    )
  if (tools.length === 0 && toolChoice !== undefined && toolChoice !== 'auto' && toolChoice !== 'none')
    throw new StokerError(
      'BAD_REQUEST',
      'The request asks for a tool call and offers no tools. Send tools, or leave the tool choice out.',
    )
  if (maxTokens >= contextTokens)
    throw new StokerError(
      'CONTEXT_TOO_LONG',
      `This request asks for ${maxTokens} tokens of answer and a slot has ${contextTokens} for prompt and answer. Lower max_tokens.`,
      {
        data: { contextTokens },
      },
    )
}

/**
 * Renders, tokenizes and checks a request against its slot; nothing is evaluated.
 * Errors: BAD_REQUEST, CONTEXT_TOO_LONG, TEMPLATE_FAILED, GRAMMAR_INVALID, SAMPLING_INVALID.
 */
export async function prepareJob(
  id: string,
  request: EngineRequest,
  model: StepModel,
  { now, randomSeed, pause = setImmediate }: PrepareOptions,
): Promise<Job> {
  const { contextTokens } = model.model
  checkRequest(request, contextTokens)
  const prompts = promptsOf(model)
  const tools = toolsOf(request, prompts.format, randomSeed)
  const options = samplerOptions(request, { vocabulary: model.vocabulary, toolGrammar: tools.grammar, randomSeed })
  const prompt = await prompts.tokens(request, {
    offered: tools.offered,
    contextTokens,
    maxTokens: request.maxTokens,
    pause,
  })
  const sampler = await model.sampler(options)
  const answer = createAnswer({
    vocabulary: model.vocabulary,
    stops: request.stop,
    tools: tools.parser,
    markers: prompts.markers,
    logprobs: request.logprobs !== undefined,
  })
  return { id, prompt, sampler, answer, maxTokens: request.maxTokens, ignoreEos: request.ignoreEos, submittedAt: now }
}
