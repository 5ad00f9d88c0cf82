/**
 * Turns requests into prompt tokens for one model; its template is compiled at the first request that needs it
 * and kept as long as the model.
 */
import { fail, type StokerError } from '#contract/errors.ts'
import type { EngineRequest, ToolDefinition } from '#contract/inference.ts'

import { segmentsOf, tokenizeSegments } from './prompt-tokens.ts'
import type { StepModel, Vocabulary } from '../scheduler/step-model.ts'
import { templatesHere, type OpenTemplate, type TemplateRunner } from './template-thread.ts'
import { toolFormatOf, type ToolFormat } from './tools/tool-format.ts'

export interface PromptLimits {
  offered: readonly ToolDefinition[]
  contextTokens: number
  maxTokens: number
  pause: () => Promise<unknown>
}

export interface Prompts {
  readonly format: ToolFormat
  /** Control tokens that open or close a tool call of this model. */
  readonly markers: ReadonlyMap<number, string>
  /** Errors: TEMPLATE_FAILED, CONTEXT_TOO_LONG. */
  tokens(request: Pick<EngineRequest, 'messages' | 'prompt'>, limits: PromptLimits): Promise<number[]>
  /** Prompts will come: what their first one needs is made ready. Never rejects. */
  warm(): Promise<void>
  /** The model is given up; nothing more is asked. */
  stop(): void
}

/**
 * Few vocabularies have tokens of many bytes. A text with more characters than this for each token of the context cannot
 * fit; it is refused untokenized.
 */
const CHARACTERS_PER_TOKEN_MAX = 256

/**
 * `exact`: tokens of prompt and output, if the prompt alone would fit; a caller that named no length can ask again for
 * fewer.
 */
const tooLong = (bound: 'more' | 'least', needed: number, contextTokens: number, exact: number | null): StokerError =>
  fail(
    'request.contextTooLong',
    { bound, needed, contextTokens },
    { data: exact === null ? { contextTokens } : { contextTokens, needed: exact } },
  )

function templateOf(vocabulary: Vocabulary, format: ToolFormat, open: OpenTemplate): TemplateRunner {
  const { chatTemplate, beginText, endText } = vocabulary
  if (chatTemplate === null || chatTemplate === '') throw fail('template.none')
  const callIds = format.name.startsWith('mistral') ? 'mistral' : 'any'
  return open({ source: chatTemplate, bos: beginText, eos: endText, callIds })
}

/** The markers that are a single control token: their text never appears in the detokenized output. */
function markersOf(vocabulary: Vocabulary, format: ToolFormat): Map<number, string> {
  const markers = new Map<number, string>()
  for (const name of format.markers) {
    const [token, ...more] = vocabulary.tokenizeSpecial(name)
    if (token !== undefined && more.length === 0 && vocabulary.isControl(token)) markers.set(token, name)
  }
  return markers
}

export function createPrompts(model: Pick<StepModel, 'vocabulary'>, open: OpenTemplate = templatesHere): Prompts {
  const { vocabulary } = model
  const format = toolFormatOf(vocabulary.chatTemplate)
  let template: TemplateRunner | null = null

  return {
    format,
    markers: markersOf(vocabulary, format),
    async tokens({ messages, prompt }, { offered, contextTokens, maxTokens, pause }) {
      const characters =
        prompt?.length ??
        messages.reduce(
          (sum, { content, toolCalls = [] }) =>
            toolCalls.reduce((more, call) => more + call.arguments.length, sum + content.length),
          0,
        )
      if (characters > contextTokens * CHARACTERS_PER_TOKEN_MAX)
        throw tooLong('more', contextTokens, contextTokens, null)
      template ??= prompt === undefined ? templateOf(vocabulary, format, open) : null
      const parts =
        prompt === undefined ? await template?.render(messages, offered) : [{ text: prompt, control: false }]
      const segments = await segmentsOf(parts ?? [], vocabulary, pause)
      const most = contextTokens - maxTokens
      const tokens = await tokenizeSegments(segments, vocabulary, { most: contextTokens, pause })
      const { begin } = vocabulary
      if (begin !== null && tokens[0] !== begin) tokens.unshift(begin)
      if (tokens.length === 0) throw fail('template.emptyPrompt')
      const needed = tokens.length + maxTokens
      if (tokens.length > most)
        throw tooLong('least', needed, contextTokens, tokens.length < contextTokens ? needed : null)
      return tokens
    },
    async warm() {
      if (vocabulary.chatTemplate !== null && vocabulary.chatTemplate !== '')
        await (template ??= templateOf(vocabulary, format, open)).warm()
    },
    stop: () => template?.stop(),
  }
}

const known = new WeakMap<object, Prompts>()

/** The prompt builder of a model, created at the first call, whose `open` is used from then on. */
export function promptsOf(model: Pick<StepModel, 'vocabulary'>, open?: OpenTemplate): Prompts {
  const made = known.get(model) ?? createPrompts(model, open)
  known.set(model, made)
  return made
}
