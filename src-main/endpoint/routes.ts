/** What is answered where. Every route needs the key, the health check too. */
import type { IncomingMessage, ServerResponse } from 'node:http'

import type { OwnUseModel } from '#core/own-use/own-use.port.ts'
import type { Clock } from '#contract/time.ts'
import { refused } from '#lib/openai-error.ts'

import { answer, type AnswerParts } from './serve-answer.ts'
import { readJson } from './endpoint-body.ts'
import { parseChat } from './own-use-chat-request.ts'
import { chatShape } from './chat-shape.ts'
import { parseCompletion } from './completion-request.ts'
import { completionShape } from './completion-shape.ts'
import { embeddingsBody, parseEmbeddings } from './embeddings.ts'
import { unknownModel } from './endpoint-errors.ts'
import { sendJson } from './send-json.ts'
import type { Head } from './answer-shape.ts'

export interface RouteParts extends AnswerParts {
  clock: Clock
}

type Handler = (parts: RouteParts, request: IncomingMessage, response: ServerResponse) => void | Promise<void>

const MODELS = '/v1/models'

/** `context_window` and `max_model_len` are what other servers call the context of one request, in tokens. */
const modelBody = ({ id, created, contextTokens, loaded }: OwnUseModel): object => ({
  id,
  object: 'model',
  created,
  owned_by: 'stoker',
  context_window: contextTokens,
  max_model_len: contextTokens,
  loaded,
})

const headOf = ({ clock, ids }: RouteParts, prefix: string, model: string): Head => ({
  id: ids.next(prefix),
  created: Math.floor(clock.now() / 1_000),
  model,
})

async function chat(parts: RouteParts, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const asked = parseChat(await readJson(request))
  await answer(parts, asked, response, (model) => chatShape(headOf(parts, 'chatcmpl', model.id), asked))
}

async function completions(parts: RouteParts, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const asked = parseCompletion(await readJson(request))
  await answer(parts, asked, response, (model) => completionShape(headOf(parts, 'cmpl', model.id), asked))
}

async function embeddings({ service }: RouteParts, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const asked = parseEmbeddings(await readJson(request))
  const model = service.find(asked.model)
  if (model === null) throw unknownModel(asked.model)
  const leaving = new AbortController()
  const leave = (): void => leaving.abort()
  response.once('close', leave)
  const engine = await service.engine(model.id)
  // It may have left while the model was loaded.
  if (leaving.signal.aborted) return
  service.used(model.id)
  try {
    const embedded = await engine.embed(asked.input, leaving.signal)
    if (!leaving.signal.aborted) sendJson(response, 200, embeddingsBody(model.id, asked, embedded))
  } catch (error) {
    if (!leaving.signal.aborted) throw error
  } finally {
    response.off('close', leave)
    service.used(model.id)
  }
}

const ROUTES: Readonly<Record<string, { method: 'GET' | 'POST'; handle: Handler }>> = {
  '/health': { method: 'GET', handle: (_parts, _request, response) => sendJson(response, 200, { status: 'ok' }) },
  [MODELS]: {
    method: 'GET',
    handle: ({ service }, _request, response) =>
      sendJson(response, 200, { object: 'list', data: service.models().map(modelBody) }),
  },
  '/v1/chat/completions': { method: 'POST', handle: chat },
  '/v1/completions': { method: 'POST', handle: completions },
  '/v1/embeddings': { method: 'POST', handle: embeddings },
}

/** Throws ApiFailure. */
export async function route(parts: RouteParts, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = (request.url ?? '/').split('?', 1)[0]!
  const found = Object.hasOwn(ROUTES, path) ? ROUTES[path] : undefined
  const one = path.startsWith(`${MODELS}/`) ? path.slice(MODELS.length + 1) : null
  const method = found?.method ?? (one === null ? null : 'GET')
  if (method === null)
    throw refused(404, `there is no ${path.slice(0, 100)} here; the base address of clients ends in /v1`, 'not_found')
  if (request.method !== method) throw refused(405, `${path.slice(0, 100)} is asked by ${method}`, 'method_not_allowed')
  if (found !== undefined) return found.handle(parts, request, response)
  const id = decoded(one ?? '')
  const model = parts.service.find(id)
  if (model === null) throw unknownModel(id)
  sendJson(response, 200, modelBody(model))
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
