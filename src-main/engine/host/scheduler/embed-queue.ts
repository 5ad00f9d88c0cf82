/** Texts to embed: one is evaluated between two steps, so that streams go on beside a long list. */
import { fail } from '#contract/errors.ts'

import { EMBED_CALLS_MAX, type Embedded } from '#engine/protocol.ts'
import type { StepModel } from './step-model.ts'

interface EmbedCall {
  texts: readonly string[]
  done: Embedded
  resolve: (embedded: Embedded) => void
  reject: (error: unknown) => void
}

export interface EmbedQueue {
  readonly size: number
  /**
   * Errors: those of StepLoop.embed, CONTEXT_TOO_LONG, ENGINE_BUSY, CANCELLED once the signal is aborted, and the one
   * given to failAll.
   */
  add(texts: readonly string[], signal?: AbortSignal): Promise<Embedded>
  /** Embeds the next text; never throws. */
  next(): Promise<void>
  failAll(error: unknown): void
}

/** A text with more characters than this for each token of the context cannot fit: it is refused untokenized. */
const CHARACTERS_PER_TOKEN_MAX = 256

export function createEmbedQueue(model: StepModel): EmbedQueue {
  const calls: EmbedCall[] = []

  function tokensOf(text: string): number[] {
    const { contextTokens } = model.model
    const { begin, end } = model.vocabulary
    if (text.length > contextTokens * CHARACTERS_PER_TOKEN_MAX)
      throw fail(
        'embed.tooLong',
        { max: contextTokens },
        {
          data: { contextTokens },
        },
      )
    const tokens = model.vocabulary.tokenize(text, { begins: true })
    if (begin !== null) tokens.unshift(begin)
    if (end !== null) tokens.push(end)
    if (tokens.length === 0) throw fail('embed.empty')
    return tokens
  }

  /** The call may have been cancelled while its text was evaluated. */
  function remove(call: EmbedCall): void {
    const at = calls.indexOf(call)
    if (at >= 0) calls.splice(at, 1)
  }

  return {
    get size() {
      return calls.length
    },
    add(texts, signal) {
      if (calls.length >= EMBED_CALLS_MAX) return Promise.reject(fail('embed.queueFull', { max: EMBED_CALLS_MAX }))
      if (texts.length === 0) return Promise.resolve({ vectors: [], promptTokens: 0 })
      return new Promise((resolve, reject) => {
        const call: EmbedCall = { texts, done: { vectors: [], promptTokens: 0 }, resolve, reject }
        calls.push(call)
        const cancel = (): void => {
          remove(call)
          reject(fail('embed.nobodyWaits'))
        }
        if (signal?.aborted === true) cancel()
        else signal?.addEventListener('abort', cancel, { once: true })
      })
    },
    async next() {
      const call = calls[0]
      if (call === undefined) return
      const { texts, done } = call
      try {
        const tokens = tokensOf(texts[done.vectors.length] ?? '')
        done.vectors.push(await model.embed(tokens))
        done.promptTokens += tokens.length
        if (done.vectors.length < texts.length) return
        call.resolve(done)
      } catch (error) {
        call.reject(error)
      }
      remove(call)
    },
    failAll(error) {
      for (const call of calls.splice(0)) call.reject(error)
    },
  }
}
