/**
 * Makes jobs of completions for the mixed trace: HTTP clients name no deadline, jobs have one. Requests known by how their prompts begin are submitted as jobs with
 * their deadline, after the core's own admission rule; all others pass as they are.
 */
import type { EngineRequest } from '#contract/inference.ts'
import type { EnginePort } from '#core/engine/engine.port.ts'
import { finishesInMs, type JobFrame, type Load } from '#core/jobs/admission.ts'

/** Enough of a prompt to know it by. */
const HEAD_CHARACTERS = 48
/** The shapes' words are one token of three bytes, a reference token is four bytes. */
const PROMPT_RATIO = 4 / 3

export const headOf = (prompt: string): string => prompt.slice(0, HEAD_CHARACTERS)

/** Why a job is refused now; null when it is taken. The rules are those of core/jobs/admission.ts. */
function refusal({ prompt = '', maxTokens }: EngineRequest, deadlineMs: number, load: Load): 'ENGINE_BUSY' | 'DEADLINE' | null {
  if (load.running >= load.slots) return 'ENGINE_BUSY'
  const finishMs = finishesInMs({ request: { messages: [{ role: 'user', content: prompt }], maxTokens } } as JobFrame, load)
  return finishMs !== null && finishMs > deadlineMs ? 'DEADLINE' : null
}

export interface JobGate {
  engine: EnginePort
  know(byPrompt: readonly (readonly [prompt: string, deadlineMs: number])[]): void
}

export function createJobGate(inner: EnginePort, { slots, contextTokens }: { slots: number; contextTokens: number }): JobGate {
  const deadlines = new Map<string, number>()
  let running = 0
  const submit: EnginePort['submit'] = (jobId, request, events, options) => {
    const deadlineMs = deadlines.get(headOf(request.prompt ?? ''))
    if (deadlineMs === undefined) {
      inner.submit(jobId, request, events, options)
      return
    }
    const { running: inEngine, queued, speed, waitingPromptTokens } = inner.stats()
    const why = refusal(request, deadlineMs, {
      slots,
      contextTokens,
      running,
      engine: { running: inEngine, queued },
      speed,
      waitingPromptTokens,
      promptRatio: PROMPT_RATIO,
      exams: 0,
      waitTokens: 0,
    })
    if (why !== null) {
      events.onError({
        code: why === 'DEADLINE' ? 'ENGINE_BUSY' : why,
        message: why === 'DEADLINE' ? 'the measured rate cannot meet the deadline' : 'every slot is taken',
        data: {},
      })
      return
    }
    running += 1
    const over = (): void => void (running -= 1)
    inner.submit(
      jobId,
      request,
      {
        onDelta: (text, logprobs) => events.onDelta(text, logprobs),
        onDone(done) {
          over()
          events.onDone(done)
        },
        onError(error) {
          over()
          events.onError(error)
        },
      },
      { priority: 'job', deadlineMs },
    )
  }
  const engine = new Proxy(inner, {
    get(target, name) {
      if (name === 'submit') return submit
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  return {
    engine,
    know(byPrompt) {
      deadlines.clear()
      for (const [prompt, deadlineMs] of byPrompt) deadlines.set(headOf(prompt), deadlineMs)
    },
  }
}
