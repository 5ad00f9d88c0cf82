/** Tools for a model whose template has none: in the system message, in the form of Hermes 2 Pro's function calling. */
import type { EngineMessage, ToolDefinition } from '#contract/inference.ts'

export interface PlainMessage {
  role: 'system' | 'user' | 'assistant'
  content: string
}

const callText = ({ name, arguments: given }: { name: string; arguments: string }): string =>
  `<tool_call>\n{"name": ${JSON.stringify(name)}, "arguments": ${given === '' ? '{}' : given}}\n</tool_call>`

function toolsText(tools: readonly ToolDefinition[]): string {
  const list = tools
    .map(({ name, description, parameters }) =>
      JSON.stringify({ type: 'function', function: { name, description, parameters } }),
    )
    .join('\n')
  return [
    'You may call one or more of these tools. Their signatures are between <tools> and </tools>:',
    `<tools>\n${list}\n</tools>`,
    'To call a tool, answer with a JSON object of its name and arguments between <tool_call> and </tool_call>:',
    '<tool_call>\n{"name": "the tool\'s name", "arguments": {"argument": "value"}}\n</tool_call>',
  ].join('\n')
}

/** Consecutive tool results are joined into one user message. */
export function plainMessages(messages: readonly EngineMessage[], tools: readonly ToolDefinition[]): PlainMessage[] {
  const result: PlainMessage[] = []
  let answering = false
  for (const { role, content, toolCalls = [] } of messages) {
    const text =
      role === 'tool'
        ? `<tool_response>\n${content}\n</tool_response>`
        : [content, ...toolCalls.map(callText)]
            .filter((part, at) => (at === 0 ? part !== '' || toolCalls.length === 0 : true))
            .join('\n')
    const last = result.at(-1)
    if (role === 'tool' && answering && last !== undefined) last.content += `\n${text}`
    else result.push({ role: role === 'tool' ? 'user' : role, content: text })
    answering = role === 'tool'
  }
  if (tools.length === 0) return result
  const [first] = result
  if (first?.role === 'system') first.content = `${first.content}\n\n${toolsText(tools)}`
  else result.unshift({ role: 'system', content: toolsText(tools) })
  return result
}
