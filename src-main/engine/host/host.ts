/** The host's answer to each message: loads and unloads one after another, jobs at any time. Free of the library and of the process, so that tests can drive it. */
import { StokerError, toErrorValue } from '#contract/errors.ts'
import type { ModelSha256 } from '#contract/ids.ts'
import { inferenceRequest } from '#contract/inference.ts'
import type { EngineSettings, LoadedModel, ModelInspection } from '#core/engine/engine.port.ts'

import { hostRequest, type HostEvent, type HostRequest } from '../protocol.ts'
import { createScheduler, type Scheduler } from './scheduler.ts'
import type { StepModel } from './step-model.ts'

export interface HostOptions {
  send: (event: HostEvent) => void
  mono: () => number
  randomSeed: () => number
  rssBytes: () => number
  inspect: (path: string, settings: Partial<EngineSettings>) => Promise<ModelInspection>
  load: (path: string, sha256: ModelSha256, settings: EngineSettings) => Promise<StepModel>
  /** Called by `stop`, when everything is freed. */
  exit: () => void
}

export interface Host {
  /** Any value; what is no request is dropped. */
  handle(message: unknown): void
}

const UNLOADED = { code: 'ENGINE_NOT_LOADED', message: 'The model was unloaded while this job was in the engine. Send it again once a model is loaded.', data: {} } as const

export function createHost(options: HostOptions): Host {
  const { send } = options
  let current: { model: StepModel; scheduler: Scheduler } | null = null
  /** Loads, unloads and the stop, in order of arrival. */
  let turn: Promise<unknown> = Promise.resolve()

  async function unload(): Promise<void> {
    const previous = current
    current = null
    if (previous === null) return
    await previous.scheduler.stop(UNLOADED)
    await previous.model.dispose()
  }

  async function load(request: Extract<HostRequest, { t: 'load' }>): Promise<LoadedModel> {
    await unload()
    const model = await options.load(request.path, request.sha256 as ModelSha256, request.settings)
    current = { model, scheduler: createScheduler(model, options) }
    send({ t: 'stats', stats: current.scheduler.stats() })
    return model.model
  }

  /** Answers a call by its id, in turn or beside it. */
  function answer(id: number, work: Promise<LoadedModel | ModelInspection | null>): void {
    void work.then((value) => send({ t: 'result', id, value })).catch((error: unknown) => send({ t: 'failed', id, error: toErrorValue(error) }))
  }

  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const next = turn.then(work)
    turn = next.catch(() => undefined)
    return next
  }

  function submit(job: string, raw: unknown): void {
    if (current === null) {
      send({ t: 'error', job, error: { code: 'ENGINE_NOT_LOADED', message: 'No model is loaded. Load one first.', data: {} } })
      return
    }
    const parsed = inferenceRequest.safeParse(raw)
    if (parsed.success) {
      current.scheduler.submit(job, parsed.data)
      return
    }
    const issue = parsed.error.issues[0]
    const field = issue?.path.join('.') ?? ''
    const code = field.startsWith('sampling') ? 'SAMPLING_INVALID' : 'BAD_REQUEST'
    send({ t: 'error', job, error: toErrorValue(new StokerError(code, `The request's ${field || 'shape'} is not valid: ${issue?.message.slice(0, 200) ?? 'unknown'}.`)) })
  }

  return {
    handle(message) {
      const parsed = hostRequest.safeParse(message)
      if (!parsed.success) return
      const request = parsed.data
      switch (request.t) {
        case 'submit':
          return submit(request.job, request.request)
        case 'cancel':
          return current?.scheduler.cancel(request.job)
        case 'inspect':
          return answer(request.id, options.inspect(request.path, request.settings as Partial<EngineSettings>))
        case 'load':
          return answer(
            request.id,
            inTurn(() => load(request)),
          )
        case 'unload':
          return answer(
            request.id,
            inTurn(async () => (await unload(), null)),
          )
        case 'stop':
          return void inTurn(unload).finally(options.exit)
      }
    },
  }
}
