/**
 * Handles the messages to the host: loads and unloads one after another, jobs at any time. Independent of the library
 * and of the process, so that tests can drive it.
 */
import { z } from 'zod'

import { fail, failValue, toErrorValue } from '#contract/errors.ts'
import { because } from '#contract/reasons.ts'
import type { ModelSha256 } from '#contract/ids.ts'
import { engineRequest, MESSAGE_BYTES_MAX, type EngineRequest } from '#contract/inference.ts'
import type { EngineGpu, EngineSettings, ModelInspection } from '#core/engine/engine.port.ts'
import { serial } from '#lib/serial.ts'

import {
  EMBED_TEXTS_MAX,
  engineHostRequest,
  type Embedded,
  type EngineHostEvent,
  type EngineHostRequest,
} from '../protocol.ts'
import { fixedGovernor, type Governor } from './processor/governor.ts'
import { createScheduler, type Scheduler } from './scheduler/scheduler.ts'
import type { StepModel } from './scheduler/step-model.ts'
import { promptsOf } from './template/prompt-builder.ts'
import type { OpenTemplate } from './template/template-thread.ts'

export interface EngineHostDeps {
  send: (event: EngineHostEvent) => void
  mono: () => number
  randomSeed: () => number
  rssBytes: () => number
  /** How chat templates are run; in this thread when left out. */
  openTemplate?: OpenTemplate
  inspect: (path: string, settings: Partial<EngineSettings>) => Promise<ModelInspection>
  /** GPUs that this process sees; none where there is no GPU, or where it cannot tell. */
  gpus?: () => Promise<EngineGpu[]>
  load: (path: string, sha256: ModelSha256, settings: EngineSettings, warming: Warming) => Promise<StepModel>
  /** Decides the threads of each step of this model; always the number it was loaded with when left out. */
  governorFor?: (model: StepModel) => Governor
  /** Called by `stop`, when everything is freed. */
  exit: () => void
}

/** How a load's warm-up is told and ended. */
export interface Warming {
  signal: AbortSignal
  onProgress(this: void, done: number, of: number): void
}

export interface EngineHost {
  /** Any value. What is no request is refused if an answer is expected, and dropped otherwise. */
  handle(message: unknown): void
}

const UNLOADED = failValue('engine.unloadedUnder')

const NOT_LOADED = fail('engine.notLoaded')

const embedTexts = z.array(z.string().min(1).max(MESSAGE_BYTES_MAX)).min(1).max(EMBED_TEXTS_MAX)

function parsedTexts(raw: unknown): string[] {
  const { data, error } = embedTexts.safeParse(raw)
  if (data !== undefined) return data
  const reason = error.issues[0]?.message.slice(0, 200) ?? because('failure.unknown')
  throw fail('embed.invalid', { reason, max: EMBED_TEXTS_MAX })
}

function parsedRequest(raw: unknown): EngineRequest {
  const { data, error } = engineRequest.safeParse(raw)
  if (data !== undefined) return data
  const issue = error.issues[0]
  const field = issue?.path.join('.') ?? ''
  throw fail(field.startsWith('sampling') ? 'sampling.invalid' : 'request.invalid', {
    field: field || 'shape',
    problem: issue?.message.slice(0, 200) ?? because('failure.unknown'),
  })
}

const addressed = z.union([z.object({ id: z.number() }), z.object({ t: z.literal('submit'), job: z.string() })])

function refuse(message: unknown, send: EngineHostDeps['send']): void {
  const { data } = addressed.safeParse(message)
  const error = failValue('engine.messageBounds')
  if (data === undefined) return
  send('id' in data ? { t: 'failed', id: data.id, error } : { t: 'error', job: data.job, error })
}

/** Calls under way that can be ended, by their ids. */
function createCancellable(): {
  run<T>(id: number, work: (signal: AbortSignal) => Promise<T>): Promise<T>
  cancel(id: number): void
} {
  const running = new Map<number, AbortController>()
  return {
    async run(id, work) {
      const cancelled = new AbortController()
      running.set(id, cancelled)
      try {
        return await work(cancelled.signal)
      } finally {
        running.delete(id)
      }
    },
    cancel: (id) => running.get(id)?.abort(),
  }
}

