/** Slots on a fake model, with jobs that read their prompts as the scheduler would let them. */
import type { EngineJob } from '#engine/host/scheduler/engine-job.ts'
import { createSequence, type Sequence } from '#engine/host/scheduler/sequence.ts'
import { createSlots, type Slots } from '#engine/host/scheduler/slots.ts'

import { FakeStepModel, type FakeStepModelOptions } from './fake-step-model.ts'

export const tokens = (count: number, first = 1): number[] => Array.from({ length: count }, (_, at) => first + at)
let arrivals = 0
export const jobOf = (prompt: number[], maxTokens = 100, cacheScope: string | null = 'test'): Sequence => {
  const job = {
    id: `${(arrivals += 1)}`,
    prompt,
    maxTokens,
    cacheScope,
    sampler: { dispose: () => undefined },
  } as unknown as EngineJob
  return createSequence({ job, priority: 'job', arrival: arrivals, arrivedAt: 0, deadlineAt: null })
}

export interface SlotsRig {
  model: FakeStepModel
  slots: Slots
  /** Calls since the last look. */
  calls(): string[]
  /** A job that takes a slot and, by default, reads its whole prompt. */
  enter(
    prompt: number[],
    options?: { read?: number; maxTokens?: number; cacheScope?: string | null },
  ): Promise<Sequence>
  /** One step that reads so many more tokens of the prompt. */
  read(sequence: Sequence, count: number): Promise<void>
}
export function slotsRig(
  options: FakeStepModelOptions = {},
  mayLead: (leader: Sequence, sequence: Sequence) => boolean = () => true,
): SlotsRig {
  const model = new FakeStepModel({ slots: 4, prefixReuse: true, ...options })
  const slots = createSlots(model, mayLead)
  let seen = 0
  const read = async (sequence: Sequence, count: number): Promise<void> => {
    const piece = sequence.job.prompt.slice(sequence.kvTokens, sequence.kvTokens + count)
    await model.step([{ slot: sequence.slot, position: sequence.kvTokens, tokens: piece, sampler: null }])
    slots.append(sequence, piece)
    // The prompt is read: from now on it decodes.
    if (sequence.kvTokens === sequence.job.prompt.length) sequence.nextToken = 1
  }
  return {
    model,
    slots,
    read,
    calls: () => model.calls.slice(seen, (seen = model.calls.length)),
    async enter(prompt, { read: count = prompt.length, maxTokens, cacheScope } = {}) {
      const sequence = jobOf(prompt, maxTokens, cacheScope)
      await slots.take(sequence)
      if (sequence.leader === null && count > sequence.kvTokens) await read(sequence, count - sequence.kvTokens)
      return sequence
    },
  }
}
