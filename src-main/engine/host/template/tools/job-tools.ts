/** What a request's tools mean for one job: which are offered, the grammar, and the parser of the calls. */
import { fail } from '#contract/errors.ts'
import type { EngineRequest, ToolDefinition } from '#contract/inference.ts'

import type { GrammarOptions } from '#engine/host/scheduler/step-model.ts'
import type { ToolFormat } from './tool-format.ts'
import { createToolCallParser, type ToolCallParser } from './tool-call-parser.ts'
import { toolGrammar } from './tool-grammar.ts'

const TOOL_BYTES_MAX = 262_144
const TOOL_DEPTH_MAX = 32

export interface JobTools {
  offered: readonly ToolDefinition[]
  grammar: GrammarOptions | null
  parser: ToolCallParser | null
}

const NONE: JobTools = { offered: [], grammar: null, parser: null }

function within(value: unknown, left: number, budget: { values: number }): boolean {
  if (typeof value !== 'object' || value === null) return true
  budget.values -= 1
  return left > 0 && budget.values > 0 && Object.values(value).every((child) => within(child, left - 1, budget))
}

function checkTools(tools: readonly ToolDefinition[]): void {
  const twice = tools.find((tool, at) => tools.findIndex((other) => other.name === tool.name) !== at)
  if (twice !== undefined) throw fail('tools.sameName', { name: twice.name })
  if (!within(tools, TOOL_DEPTH_MAX, { values: TOOL_BYTES_MAX }) || JSON.stringify(tools).length > TOOL_BYTES_MAX)
    throw fail('tools.tooLarge', { kib: TOOL_BYTES_MAX / 1_024, levels: TOOL_DEPTH_MAX })
}

/** Nine letters and digits after `call_`: short enough for every template; Mistral's accepts only the nine. */
function callIds(format: ToolFormat, random: () => number): () => string {
  const nine = (): string =>
    `${random().toString(36)}${random().toString(36)}`
      .replaceAll(/[^a-z0-9]/g, '')
      .padEnd(9, '0')
      .slice(0, 9)
  return format.name.startsWith('mistral') ? nine : () => `call_${nine()}`
}

/** Errors: BAD_REQUEST. `random` gives 32 bits. */
export function toolsOf(
  { tools = [], toolChoice = 'auto' }: EngineRequest,
  format: ToolFormat,
  random: () => number,
): JobTools {
  if (tools.length === 0 || toolChoice === 'none') return NONE
  checkTools(tools)
  const named = typeof toolChoice === 'object' ? toolChoice.name : null
  const offered = named === null ? tools : tools.filter((tool) => tool.name === named)
  if (offered.length === 0) throw fail('tools.choiceUnknown', { name: JSON.stringify(named?.slice(0, 64)) })
  return {
    offered,
    grammar: toolGrammar(format, offered, { forced: toolChoice !== 'auto', single: named !== null }),
    parser: createToolCallParser({ format, names: offered.map((tool) => tool.name), callId: callIds(format, random) }),
  }
}