/** Answers a call by its id, once its work is done. */
const createAnswers =
  (send: EngineHostDeps['send']) =>
  (id: number, work: Promise<Extract<EngineHostEvent, { t: 'result' }>['value']>): void =>
    void work
      .then((value) => send({ t: 'result', id, value }))
      .catch((error: unknown) => send({ t: 'failed', id, error: toErrorValue(error) }))

type LoadRequest = Extract<EngineHostRequest, { t: 'load' }>

function submitTo(
  scheduler: Scheduler | undefined,
  { job, request, ...how }: Extract<EngineHostRequest, { t: 'submit' }>,
  send: EngineHostDeps['send'],
): void {
  try {
    if (scheduler === undefined) throw NOT_LOADED
    scheduler.submit(job, parsedRequest(request), how)
  } catch (error) {
    send({ t: 'error', job, error: toErrorValue(error) })
  }
}

export function createHost(deps: EngineHostDeps): EngineHost {
  const { send, governorFor = (model) => fixedGovernor(model.threadsMax) } = deps
  let current: { model: StepModel; governor: Governor; scheduler: Scheduler } | null = null
  const answer = createAnswers(send)
  /** Loads, unloads and the stop, in order of arrival. */
  const turns = serial()
  const inTurn = (id: number, work: () => Promise<StepModel['model'] | null>): void => answer(id, turns.run(work))
  const embeds = createCancellable()
  /** Of the load that began last: whatever comes after it ends its warm-up, which may take minutes. */
  let warming = new AbortController()
  const endWarmUp = (): void => warming.abort(fail('engine.warmUpEnded'))

  async function unload(): Promise<void> {
    const previous = current
    current = null
    if (previous === null) return
    await previous.scheduler.stop(UNLOADED)
    await previous.model.dispose()
  }

  async function load({ path, sha256, settings }: LoadRequest, signal: AbortSignal): Promise<StepModel['model']> {
    await unload()
    const model = await deps.load(path, sha256 as ModelSha256, settings, {
      signal,
      onProgress: (done, of) => send({ t: 'warming', done, of }),
    })
    const governor = governorFor(model)
    current = { model, governor, scheduler: createScheduler(model, governor, deps) }
    await promptsOf(model, deps.openTemplate).warm()
    send({ t: 'stats', stats: current.scheduler.stats() })
    return model.model
  }

  async function embed(id: number, texts: unknown): Promise<Embedded> {
    if (current === null) throw NOT_LOADED
    const { scheduler } = current
    return embeds.run(id, (signal) => scheduler.embed(parsedTexts(texts), signal))
  }

  return {
    handle(message) {
      const parsed = engineHostRequest.safeParse(message)
      if (!parsed.success) return refuse(message, send)
      const request = parsed.data
      switch (request.t) {
        case 'submit':
          return submitTo(current?.scheduler, request, send)
        case 'cancel':
          return current?.scheduler.cancel(request.job)
        case 'embed':
          return answer(request.id, embed(request.id, request.texts))
        case 'cancel-embed':
          return embeds.cancel(request.call)
        case 'threads':
          return current?.governor.setLimit(request.limit)
        case 'inspect':
          return answer(request.id, deps.inspect(request.path, request.settings as Partial<EngineSettings>))
        case 'gpus':
          return answer(request.id, deps.gpus?.() ?? Promise.resolve([]))
        case 'load': {
          endWarmUp()
          const { signal } = (warming = new AbortController())
          return inTurn(request.id, () => load(request, signal))
        }
        case 'unload':
          endWarmUp()
          return inTurn(request.id, async () => (await unload(), null))
        case 'ping':
          return send({ t: 'pong', n: request.n })
        case 'stop':
          endWarmUp()
          return void turns.run(unload).finally(deps.exit)
      }
    },
  }
}
