/**
 * The chat template of a GGUF, compiled once. Message contents never pass through the template: it renders
 * placeholders, which are replaced afterwards, so that template text may hold control tokens and the users' text cannot.
 */
import { fail, type StokerError } from '#contract/errors.ts'
import { because, type ReasonParam } from '#contract/reasons.ts'
import type { EngineMessage, ToolDefinition } from '#contract/inference.ts'

import { createRenderer, type TemplateRenderer } from './template-renderer.ts'
import { TemplateValues, type PromptPart } from './template-values.ts'
import { plainMessages, type PlainMessage } from './tools/plain-tools.ts'

export interface ChatTemplate {
  /** Throws TEMPLATE_FAILED. */
  render(messages: readonly EngineMessage[], tools?: readonly ToolDefinition[]): PromptPart[]
}

export interface TemplateOptions {
  bos: string
  eos: string
  /** Turns a tool call's id into the form that this model's template accepts. */
  callId?: (id: string) => string
  /** For templates that write the date. */
  today?: () => Date
  /** Time limit of one render in ms; the first one, which decides for good, may take three times as long. */
  renderMs?: number
}

const failed = (reason: ReasonParam): StokerError =>
  fail('template.cannotRender', { reason: typeof reason === 'string' ? reason.slice(0, 200) : reason })

/** For templates without a system role: its text goes before the next user message. */
function withoutSystem(messages: readonly PlainMessage[]): PlainMessage[] {
  const result: PlainMessage[] = []
  let waiting: string[] = []
  for (const message of messages) {
    if (message.role === 'system') waiting.push(message.content)
    else if (message.role === 'user') {
      result.push({ role: 'user', content: [...waiting, message.content].join('\n\n') })
      waiting = []
    } else result.push(message)
  }
  if (waiting.length > 0) result.push({ role: 'user', content: waiting.join('\n\n') })
  return result
}

function argumentsOf(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text === '' ? '{}' : text)
    return typeof value === 'object' && value !== null ? value : text
  } catch {
    return text
  }
}

/** Messages as Hugging Face's templates expect them: calls as `tool_calls`, their results with the role `tool`. */
function nativeMessages(
  messages: readonly EngineMessage[],
  values: TemplateValues,
  wrap: (text: string) => string,
  callId: (id: string) => string,
): object[] {
  const names = new Map(
    messages.flatMap(({ toolCalls = [] }) => toolCalls.map((call) => [call.id, call.name] as const)),
  )
  return messages.map(({ role, content, toolCalls = [], toolCallId }) => {
    if (role === 'tool') {
      const id = toolCallId ?? ''
      return {
        role,
        content: values.content(wrap(content)),
        tool_call_id: values.harmless(callId(id)),
        name: values.harmless(names.get(id) ?? ''),
      }
    }
    if (toolCalls.length === 0) return { role, content: values.content(wrap(content)) }
    const calls = toolCalls.map((call) => ({
      id: values.harmless(callId(call.id)),
      type: 'function',
      function: { name: values.harmless(call.name), arguments: values.harmless(argumentsOf(call.arguments)) },
    }))
    // Many templates omit an assistant's text beside its calls.
    return { role, content: content === '' ? '' : values.content(wrap(content), false), tool_calls: calls }
  })
}

function attempt<T>(work: () => T): T | null {
  try {
    return work()
  } catch {
    return null
  }
}

const PROBE_TOOL = {
  type: 'function',
  function: { name: 'stoker_probe', description: 'x', parameters: { type: 'object', properties: {} } },
}

/** Tries the template on short messages: whether it trims contents, and whether it renders tools. */
function probe(renderer: TemplateRenderer): { trims: boolean; knowsTools: boolean } {
  const trims = attempt(() => {
    const spaced = ` ${new TemplateValues().content('')} `
    return !renderer.render([{ role: 'user', content: spaced }], null).includes(spaced)
  })
  // A template too slow for one short message is not tried again: each render blocks every stream.
  if (renderer.slow) throw failed(because('template.slow'))
  const knowsTools = attempt(() =>
    renderer.render([{ role: 'user', content: 'x' }], [PROBE_TOOL]).includes('stoker_probe'),
  )
  return { trims: trims === true, knowsTools: knowsTools === true }
}

/** Throws TEMPLATE_FAILED when it does not compile, or takes too long. */
export function compileTemplate(
  source: string,
  { bos, eos, callId = (id) => id, today = () => new Date(), renderMs = 400 }: TemplateOptions,
): ChatTemplate {
  let renderer: TemplateRenderer
  try {
    renderer = createRenderer(source, {
      variables: { add_generation_prompt: true, bos_token: bos, eos_token: eos },
      today,
      renderMs,
    })
  } catch (error) {
    throw failed(because('template.doesNotCompile', { reason: (error as Error).message.slice(0, 200) }))
  }
  const { trims, knowsTools } = probe(renderer)
  // A template that trims contents was made for trimmed ones.
  const wrap = (text: string): string => (trims ? text.trim() : text)

  function native(messages: readonly EngineMessage[], tools: readonly ToolDefinition[]): PromptPart[] | null {
    if (tools.length > 0 && !knowsTools) return null
    const values = new TemplateValues()
    const given = tools.map(({ name, description, parameters }) =>
      values.harmless({ type: 'function', function: { name, description, parameters } }),
    )
    const rendered = renderer.render(nativeMessages(messages, values, wrap, callId), given.length === 0 ? null : given)
    const called = messages.flatMap(({ toolCalls = [] }) => toolCalls.map((call) => call.name))
    if (
      [...tools.map((tool) => tool.name), ...called].some((name) => /^[\w-]+$/.test(name) && !rendered.includes(name))
    )
      return null
    return values.parts(rendered)
  }

  function plain(messages: readonly PlainMessage[]): PromptPart[] | null {
    const values = new TemplateValues()
    return values.parts(
      renderer.render(
        messages.map(({ role, content }) => ({ role, content: values.content(wrap(content)) })),
        null,
      ),
    )
  }

  return {
    render(messages, tools = []) {
      let reason: ReasonParam = because('template.leavesOut')
      const usesTools =
        tools.length > 0 || messages.some(({ role, toolCalls = [] }) => role === 'tool' || toolCalls.length > 0)
      const flat = plainMessages(messages, tools)
      const ways = [
        ...(usesTools ? [() => native(messages, tools)] : []),
        () => plain(flat),
        ...(flat.some(({ role }) => role === 'system') ? [() => plain(withoutSystem(flat))] : []),
      ]
      for (const way of ways) {
        try {
          const parts = way()
          if (parts !== null) return parts
        } catch (error) {
          reason = (error as Error).message
        }
      }
      throw failed(reason)
    },
  }
}
