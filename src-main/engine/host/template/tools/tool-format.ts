/**
 * The format of a model's tool calls, recognised by its chat template. Sources: the chat templates of Hermes 2 Pro and Qwen 2.5,
 * Llama 3.1 to 3.3, Mistral 7B v0.3 and Mistral Small 3.
 */

export interface ToolFormat {
  name: 'hermes' | 'llama' | 'mistral' | 'mistral-args'
  /** Begins a call wherever it stands in the answer. */
  opening: string
  /** Control tokens with these names are read as text; all others have no text. */
  markers: readonly string[]
}

const HERMES: ToolFormat = { name: 'hermes', opening: '<tool_call>', markers: ['<tool_call>', '</tool_call>'] }
const LLAMA: ToolFormat = { name: 'llama', opening: '<|python_tag|>', markers: ['<|python_tag|>'] }
const MISTRAL: ToolFormat = { name: 'mistral', opening: '[TOOL_CALLS]', markers: ['[TOOL_CALLS]'] }
const MISTRAL_ARGS: ToolFormat = { name: 'mistral-args', opening: '[TOOL_CALLS]', markers: ['[TOOL_CALLS]', '[ARGS]'] }

/** Hermes for a template that shows none of the known formats, and for models without a template. */
export function toolFormatOf(template: string | null): ToolFormat {
  if (template === null) return HERMES
  if (template.includes('[TOOL_CALLS]')) return template.includes('[ARGS]') ? MISTRAL_ARGS : MISTRAL
  if (template.includes('<tool_call>')) return HERMES
  if (
    template.includes('<|start_header_id|>') &&
    (template.includes('<|python_tag|>') || template.includes('"parameters"') || template.includes('ipython'))
  )
    return LLAMA
  return HERMES
}
