/** Texts to embed, one between two steps: an embedding never meets a step, and streams go on beside a long list. */
import { StokerError } from '#contract/errors.ts'

import { EMBED_CALLS_MAX, type Embedded } from '../protocol.ts'
import type { StepModel } from './step-model.ts'

interface EmbedCall {
  texts: readonly string[]
  done: Embedded
  resolve: (embedded: Embedded) => void
  reject: (error: unknown) => void
}

export interface EmbedQueue {
  readonly size: number
  /** Errors: those of StepLoop.embed, CONTEXT_TOO_LONG, ENGINE_BUSY, and what failAll says. */
  add(texts: readonly string[]): Promise<Embedded>
  /** Embeds the next text; never throws. */
  next(): Promise<void>
  failAll(error: unknown): void
}

/** A text this much longer than the context cannot fit and need not be tokenized to know. */
const CHARACTERS_PER_TOKEN_MAX = 256

export function createEmbedQueue(model: StepModel): EmbedQueue {
  const calls: EmbedCall[] = []

  function tokensOf(text: string): number[] {
    const { contextTokens } = model.model
    const { begin } = model.vocabulary
    if (text.length > contextTokens * CHARACTERS_PER_TOKEN_MAX)
      throw new StokerError('CONTEXT_TOO_LONG', `This text needs more than ${contextTokens} tokens. Split it.`, { data: { contextTokens } })
    const tokens = model.vocabulary.tokenize(text, { begins: true })
    if (begin !== null) tokens.unshift(begin)
    if (tokens.length === 0) throw new StokerError('BAD_REQUEST', 'A text to embed is empty. Leave it out.')
    return tokens
  }

  return {
    get size() {
      return calls.length
    },
    add(texts) {
      if (calls.length >= EMBED_CALLS_MAX) return Promise.reject(new StokerError('ENGINE_BUSY', `${EMBED_CALLS_MAX} lists of texts wait to be embedded. Try again later.`))
      if (texts.length === 0) return Promise.resolve({ vectors: [], promptTokens: 0 })
      return new Promise((resolve, reject) => calls.push({ texts, done: { vectors: [], promptTokens: 0 }, resolve, reject }))
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
      calls.shift()
    },
    failAll(error) {
      for (const call of calls.splice(0)) call.reject(error)
    },
  }
}
