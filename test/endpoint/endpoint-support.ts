/** The endpoint on a free port before an engine whose every word the test says. */
import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage } from 'node:http'

import { OpenAI } from 'openai'
import { pino } from 'pino'
import { onTestFinished } from 'vitest'

import { StokerError, type ErrorValue } from '#contract/errors.ts'
import type { ModelSha256 } from '#contract/ids.ts'
import type { EngineRequest } from '#contract/inference.ts'
import type { EngineDone, EngineEvents, EnginePort, SubmitOptions } from '#core/engine/engine.port.ts'
import type { OwnUseModel, OwnUseService } from '#core/own-use/own-use.port.ts'
import { createEndpoint } from '#endpoint/index.ts'
import { createFakeEngine } from '#test/support/fake-engine.ts'
import { countingIds } from '#test/support/counting-ids.ts'
import { FakeClock } from '#test/support/fake-clock.ts'

export const KEY = 'sk-own-test'
export const CONTEXT = 512

export interface Submitted {
  jobId: string
  request: EngineRequest
  events: EngineEvents
  options: SubmitOptions | undefined
}

/** Says nothing by itself: the test calls the events of what was submitted. */
export interface ScriptedEngine extends EnginePort {
  readonly submitted: readonly Submitted[]
  readonly cancelled: readonly string[]
  /** The next submit that was not taken yet. */
  next(): Promise<Submitted>
  /** The next cancel that was not taken yet. */
  nextCancel(): Promise<string>
  /** Answers every submit by itself from now on. */
  answer(by: (one: Submitted) => void): void
}

export const done = (more: Partial<EngineDone> = {}): EngineDone => ({
  finish: 'stop',
  usage: { promptTokens: 10, cachedTokens: 4, generatedTokens: 3 },
  ttftMs: 1,
  durationMs: 2,
  ...more,
})
export const error = (code: ErrorValue['code'], data: ErrorValue['data'] = {}): ErrorValue => ({
  code,
  message: `told ${code}`,
  data,
})

/** Values that come in one order and are taken in the same. */
function line<T>(): { put(value: T): void; take(): Promise<T> } {
  const values: T[] = []
  const takers: ((value: T) => void)[] = []
  return {
    put(value) {
      const taker = takers.shift()
      if (taker === undefined) values.push(value)
      else taker(value)
    },
    take: () => (values.length > 0 ? Promise.resolve(values.shift()!) : new Promise((resolve) => takers.push(resolve))),
  }
}

export async function scriptedEngine(): Promise<ScriptedEngine> {
  const fake = createFakeEngine()
  await fake.load(
    { path: '/m.gguf', sha256: 'a'.repeat(64) as ModelSha256 },
    { contextTokens: CONTEXT, slots: 2, threads: 1, gpuLayers: 0, prefixReuse: false },
  )
  const [submitted, cancelled, jobs, cancels] = [[] as Submitted[], [] as string[], line<Submitted>(), line<string>()]
  let by: ((one: Submitted) => void) | null = null
  return {
    ...fake,
    submitted,
    cancelled,
    next: jobs.take,
    nextCancel: cancels.take,
    answer(next) {
      by = next
    },
    submit(jobId, request, events, options) {
      const one = { jobId, request, events, options }
      submitted.push(one)
      if (by === null) jobs.put(one)
      else by(one)
    },
    cancel(jobId) {
      cancelled.push(jobId)
      cancels.put(jobId)
    },
  }
}

export interface Stand {
  url: string
  clock: FakeClock
  /** Told by the endpoint, in order. */
  used: string[]
  client: OpenAI
  close(): Promise<void>
}

export const MODELS: readonly OwnUseModel[] = [
  { id: 'Nano', contextTokens: CONTEXT, created: 1_700_000_000, loaded: true },
  { id: 'Other model', contextTokens: 2_048, created: 1_700_000_001, loaded: false },
]

/** Closed with the test unless `keep`. */
export async function stand(
  engine: EnginePort,
  options: { models?: readonly OwnUseModel[]; key?: string; keep?: boolean; engineOf?: OwnUseService['engine'] } = {},
): Promise<Stand> {
  const { models = MODELS, key = KEY } = options
  const clock = new FakeClock()
  const used: string[] = []
  const service: OwnUseService = {
    models: () => [...models],
    find: (name) => models.find(({ id }) => id === name) ?? null,
    engine:
      options.engineOf ??
      (async (id) => {
        if (id !== models[0]!.id) throw new StokerError('ENGINE_OUT_OF_MEMORY', 'no room')
        return engine
      }),
    used: (id) => void used.push(id),
  }
  const opened = await createEndpoint({ clock, ids: countingIds(), log: pino({ level: 'silent' }) }).open({
    port: 0,
    accepts: (given) => given === key,
    service,
  })
  if (options.keep !== true) onTestFinished(() => opened.close())
  return {
    url: opened.url,
    clock,
    used,
    client: new OpenAI({ baseURL: opened.url, apiKey: key, maxRetries: 0 }),
    close: () => opened.close(),
  }
}

export interface Raw {
  status: number
  headers: IncomingMessage['headers']
  body: string
}

/** Plain node:http, because fetch may not set Host or Origin. `path` is below the host. */
export async function send(
  url: string,
  path: string,
  options: { method?: string; headers?: Record<string, string>; body?: string | Buffer } = {},
): Promise<Raw> {
  const { method = options.body === undefined ? 'GET' : 'POST', headers = {}, body = '' } = options
  const call = httpRequest(new URL(path, url), { method, headers: { authorization: `Bearer ${KEY}`, ...headers } })
  call.end(body)
  const [response] = (await once(call, 'response')) as [IncomingMessage]
  let text = ''
  for await (const chunk of response.setEncoding('utf8')) text += String(chunk)
  return { status: response.statusCode ?? 0, headers: response.headers, body: text }
}

export const chat = (more: Record<string, unknown> = {}): string =>
  JSON.stringify({ model: 'Nano', messages: [{ role: 'user', content: 'Hi' }], ...more })
export const post = (s: Stand, path: string, body: string | Buffer): Promise<Raw> => send(s.url, path, { body })
export const errorOf = (
  raw: Raw,
): { status: number; code: string | null; param: string | null; message: string; type: string } => ({
  status: raw.status,
  ...(JSON.parse(raw.body) as { error: { code: string | null; param: string | null; message: string; type: string } })
    .error,
})
