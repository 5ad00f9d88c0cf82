/** A request prepared to run: its prompt tokenized, its sampler, and the processor of its output. */
import { setImmediate } from 'node:timers/promises'

import { fail } from '#contract/errors.ts'
import type { EngineRequest } from '#contract/inference.ts'

import { createOutputProcessor, type OutputProcessor } from './output-processor.ts'
import { promptsOf } from '../template/prompt-builder.ts'
import { samplerOptions } from '../sampling/sampling-options.ts'
import type { StepModel, StepSampler } from './step-model.ts'
import type { OpenTemplate } from '../template/template-thread.ts'
import { toolsOf } from '../template/tools/job-tools.ts'

/** Its progress in a slot is in Sequence. Whoever holds the job must dispose the sampler. */
export interface EngineJob {
  readonly id: string
  readonly prompt: readonly number[]
  readonly maxTokens: number
  readonly ignoreEos: boolean
  readonly sampler: StepSampler
  readonly output: OutputProcessor
  /** Only jobs of the same scope see what this one leaves in the prefix cache; null: none does, and it sees nothing. */
  readonly cacheScope: string | null
  /** Monotonic ms. */
  readonly submittedAt: number
}

export interface PrepareOptions {
  /** Monotonic ms. */
  now: number
  /** 32 bits. */
  randomSeed: () => number
  /** Awaited while a long text is tokenized, so that messages and the steps of other jobs run in between. */
  pause?: () => Promise<unknown>
  /** How the model's chat template is run; in this thread when left out. */
  openTemplate?: OpenTemplate
}

function checkRequest(
  { messages, prompt, maxTokens, tools = [], toolChoice }: EngineRequest,
  contextTokens: number,
): void {
  if (messages.length === 0 && prompt === undefined) throw fail('request.empty')
  if (messages.length > 0 && prompt !== undefined) throw fail('request.both')
  if (prompt !== undefined && tools.length > 0) throw fail('request.toolsNeedMessages')
  if (tools.length === 0 && toolChoice !== undefined && toolChoice !== 'auto' && toolChoice !== 'none')
    throw fail('request.noTools')
  if (maxTokens >= contextTokens)
    throw fail(
      'request.outputTooLong',
      { asked: maxTokens, contextTokens },
      {
        data: { contextTokens },
      },
    )
}

/**
 * Renders and tokenizes a request and checks that it fits a slot; nothing is evaluated.
 * Errors: BAD_REQUEST, CONTEXT_TOO_LONG, TEMPLATE_FAILED, GRAMMAR_INVALID, SAMPLING_INVALID.
 */
export async function prepareJob(
  id: string,
  request: EngineRequest,
  model: StepModel,
  { now, randomSeed, pause = setImmediate, openTemplate }: PrepareOptions,
): Promise<EngineJob> {
  const { contextTokens } = model.model
  checkRequest(request, contextTokens)
  const prompts = promptsOf(model, openTemplate)
  const tools = toolsOf(request, prompts.format, randomSeed)
  const options = samplerOptions(request, { vocabulary: model.vocabulary, toolGrammar: tools.grammar, randomSeed })
  const prompt = await prompts.tokens(request, {
    offered: tools.offered,
    contextTokens,
    maxTokens: request.maxTokens,
    pause,
  })
  const sampler = await model.sampler(options)
  const output = createOutputProcessor({
    vocabulary: model.vocabulary,
    stops: request.stop,
    tools: tools.parser,
    markers: prompts.markers,
    logprobs: request.logprobs !== undefined,
  })
  const { maxTokens, ignoreEos, cacheScope = null } = request
  return { id, prompt, sampler, output, maxTokens, ignoreEos, cacheScope, submittedAt: now }
}
