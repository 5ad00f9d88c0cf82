/**
 * One chat completion or completion: submits the request to the engine and passes its output to the client. The headers
 * wait for the first text, so that a failure before it gets its own status.
 */
import type { ServerResponse } from 'node:http'

import { bytes4, inputTokens } from '#contract/bytes4.ts'
import type { ErrorValue } from '#contract/errors.ts'
import { OWNER_SCOPE, type EngineRequest, type TokenLogprob } from '#contract/inference.ts'
import type { EngineEvents, EnginePort } from '#core/engine/engine.port.ts'
import type { OwnUseModel, OwnUseService } from '#core/own-use/own-use.port.ts'
import type { IdSource } from '#lib/id-source.ts'
import { contextTooLong } from '#lib/openai-error.ts'

import { apiErrorOf, apiErrorOfValue, unknownModel } from './endpoint-errors.ts'
import type { Asked } from './request-fields.ts'
import { createSseWriter, type SseWriter } from './sse-writer.ts'
import type { AnswerShape } from './answer-shape.ts'
import type { OpenAnswers } from './open-answers.ts'

/** Tokens that a chat template adds to each message, and once, estimated. */
const TEMPLATE_TOKENS = 8
const OUTPUT_MAX = 131_072
/** Retries of a request without a length, each shorter, when the prompt has more tokens than estimated. */
const RETRIES = 2

export interface AnswerDeps {
  service: OwnUseService
  ids: IdSource
  openAnswers: OpenAnswers
}

/** Throws ApiFailure before the request is with an engine; resolves once the engine has it. */
export async function serveAnswer(
  { service, ids, openAnswers }: AnswerDeps,
  asked: Asked,
  response: ServerResponse,
  shapeOf: (model: OwnUseModel) => AnswerShape,
): Promise<void> {
  const model = service.find(asked.model)
  if (model === null) throw unknownModel(asked.model)
  let [closed, cancel] = [false, (): void => undefined]
  const writer = createSseWriter(response, asked.stream, openAnswers, () => {
    closed = true
    cancel()
  })
  try {
    const engine = await service.engine(model.id)
    if (closed) return
    const state = engine.state()
    const contextTokens = state.kind === 'loaded' ? state.model.contextTokens : model.contextTokens
    if (asked.maxTokens !== null && asked.maxTokens > contextTokens)
      throw contextTooLong(
        `this model's context is ${contextTokens} tokens and max_tokens asks for ${asked.maxTokens}; lower max_tokens or leave it out`,
      )
    const over = (): void => {
      cancel = () => undefined
      service.used(model.id)
    }
    service.used(model.id)
    const events = asked.stream ? streamed(writer, shapeOf(model), over) : whole(writer, shapeOf(model), over)
    const ask = askEngine(engine, ids, asked, contextTokens, events)
    cancel = () => ask.cancel()
    ask.start()
  } catch (error) {
    writer.fail(apiErrorOf(error))
  }
}

function streamed(writer: SseWriter, shape: AnswerShape, over: () => void): EngineEvents {
  let opening = shape.opening
  const begin = (): string => {
    const text = opening
    opening = ''
    return text
  }
  return {
    onDelta: (text, logprobs) => writer.write(begin() + shape.delta(text, logprobs)),
    onDone(done) {
      over()
      writer.end(begin() + shape.ending(done))
    },
    onError(error) {
      over()
      writer.fail(apiErrorOfValue(error))
    },
  }
}

function whole(writer: SseWriter, shape: AnswerShape, over: () => void): EngineEvents {
  const texts: string[] = []
  let logprobs: TokenLogprob[] | null = null
  return {
    onDelta(text, more) {
      texts.push(text)
      if (more !== undefined) (logprobs ??= []).push(...more)
    },
    onDone(done) {
      over()
      writer.json(200, shape.whole({ text: texts.join(''), logprobs, done }))
    },
    onError(error) {
      over()
      writer.fail(apiErrorOfValue(error))
    },
  }
}

/** Submits the request, and again with a shorter length if the client set none and the first one does not fit. */
function askEngine(
  engine: EnginePort,
  ids: IdSource,
  asked: Asked,
  contextTokens: number,
  events: EngineEvents,
): { start(): void; cancel(): void } {
  let jobId = ''
  let [cancelled, retries] = [false, RETRIES]
  const submit = (maxTokens: number): void => {
    jobId = ids.next('own')
    const shorter = (error: ErrorValue): void => {
      const fits =
        asked.maxTokens === null && retries > 0 && !cancelled && error.code === 'CONTEXT_TOO_LONG'
          ? fitting(error, maxTokens)
          : 0
      if (fits < 1) {
        events.onError(error)
        return
      }
      retries -= 1
      submit(fits)
    }
    engine.submit(
      jobId,
      { ...asked.request, maxTokens, cacheScope: OWNER_SCOPE },
      { ...events, onError: shorter },
      { priority: 'own' },
    )
  }
  return {
    start: () => submit(asked.maxTokens ?? roomLeft(asked.request, contextTokens)),
    cancel() {
      cancelled = true
      engine.cancel(jobId)
    },
  }
}

/** Most output tokens beside a prompt of this estimated length. */
function roomLeft({ messages, prompt }: Omit<EngineRequest, 'maxTokens'>, contextTokens: number): number {
  const about =
    (prompt === undefined ? inputTokens(messages) : bytes4(prompt)) + TEMPLATE_TOKENS * (messages.length + 1)
  return Math.min(OUTPUT_MAX, Math.max(1, contextTokens - about))
}

/** The length that fits by the engine's own count of the prompt; a quarter of the last one where it gave none. */
function fitting({ data }: ErrorValue, tried: number): number {
  const { needed, contextTokens } = data
  if (typeof needed === 'number' && typeof contextTokens === 'number')
    return Math.min(tried - 1, contextTokens - (needed - tried))
  return Math.floor(tried / 4)
}
