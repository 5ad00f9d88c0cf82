/** Assembles a streamed answer: text is passed on as it comes, tool calls and usage are kept for the end. */
import { fail, type StokerError, fromErrorValue } from '#contract/errors.ts'
import {
  MESSAGE_BYTES_MAX,
  type EngineUsage,
  type FinishReason,
  type TokenLogprob,
  type ToolCall,
} from '#contract/inference.ts'

import { chunk, finishOf, logprobsOf, usageOf, type ToolDelta } from './stream-chunk.ts'
import { streamedError } from './server-refusal.ts'

export interface RemoteAnswer {
  /** The data of one event. Errors: ENGINE_CRASHED for anything that is no chunk, and the server's own `error`. */
  take(data: string): void
  /** Null until the server sent a finish reason. */
  readonly finish: FinishReason | null
  /**
   * By the server's count; without one `promptTokens` is the given estimate and `generatedTokens` the number of chunks.
   */
  readonly usage: EngineUsage
  readonly toolCalls: ToolCall[]
  /** More tokens came than were asked for; the answer is over. */
  readonly overrun: boolean
}

export interface RemoteAnswerOptions {
  host: string
  maxTokens: number
  /** Alternatives asked for; undefined for no log-probabilities. */
  logprobs: number | undefined
  promptTokens: number
  onDelta: (text: string, logprobs?: TokenLogprob[]) => void
  /** A chunk with output came, whether its text is passed on or not (reasoning is not). */
  onChunk: () => void
}

const ID_CHARACTERS = 64

function createToolCalls(broken: () => StokerError) {
  const calls = new Map<number, ToolCall>()
  let bytes = 0
  let last = -1
  return {
    add(deltas: readonly ToolDelta[]): void {
      for (const { index, id, function: called } of deltas) {
        // Servers without indexes send each call whole, or continue the last one.
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

export function createRemoteAnswer({
  host,
  maxTokens,
  logprobs,
  promptTokens,
  onDelta,
  onChunk,
}: RemoteAnswerOptions): RemoteAnswer {
  const broken = (): StokerError => fail('remote.streamShape', { host })
  const tools = createToolCalls(broken)
  let chunks = 0
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
      const parsed = parse(data)
      if (parsed.error !== undefined && parsed.error !== null) throw fromErrorValue(streamedError(parsed, host))
      if (parsed.usage) counted = usageOf(parsed.usage)
      const first = parsed.choices?.[0]
      if (first === undefined) return
      const { delta, text, finish_reason: reason } = first
      const content = delta?.content ?? text ?? ''
      const calls = delta?.tool_calls ?? []
      if (content !== '' || delta?.reasoning_content || delta?.reasoning || calls.length > 0) {
        chunks += 1
        onChunk()
      }
      tools.add(calls)
      if (content !== '' && chunks <= maxTokens) {
        const described = logprobs === undefined ? undefined : logprobsOf(first, logprobs)
        if (described === undefined) onDelta(content)
        else onDelta(content, described)
      }
      if (reason === null || reason === undefined) return
      finish = finishOf(reason)
      if (finish === null) throw fail('remote.gaveUp', { host })
    },
    get finish() {
      return finish
    },
    get usage() {
      return counted ?? { promptTokens, cachedTokens: 0, generatedTokens: Math.min(chunks, maxTokens) }
    },
    get toolCalls() {
      return tools.all()
    },
    get overrun() {
      return chunks > maxTokens
    },
  }
}
