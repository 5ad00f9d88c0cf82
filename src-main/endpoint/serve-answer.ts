/**
 * One chat completion or completion: the engine's work, handed to the client as it comes. Headers wait for the first
 * text, so that a failure before it has its right status.
 */
import type { ServerResponse } from 'node:http'

import { bytes4, inputTokens } from '#contract/bytes4.ts'
import type { ErrorValue } from '#contract/errors.ts'
import type { ChatMessage, EngineRequest, TokenLogprob } from '#contract/inference.ts'
import type { EngineEvents, EnginePort } from '#core/engine/engine.port.ts'
import type { OwnUseModel, OwnUseService } from '#core/own-use/own-use.port.ts'
import type { IdSource } from '#lib/id-source.ts'
import { contextTooLong } from '#lib/openai-error.ts'

import { apiErrorOf, apiErrorOfValue, unknownModel } from './endpoint-errors.ts'
import type { Asked } from './request-fields.ts'
import { createOutlet, type Outlet } from './sse-writer.ts'
import type { Shape } from './answer-shape.ts'
import type { Watch } from './open-answers.ts'

/** What a chat template adds to each message, and once, roughly, in tokens. */
const TEMPLATE_TOKENS = 8
const OUTPUT_MAX = 131_072
/** An answer without a named length is asked for again, shorter, when the prompt turns out longer than it looked. */
const RETRIES = 2

export interface AnswerParts {
  service: OwnUseService
  ids: IdSource
  watch: Watch
}

/** Throws ApiFailure while nothing was asked of an engine; resolves once the engine has the request. */
export async function answer(
  { service, ids, watch }: AnswerParts,
  asked: Asked,
  response: ServerResponse,
  shapeOf: (model: OwnUseModel) => Shape,
): Promise<void> {
  const model = service.find(asked.model)
  if (model === null) throw unknownModel(asked.model)
  let [gone, cancel] = [false, (): void => undefined]
  const outlet = createOutlet(response, asked.stream, watch, () => {
    gone = true
    cancel()
  })
  try {
    const engine = await service.engine(model.id)
    if (gone) return
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
    const events = asked.stream ? streamed(outlet, shapeOf(model), over) : whole(outlet, shapeOf(model), over)
    const ask = askEngine(engine, ids, asked, contextTokens, events)
    cancel = () => ask.cancel()
    ask.start()
  } catch (error) {
    outlet.fail(apiErrorOf(error))
  }
}

function streamed(outlet: Outlet, shape: Shape, over: () => void): EngineEvents {
  let opening = shape.opening
  const begin = (): string => {
    const text = opening
    opening = ''
    return text
  }
  return {
    onDelta: (text, logprobs) => outlet.write(begin() + shape.delta(text, logprobs)),
    onDone(done) {
      over()
      outlet.end(begin() + shape.ending(done))
    },
    onError(error) {
      over()
      outlet.fail(apiErrorOfValue(error))
    },
  }
}

function whole(outlet: Outlet, shape: Shape, over: () => void): EngineEvents {
  const texts: string[] = []
  let logprobs: TokenLogprob[] | null = null
  return {
    onDelta(text, more) {
      texts.push(text)
      if (more !== undefined) (logprobs ??= []).push(...more)
    },
    onDone(done) {
      over()
      outlet.json(200, shape.whole({ text: texts.join(''), logprobs, done }))
    },
    onError(error) {
      over()
      outlet.fail(apiErrorOfValue(error))
    },
  }
}

/** Submits, and submits again while nothing was answered and only a length that nobody named does not fit. */
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
    engine.submit(jobId, { ...asked.request, maxTokens }, { ...events, onError: shorter }, { priority: 'own' })
  }
  return {
    start: () => submit(asked.maxTokens ?? roomLeft(asked.request, contextTokens)),
    cancel() {
      cancelled = true
      engine.cancel(jobId)
    },
  }
}

/** Most tokens an answer may have beside a prompt of about this length. */
function roomLeft({ messages, prompt }: Omit<EngineRequest, 'maxTokens'>, contextTokens: number): number {
  const about =
    (prompt === undefined ? inputTokens(messages as ChatMessage[]) : bytes4(prompt)) +
    TEMPLATE_TOKENS * (messages.length + 1)
  return Math.min(OUTPUT_MAX, Math.max(1, contextTokens - about))
}

/** The length that fits by the engine's own count of the prompt, or a quarter of what did not where it told none. */
function fitting({ data }: ErrorValue, tried: number): number {
  const { needed, contextTokens } = data
  if (typeof needed === 'number' && typeof contextTokens === 'number')
    return Math.min(tried - 1, contextTokens - (needed - tried))
  return Math.floor(tried / 4)
}
