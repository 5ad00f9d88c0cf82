/** Grammars that make a model write calls in its own format, with arguments that are valid under the tools' schemas. */
import { StokerError } from '#contract/errors.ts'
import type { ToolDefinition } from '#contract/inference.ts'

import { GrammarRules, literal } from '#engine/host/grammar/grammar-rules.ts'
import { SchemaConverter } from '#engine/host/grammar/grammar-schema.ts'
import { keptGrammar } from '#engine/host/grammar/grammar.ts'
import { checkSchema } from '#engine/host/grammar/schema-bounds.ts'
import type { GrammarOptions } from '#engine/host/scheduler/step-model.ts'
import type { ToolFormat } from './tool-format.ts'
import { openingsOf } from './tool-call-parser.ts'

/** Calls of one answer. */
const CALLS_MAX = 16

/** Arguments are always an object; properties that the schema does not require may be left out. */
const converterOf = (rules: GrammarRules, parameters: Record<string, unknown>): SchemaConverter =>
  new SchemaConverter(rules, { type: 'object', ...parameters }, 'optional')

/**
 * Whether a schema can be enforced by itself; a tool whose schema cannot be enforced accepts any JSON object.
 */
function enforceable(parameters: Record<string, unknown>): boolean {
  try {
    if (parameters['type'] !== undefined && parameters['type'] !== 'object') return false
    checkSchema(parameters)
    const rules = new GrammarRules()
    rules.text(converterOf(rules, parameters).root())
    return true
  } catch (error) {
    if (error instanceof StokerError && error.code === 'GRAMMAR_INVALID') return false
    throw error
  }
}

function argumentsRule(rules: GrammarRules, { parameters }: ToolDefinition, strict: boolean): string {
  if (Object.keys(parameters).length === 0) return rules.add(`"{" ${rules.primitive('ws')} "}"`)
  return strict && enforceable(parameters) ? converterOf(rules, parameters).root() : rules.primitive('object')
}

/** Every format allows a line break after what may be the trigger (grammar-trigger.ts). */
function oneCall(rules: GrammarRules, format: ToolFormat, tool: ToolDefinition, strict: boolean): string {
  const value = argumentsRule(rules, tool, strict)
  if (format.name === 'mistral-args')
    return rules.add(`"[TOOL_CALLS]" "\\n"? ${literal(`${tool.name}[ARGS]`)} ${value}`, [value])
  const key = format.name === 'llama' ? 'parameters' : 'arguments'
  return rules.add(`${literal(`{"name": "${tool.name}"`)} "\\n"? ${literal(`, "${key}": `)} ${value} "}"`, [value])
}

function whole(rules: GrammarRules, format: ToolFormat, call: string, single: boolean): string {
  const most = single ? 0 : CALLS_MAX - 1
  const repeated = (one: string, between: string): string =>
    `${one}${most === 0 ? '' : ` (${between}${one}){0,${most}}`}`
  switch (format.name) {
    case 'hermes':
      return repeated(rules.add(`"<tool_call>" "\\n"? ${call} "\\n"? "</tool_call>"`, [call]), '"\\n"? ')
    case 'mistral':
      return `"[TOOL_CALLS]" [ \\n]? "[" ${repeated(call, '", " ')} "]"`
    case 'mistral-args':
      return repeated(call, '')
    case 'llama':
      return `("<|python_tag|>" "\\n"?)? ${call}`
  }
}

function gbnf(format: ToolFormat, tools: readonly ToolDefinition[], single: boolean, strict: boolean): string {
  const rules = new GrammarRules()
  const calls = tools.map((tool) => oneCall(rules, format, tool, strict))
  const call = rules.add(calls.join(' | '), calls, 'any')
  return rules.text(rules.add(whole(rules, format, call, single), [call]))
}

/** `forced`: from the first token on; otherwise from the first opening marker in the answer on. */
export function toolGrammar(
  format: ToolFormat,
  tools: readonly ToolDefinition[],
  { forced, single }: { forced: boolean; single: boolean },
): GrammarOptions {
  const text = keptGrammar(
    JSON.stringify([format.name, single, tools.map(({ name, parameters }) => [name, parameters])]),
    () => {
      try {
        return gbnf(format, tools, single, true)
      } catch (error) {
        if (error instanceof StokerError && error.code === 'GRAMMAR_INVALID') return gbnf(format, tools, single, false)
        throw error
      }
    },
  )
  return {
    gbnf: text,
    triggers: forced
      ? []
      : openingsOf(
          format,
          tools.map((tool) => tool.name),
        ),
  }
}
