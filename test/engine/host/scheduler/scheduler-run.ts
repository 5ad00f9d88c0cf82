/** A scheduler on a fake model and a clock that only steps move: what it sent, and jobs awaited as values. */
import { engineRequest, type EngineRequest } from '#contract/inference.ts'
import { fixedGovernor, type Governor } from '#engine/host/processor/governor.ts'
import type { JobOptions } from '#engine/host/scheduler/job-admission.ts'
import { createScheduler } from '#engine/host/scheduler/scheduler.ts'
import type { StepItem } from '#engine/host/scheduler/step-model.ts'
import type { EngineHostEvent } from '#engine/protocol.ts'

import type { FakeStepModel } from './fake-step-model.ts'

export const request = (content: string, more: object = {}): EngineRequest =>
  engineRequest.parse({ messages: [], prompt: content, maxTokens: 100, cacheScope: 'test', ...more })

type End = Extract<EngineHostEvent, { t: 'done' | 'error' }>

export interface StartOptions {
  /** What a step costs on the clock, in ms. */
  costMs?: (items: readonly StepItem[]) => number
  governor?: Governor
}

/** A step that decodes costs 10 ms, each prompt token one more. */
export const likeAModel = (items: readonly StepItem[]): number =>
  (items.some((item) => item.sampler !== null && item.tokens.length === 1) ? 10 : 0) + promptTokens(items)

/** Of a step; a prompt chunk of a single token counts as a decode here, which tests avoid. */
export const promptTokens = (items: readonly StepItem[]): number =>
  items.reduce((sum, item) => sum + (item.tokens.length > 1 || item.sampler === null ? item.tokens.length : 0), 0)

export function start(model: FakeStepModel, { costMs = () => 1, governor = fixedGovernor(1) }: StartOptions = {}) {
  const events: EngineHostEvent[] = []
  const ends = new Map<string, PromiseWithResolvers<End>>()
  const clock = { now: 1_000 }
  const end = (job: string): PromiseWithResolvers<End> => {
    const known = ends.get(job) ?? Promise.withResolvers<End>()
    ends.set(job, known)
    return known
  }
  const step = model.step.bind(model)
  model.step = async (items) => {
    const chosen = await step(items)
    clock.now += costMs(items)
    return chosen
  }
  const scheduler = createScheduler(model, governor, {
    send(event) {
      events.push(event)
      if (event.t === 'done' || event.t === 'error') end(event.job).resolve(event)
    },
    mono: () => clock.now,
    randomSeed: () => 1,
    rssBytes: () => 1,
  })
  return {
    scheduler,
    events,
    clock,
    submit: (
      job: string,
      content: string,
      { priority = 'job', deadlineMs = null, ...more }: Partial<JobOptions> & Record<string, unknown> = {},
    ): Promise<End> => {
      scheduler.submit(job, request(content, more), { priority, deadlineMs })
      return end(job).promise
    },
    ended: (job: string): Promise<End> => end(job).promise,
    /** Ids in the order in which they ended. */
    order: (): string[] => events.flatMap((event) => (event.t === 'done' || event.t === 'error' ? [event.job] : [])),
    text: (job: string): string =>
      events
        .flatMap((event) => (event.t === 'deltas' ? event.items : []))
        .filter((item) => item.job === job)
        .map((item) => item.text)
        .join(''),
  }
}
