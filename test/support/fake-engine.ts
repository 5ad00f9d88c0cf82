/**
 * Fake engine for tests of the core: no process, no model. It answers each job with `FAKE` and the last message's
 * words, one word a turn of the event loop, or with what the test says.
 */
import { StokerError, type ErrorValue } from '#contract/errors.ts'
import { because } from '#contract/reasons.ts'
import type { EngineRequest } from '#contract/inference.ts'
import type {
  EngineEvents,
  EnginePort,
  EngineSettings,
  EngineState,
  EngineStats,
  LoadedModel,
  ModelInspection,
  SubmitOptions,
} from '#core/engine/engine.port.ts'

export interface FakeEngineOptions {
  /** The answer to a request, or an error; by default `FAKE <last message>`. */
  answer?: (request: EngineRequest, jobId: string) => string | ErrorValue
  inspect?: (path: string) => ModelInspection
  /** Added to what the fake says of itself: measured speed, waiting tokens. */
  stats?: () => Partial<EngineStats>
  /** Jobs wait for `release` instead of running by themselves. */
  manual?: boolean
}

export interface FakeEngine extends EnginePort {
  /** Runs the waiting job to its end (manual mode). */
  release(jobId: string): void
  /** As a kill -9 and the automatic restart: every job ends with ENGINE_CRASHED, the model is loaded again. */
  crash(): void
  /** The first half of a crash: every job ends with ENGINE_CRASHED; what is submitted now waits for `comeBack`. */
  die(): void
  comeBack(): void
  /** As three crashes in a row: every job ends, and only `retry` starts it again. */
  giveUp(): void
  /** What was submitted, in order. */
  readonly submitted: readonly { jobId: string; request: EngineRequest; options: SubmitOptions }[]
  inspect(path: string): Promise<ModelInspection>
}

interface FakeJob {
  request: EngineRequest
  events: EngineEvents
  words: string[]
  sent: number
}

const inspection = (path: string): ModelInspection => ({
  fileName: path.split('/').at(-1) ?? path,
  path,
  sizeBytes: 1_000,
  architecture: 'fake',
  parameters: 1,
  quantisation: 'F32',
  contextTokens: 4_096,
  hasChatTemplate: true,
  licence: null,
  name: 'Fake model',
  memory: { neededBytes: 1_000, freeBytes: 1_000_000, fits: 'yes', method: 'fake' },
})

const idleStats = (running: number, slots: number, state: EngineState['kind']): EngineStats => ({
  running,
  queued: 0,
  slots,
  tokensPerSecond: 0,
  rssBytes: 0,
  pid: null,
  speed: { promptTokensPerSecond: null, perStream: [] },
  waitingPromptTokens: 0,
  cachedTokens: 0,
  promptTokens: 0,
  processes: [{ pid: null, name: 'fake process', state, rssBytes: 0, running, slots, threads: 1 }],
})

/** Vectors of length 1 that differ with the text's length. */
function embedFake(
  texts: readonly string[],
  loaded: LoadedModel | null,
): { vectors: number[][]; promptTokens: number } {
  if (loaded === null) throw new StokerError('ENGINE_NOT_LOADED', 'No fake model is loaded.')
  return {
    vectors: texts.map(({ length }) => [Math.cos(length), Math.sin(length)]),
    promptTokens: texts.reduce((sum, { length }) => sum + length, 0),
  }
}

