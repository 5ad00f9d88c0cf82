/** The routes of the endpoint. Every one needs the key, the health check too. */
import type { IncomingMessage, ServerResponse } from 'node:http'

import type { OwnUseModel } from '#core/own-use/own-use.port.ts'
import type { Clock } from '#contract/time.ts'
import { refused } from '#lib/openai-error.ts'

import { serveAnswer, type AnswerDeps } from './serve-answer.ts'
import { readJson } from './endpoint-body.ts'
import { parseChat } from './own-use-chat-request.ts'
import { chatShape } from './chat-shape.ts'
import { parseCompletion } from './completion-request.ts'
import { completionShape } from './completion-shape.ts'
import { embeddingsBody, parseEmbeddings } from './embeddings.ts'
import { unknownModel } from './endpoint-errors.ts'
import { sendJson } from './send-json.ts'
import type { AnswerHead } from './answer-shape.ts'

export interface RouteDeps extends AnswerDeps {
  clock: Clock
}

type Handler = (deps: RouteDeps, request: IncomingMessage, response: ServerResponse) => void | Promise<void>

const MODELS = '/v1/models'

/** Other servers call the context of one request, in tokens, `context_window` or `max_model_len`. */
const modelBody = ({ id, created, contextTokens, loaded }: OwnUseModel): object => ({
  id,
  object: 'model',
  created,
  owned_by: 'stoker',
  context_window: contextTokens,
  max_model_len: contextTokens,
  loaded,
})

const headOf = ({ clock, ids }: RouteDeps, prefix: string, model: string): AnswerHead => ({
  id: ids.next(prefix),
  created: Math.floor(clock.now() / 1_000),
  model,
})

async function chat(deps: RouteDeps, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const asked = parseChat(await readJson(request))
  await serveAnswer(deps, asked, response, (model) => chatShape(headOf(deps, 'chatcmpl', model.id), asked))
}

async function completions(deps: RouteDeps, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const asked = parseCompletion(await readJson(request))
  await serveAnswer(deps, asked, response, (model) => completionShape(headOf(deps, 'cmpl', model.id), asked))
}

async function embeddings({ service }: RouteDeps, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const asked = parseEmbeddings(await readJson(request))
  const model = service.find(asked.model)
  if (model === null) throw unknownModel(asked.model)
  const cancelled = new AbortController()
  const onClose = (): void => cancelled.abort()
  response.once('close', onClose)
  const engine = await service.engine(model.id)
  // The client may have disconnected while the model was loaded.
  if (cancelled.signal.aborted) return
  service.used(model.id)
  try {
    const embedded = await engine.embed(asked.input, cancelled.signal)
    if (!cancelled.signal.aborted) sendJson(response, 200, embeddingsBody(model.id, asked, embedded))
  } catch (error) {
    if (!cancelled.signal.aborted) throw error
  } finally {
    response.off('close', onClose)
    service.used(model.id)
  }
}

const ROUTES: Readonly<Record<string, { method: 'GET' | 'POST'; handle: Handler }>> = {
  '/health': { method: 'GET', handle: (_deps, _request, response) => sendJson(response, 200, { status: 'ok' }) },
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
export async function route(deps: RouteDeps, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = (request.url ?? '/').split('?', 1)[0]!
  const found = Object.hasOwn(ROUTES, path) ? ROUTES[path] : undefined
  const one = path.startsWith(`${MODELS}/`) ? path.slice(MODELS.length + 1) : null
  const method = found?.method ?? (one === null ? null : 'GET')
  if (method === null)
    throw refused(404, `there is no ${path.slice(0, 100)} here; the base address of clients ends in /v1`, 'not_found')
  if (request.method !== method) throw refused(405, `${path.slice(0, 100)} is asked by ${method}`, 'method_not_allowed')
  if (found !== undefined) return found.handle(deps, request, response)
  const id = decoded(one ?? '')
  const model = deps.service.find(id)
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
