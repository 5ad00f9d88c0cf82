/** Loads a GGUF into one context and makes it a StepModel: template compiled once, threads and top-k explicit, no silent shrinking or shifting. */
import { InsufficientMemoryError, LlamaGrammarEvaluationState, LlamaText, SpecialTokensText, type Llama, type LlamaContext, type LlamaModel, type Token } from 'node-llama-cpp'

import { StokerError } from '#contract/errors.ts'
import type { ModelSha256 } from '#contract/ids.ts'
import type { EngineSettings } from '#core/engine/engine.port.ts'

import { ENGINE_NAME, STEP_PROMPT_TOKENS } from '../protocol.ts'
import { deviceName, llamaInstance, THREADS_MAX } from './llama.ts'
import { createPublicLoop } from './llama-public.ts'
import { createRawLoop, rawShape } from './llama-raw.ts'
import { checkSchema } from './schema-bounds.ts'
import type { StepModel } from './step-model.ts'
import { compileTemplate, type ChatTemplate } from './template.ts'

/** `public` forces the fallback loop (tests). */
export interface LoadOptions {
  loop?: 'auto' | 'public'
}

function loadError(error: unknown, settings: EngineSettings): StokerError {
  if (error instanceof StokerError) return error
  const reason = (error as Error).message.slice(0, 300)
  if (error instanceof InsufficientMemoryError || /memory|failed to create context/i.test(reason))
    return new StokerError(
      'ENGINE_OUT_OF_MEMORY',
      `Not enough memory for ${settings.slots} slots of ${settings.contextTokens} tokens. Use fewer slots, a shorter context or a smaller model. (${reason})`,
    )
  return new StokerError('ENGINE_LOAD_FAILED', `The engine could not load this model: ${reason}. Check the file by importing it again, or use another model.`)
}

/** End-of-generation and control tokens: what a masked run never chooses. */
function endTokens(model: LlamaModel): number[] {
  const size = model.fileInfo.metadata.tokenizer.ggml.tokens.length
  return Array.from({ length: size }, (_, token) => token).filter((token) => model.isEogToken(token as Token) || model.getTokenAttributes(token as Token).control)
}

/** The grammar of a schema ends right after the value; the library's own would ask for four newlines more. */
async function grammarState(llama: Llama, model: LlamaModel, schema: Record<string, unknown>): Promise<LlamaGrammarEvaluationState> {
  checkSchema(schema)
  try {
    const { grammar } = await llama.createGrammarForJsonSchema(schema as never)
    const trimmed = await llama.createGrammar({ grammar: grammar.replace(/^(root ::= .*?) "\\n\\n\\n\\n" \[\\n\]\*$/m, '$1') })
    return new LlamaGrammarEvaluationState({ model, grammar: trimmed })
  } catch (error) {
    throw new StokerError('GRAMMAR_INVALID', `This JSON schema cannot be used: ${(error as Error).message.slice(0, 200)}. Simplify it.`)
  }
}

function templateOf(model: LlamaModel): ChatTemplate {
  const { chat_template: source } = model.fileInfo.metadata.tokenizer
  const fail = (error: StokerError): ChatTemplate => ({
    render() {
      throw error
    },
  })
  if (typeof source !== 'string' || source === '') return fail(new StokerError('TEMPLATE_FAILED', 'This model has no chat template. Use a model made for chat.'))
  try {
    return compileTemplate(source, { bos: model.tokens.bosString ?? '', eos: model.tokens.eosString ?? '' })
  } catch (error) {
    if (error instanceof StokerError) return fail(error)
    throw error
  }
}

function tokenizePrompt(model: LlamaModel, template: ChatTemplate, messages: Parameters<ChatTemplate['render']>[0]): number[] {
  const parts = template.render(messages)
  const tokens: number[] = LlamaText(parts.map((part) => (part.control ? new SpecialTokensText(part.text) : part.text))).tokenize(model.tokenizer)
  const { bos, shouldPrependBosToken } = model.tokens
  return bos !== null && shouldPrependBosToken && tokens[0] !== bos ? [bos, ...tokens] : tokens
}

async function createContext(model: LlamaModel, settings: EngineSettings, threads: number): Promise<LlamaContext> {
  const batchSize = STEP_PROMPT_TOKENS + settings.slots
  return model.createContext({
    sequences: settings.slots,
    contextSize: settings.contextTokens,
    batchSize,
    threads: { ideal: threads, min: threads },
    flashAttention: 'auto',
    failedCreationRemedy: false,
  })
}

/** Errors: ENGINE_LOAD_FAILED, ENGINE_OUT_OF_MEMORY. The file's header was checked before (inspect.ts). */
export async function loadStepModel(path: string, sha256: ModelSha256, asked: EngineSettings, { loop = 'auto' }: LoadOptions = {}): Promise<StepModel> {
  const llama = await llamaInstance(asked.gpuLayers > 0)
  const threads = Math.min(asked.threads, THREADS_MAX)
  const model = await llama.loadModel({ modelPath: path, gpuLayers: asked.gpuLayers }).catch((error: unknown) => {
    throw loadError(error, asked)
  })
  const settings = { ...asked, contextTokens: Math.min(asked.contextTokens, model.trainContextSize) }
  try {
    const context = await createContext(model, settings, threads)
    const masked = endTokens(model)
    const grammarOf = (schema: Record<string, unknown>): Promise<LlamaGrammarEvaluationState> => grammarState(llama, model, schema)
    const shape = loop === 'public' ? null : rawShape(model, context)
    const steps =
      shape === null ? createPublicLoop(model, context, { slots: settings.slots, masked, grammarOf }) : createRawLoop(shape, { threads, slots: settings.slots, masked, grammarOf })
    const template = templateOf(model)
    return {
      ...steps,
      model: { sha256, contextTokens: settings.contextTokens, slots: settings.slots, engine: ENGINE_NAME, device: await deviceName(llama) },
      prefixReuse: settings.prefixReuse,
      prompt: (messages) => tokenizePrompt(model, template, messages),
      detokenize: (tokens, before) => model.detokenize(tokens as Token[], false, before as Token[]),
      isEnd: (token) => model.isEogToken(token as Token),
      dispose: () => model.dispose(),
    }
  } catch (error) {
    await model.dispose()
    throw loadError(error, settings)
  }
}
