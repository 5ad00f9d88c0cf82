/**
 * What a job says, token by token: bytes to text, calls of tools taken out, stop strings matched, log-probabilities
 * kept beside their text.
 */
import type { TokenLogprob, ToolCall } from '#contract/inference.ts'

import { tokenLogprob } from '../sampling/logprobs.ts'
import type { Choice, Vocabulary } from './step-model.ts'
import { createStopMatcher } from '../sampling/stop-strings.ts'
import { createTextStream } from '../sampling/text-stream.ts'
import type { ToolCallParser } from '../template/tools/tool-call-parser.ts'

export interface AnswerPiece {
  /** May be empty. */
  text: string
  /** Of the tokens that made the text; empty when none were asked for, or while no text is free. */
  logprobs: TokenLogprob[]
}

export interface Answer {
  /** One more token. With `stopped` a stop string was met: the text ends before it and nothing follows. */
  push(choice: Choice): AnswerPiece & { stopped: boolean }
  /** No more tokens (not for cancelled jobs): what was held back, and the calls. */
  end(): AnswerPiece & { toolCalls: ToolCall[] }
}

export interface AnswerOptions {
  vocabulary: Vocabulary
  stops: readonly string[]
  /** Null when no tools are offered. */
  tools: ToolCallParser | null
  /** Control tokens that open or close a call: their names are text to the parser. */
  markers: ReadonlyMap<number, string>
  logprobs: boolean
}

export function createAnswer({ vocabulary, stops, tools, markers, logprobs }: AnswerOptions): Answer {
  const stream = createTextStream()
  const matcher = createStopMatcher(stops)
  let waiting: TokenLogprob[] = []
  let over = false

  function deliver(text: string): AnswerPiece {
    const piece = { text, logprobs: text === '' ? [] : waiting }
    if (text !== '') waiting = []
    return piece
  }

  return {
    push(choice) {
      if (logprobs) {
        const entry = tokenLogprob(vocabulary, choice)
        if (entry !== null) waiting.push(entry)
      }
      const raw = markers.get(choice.token) ?? stream.push(vocabulary.bytesOf(choice.token))
      const { text, stopped } = matcher.push(tools === null ? raw : tools.push(raw))
      over ||= stopped
      return { ...deliver(text), stopped }
    },
    end() {
      if (over) return { text: '', logprobs: [], toolCalls: tools?.end().calls ?? [] }
      over = true
      const held = tools?.end() ?? { text: '', calls: [] }
      const last = matcher.push(held.text)
      return { ...deliver(last.stopped ? last.text : last.text + matcher.rest()), toolCalls: held.calls }
    },
  }
}
