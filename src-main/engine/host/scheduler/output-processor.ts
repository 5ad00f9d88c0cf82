/**
 * Turns the sampled tokens of one job into its output: detokenization, tool calls taken out of the text, stop strings
 * matched, log-probabilities kept beside their text.
 */
import type { TokenLogprob, ToolCall } from '#contract/inference.ts'

import { tokenLogprob } from '../sampling/logprobs.ts'
import type { SampledToken, Vocabulary } from './step-model.ts'
import { createStopMatcher } from '../sampling/stop-strings.ts'
import { createTextStream } from '../sampling/text-stream.ts'
import type { ToolCallParser } from '../template/tools/tool-call-parser.ts'

export interface OutputDelta {
  /** May be empty. */
  text: string
  /** Of the tokens that made the text; empty when none were asked for, or while the text is held back. */
  logprobs: TokenLogprob[]
}

export interface OutputProcessor {
  /** One more token. With `stopped` a stop string was met: the text ends before it and nothing follows. */
  push(sampled: SampledToken): OutputDelta & { stopped: boolean }
  /** No more tokens (not called for cancelled jobs): the text that was held back, and the tool calls. */
  end(): OutputDelta & { toolCalls: ToolCall[] }
}

export interface OutputProcessorOptions {
  vocabulary: Vocabulary
  stops: readonly string[]
  /** Null when no tools are offered. */
  tools: ToolCallParser | null
  /** Control tokens that open or close a tool call: the parser reads their names as text. */
  markers: ReadonlyMap<number, string>
  logprobs: boolean
}

export function createOutputProcessor(options: OutputProcessorOptions): OutputProcessor {
  const { vocabulary, stops, tools, markers } = options
  const stream = createTextStream()
  const matcher = createStopMatcher(stops)
  let held: TokenLogprob[] = []
  let over = false

  function deltaOf(text: string): OutputDelta {
    const delta = { text, logprobs: text === '' ? [] : held }
    if (text !== '') held = []
    return delta
  }

  return {
    push(sampled) {
      if (options.logprobs) {
        const entry = tokenLogprob(vocabulary, sampled)
        if (entry !== null) held.push(entry)
      }
      const raw = markers.get(sampled.token) ?? stream.push(vocabulary.bytesOf(sampled.token))
      const { text, stopped } = matcher.push(tools === null ? raw : tools.push(raw))
      over ||= stopped
      return { ...deltaOf(text), stopped }
    },
    end() {
      if (over) return { text: '', logprobs: [], toolCalls: tools?.end().calls ?? [] }
      over = true
      const rest = tools?.end() ?? { text: '', calls: [] }
      const last = matcher.push(rest.text)
      return { ...deltaOf(last.stopped ? last.text : last.text + matcher.rest()), toolCalls: rest.calls }
    },
  }
}
