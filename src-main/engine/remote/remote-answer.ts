/** Puts a streamed answer together: text goes out as it comes, tool calls and usage are kept for the end. */
import { StokerError, fromErrorValue } from '#contract/errors.ts'
import {
  MESSAGE_BYTES_MAX,
  type EngineUsage,
  type FinishReason,
  type TokenLogprob,
  type ToolCall,
} from '#contract/inference.ts'

import { chunk, finishOf, logprobsOf, usageOf, type ToolDelta } from './stream-chunk.ts'
import { streamedError } from './server-refusal.ts'

export interface Answer {
  /** One event's data. Errors: ENGINE_CRASHED for what is no such stream, or what the server says in an `error`. */
  take(data: string): void
  /** Null until the server said that it is done. */
  readonly finish: FinishReason | null
  /**
   * By the server's count; without one `promptTokens` is the estimate given and `generatedTokens` the number of pieces.
   */
  readonly usage: EngineUsage
  readonly toolCalls: ToolCall[]
  /** More came than was asked for; the answer is over. */
  readonly overrun: boolean
}

export interface AnswerOptions {
  host: string
  maxTokens: number
  /** Alternatives asked for; undefined for no log-probabilities. */
  logprobs: number | undefined
  promptTokens: number
  onDelta: (text: string, logprobs?: TokenLogprob[]) => void
  /** A piece of the answer came, whether it is delivered or not (reasoning is not). */
  onPiece: () => void
}

const ID_CHARACTERS = 64

function createToolCalls(broken: () => StokerError) {
  const calls = new Map<number, ToolCall>()
  let bytes = 0
  let last = -1
  return {
    add(deltas: readonly ToolDelta[]): void {
      for (const { index, id, function: called } of deltas) {
        // Servers without indexes send each call whole, or go on with the last one.
        const at = index ?? (called?.name ? last + 1 : Math.max(last, 0))
        last = at
        const call = calls.get(at) ?? { id: '', name: '', arguments: '' }
        if (id) call.id = id.slice(0, ID_CHARACTERS)
        if (called?.name) call.name += called.name
        call.arguments += called?.arguments ?? ''
        bytes += Buffer.byteLength(called?.arguments ?? '')
        if (bytes > MESSAGE_BYTES_MAX || call.name.length > ID_CHARACTERS) throw broken()
        calls.set(at, call)
      }
    },
    all(): ToolCall[] {
      return [...calls]
        .sort(([a], [b]) => a - b)
        .map(([index, call]) => ({ ...call, id: call.id === '' ? `call_${index}` : call.id }))
    },
  }
}

export function createAnswer({ host, maxTokens, logprobs, promptTokens, onDelta, onPiece }: AnswerOptions): Answer {
  const broken = (): StokerError =>
    new StokerError(
      'ENGINE_CRASHED',
      `${host} sent something that is not the stream of an OpenAI-compatible server. Look at its version and its log.`,
    )
  const tools = createToolCalls(broken)
  let pieces = 0
  let finish: FinishReason | null = null
  let counted: EngineUsage | null = null

  function parse(data: string) {
    try {
      return chunk.parse(JSON.parse(data))
    } catch {
      throw broken()
    }
  }
  return {
    take(data) {
      const piece = parse(data)
      if (piece.error !== undefined && piece.error !== null) throw fromErrorValue(streamedError(piece, host))
      if (piece.usage) counted = usageOf(piece.usage)
      const first = piece.choices?.[0]
      if (first === undefined) return
      const { delta, text, finish_reason: reason } = first
      const content = delta?.content ?? text ?? ''
      const calls = delta?.tool_calls ?? []
      if (content !== '' || delta?.reasoning_content || delta?.reasoning || calls.length > 0) {
        pieces += 1
        onPiece()
      }
      tools.add(calls)
      if (content !== '' && pieces <= maxTokens) {
        const described = logprobs === undefined ? undefined : logprobsOf(first, logprobs)
        if (described === undefined) onDelta(content)
        else onDelta(content, described)
      }
      if (reason === null || reason === undefined) return
      finish = finishOf(reason)
      if (finish === null) throw new StokerError('ENGINE_CRASHED', `${host} gave this answer up. Look at its log.`)
    },
    get finish() {
      return finish
    },
    get usage() {
      return counted ?? { promptTokens, cachedTokens: 0, generatedTokens: Math.min(pieces, maxTokens) }
    },
    get toolCalls() {
      return tools.all()
    },
    get overrun() {
      return pieces > maxTokens
    },
  }
}