/** How jobs end, and how they advance. */
function createFakeJobs(jobs: Map<string, FakeJob>) {
  const fail = (jobId: string, error: ErrorValue): void => {
    const job = jobs.get(jobId)
    jobs.delete(jobId)
    job?.events.onError(error)
  }
  const failAll = (error: ErrorValue): void => {
    for (const jobId of jobs.keys()) fail(jobId, error)
  }
  const finish = (jobId: string, finish: 'stop' | 'length' | 'cancelled'): void => {
    const job = jobs.get(jobId)
    jobs.delete(jobId)
    job?.events.onDone({
      finish,
      usage: { promptTokens: job.request.messages.length * 4, cachedTokens: 0, generatedTokens: job.sent },
      ttftMs: 1,
      durationMs: 1 + job.sent,
    })
  }
  /** One word a turn, so that a test can cancel or crash between two. */
  const turn = (jobId: string): void => {
    const job = jobs.get(jobId)
    if (job === undefined) return
    const word = job.words[job.sent]
    if (word === undefined) return finish(jobId, 'stop')
    if (job.sent >= job.request.maxTokens) return finish(jobId, 'length')
    job.sent += 1
    job.events.onDelta(word)
    setImmediate(() => turn(jobId))
  }
  return { failAll, finish, turn }
}

export function createFakeEngine({
  answer = (request) => `FAKE ${request.messages.at(-1)?.content ?? ''}`,
  inspect = inspection,
  stats = () => ({}),
  manual = false,
}: FakeEngineOptions = {}): FakeEngine {
  const jobs = new Map<string, FakeJob>()
  const listeners = new Set<(state: EngineState) => void>()
  const submitted: { jobId: string; request: EngineRequest; options: SubmitOptions }[] = []
  let state: EngineState = { kind: 'stopped' }
  let loaded: LoadedModel | null = null

  const set = (next: EngineState): void => {
    state = next
    for (const listener of listeners) listener(next)
  }
  const { failAll, finish, turn } = createFakeJobs(jobs)
  const die = (): void => {
    failAll({ code: 'ENGINE_CRASHED', message: 'The fake engine crashed.', data: {} })
    set({ kind: 'starting', attempt: 2 })
  }
  const comeBack = (): void => {
    if (loaded === null) return
    set({ kind: 'loaded', model: loaded })
    if (!manual) for (const jobId of jobs.keys()) setImmediate(() => turn(jobId))
  }

  return {
    submitted,
    inspect: async (path) => inspect(path),
    async load(model, settings: EngineSettings) {
      loaded = {
        sha256: model.sha256,
        contextTokens: settings.contextTokens,
        slots: settings.slots,
        engine: 'fake engine',
        device: 'fake device',
      }
      set({ kind: 'loaded', model: loaded })
      return loaded
    },
    async unload() {
      failAll({ code: 'ENGINE_NOT_LOADED', message: 'The fake model was unloaded.', data: {} })
      loaded = null
      set({ kind: 'ready' })
    },
    submit(jobId, request, events, options = {}) {
      submitted.push({ jobId, request, options })
      if (loaded === null)
        return events.onError({ code: 'ENGINE_NOT_LOADED', message: 'No fake model is loaded.', data: {} })
      const result = answer(request, jobId)
      if (typeof result !== 'string') return events.onError(result)
      jobs.set(jobId, { request, events, words: result.match(/\s*\S+|\s+$/g) ?? [], sent: 0 })
      if (!manual && state.kind === 'loaded') setImmediate(() => turn(jobId))
    },
    cancel: (jobId) => void setImmediate(() => finish(jobId, 'cancelled')),
    release: turn,
    crash() {
      die()
      comeBack()
    },
    die,
    comeBack,
    giveUp() {
      failAll({ code: 'ENGINE_CRASHED', message: 'The fake engine crashed.', data: {} })
      set({ kind: 'broken', reason: because('engine.crashedOften', { crashes: 3 }) })
    },
    embed: async (texts) => embedFake(texts, loaded),
    stats: () => ({ ...idleStats(jobs.size, loaded?.slots ?? 0, state.kind), ...stats() }),
    state: () => state,
    onState(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    retry: async () => set(loaded === null ? { kind: 'ready' } : { kind: 'loaded', model: loaded }),
    async stop() {
      failAll({ code: 'ENGINE_NOT_LOADED', message: 'The fake engine was stopped.', data: {} })
      loaded = null
      set({ kind: 'stopped' })
    },
  }
}
