/** Slots on a fake model, with jobs that read their prompts as the scheduler would let them. */
import type { Job } from '#engine/host/scheduler/engine-job.ts'
import { place, type Placed } from '#engine/host/scheduler/sequence.ts'
import { createSlots, type Slots } from '#engine/host/scheduler/slots.ts'

import { FakeStepModel, type FakeStepModelOptions } from './host/scheduler/fake-step-model.ts'

export const tokens = (count: number, first = 1): number[] => Array.from({ length: count }, (_, at) => first + at)
let arrivals = 0
export const jobOf = (prompt: number[], maxTokens = 100): Placed => {
  const job = { id: `${(arrivals += 1)}`, prompt, maxTokens, sampler: { dispose: () => undefined } } as unknown as Job
  return place({ job, priority: 'job', arrival: arrivals, arrivedAt: 0, deadlineAt: null })
}

export interface SlotsRig {
  model: FakeStepModel
  slots: Slots
  /** Calls since the last look. */
  calls(): string[]
  /** A job that takes a slot and, by default, reads its whole prompt. */
  enter(prompt: number[], options?: { read?: number; maxTokens?: number }): Promise<Placed>
  /** One step that reads so many more tokens of the prompt. */
  read(placed: Placed, count: number): Promise<void>
}
export function slotsRig(
  options: FakeStepModelOptions = {},
  mayLead: (leader: Placed, placed: Placed) => boolean = () => true,
): SlotsRig {
  const model = new FakeStepModel({ slots: 4, prefixReuse: true, ...options })
  const slots = createSlots(model, mayLead)
  let seen = 0
  const read = async (placed: Placed, count: number): Promise<void> => {
    const piece = placed.job.prompt.slice(placed.held, placed.held + count)
    await model.step([{ slot: placed.slot, position: placed.held, tokens: piece, sampler: null }])
    slots.fed(placed, piece)
    // The prompt is read: from now on it decodes.
    if (placed.held === placed.job.prompt.length) placed.next = 1
  }
  return {
    model,
    slots,
    read,
    calls: () => model.calls.slice(seen, (seen = model.calls.length)),
    async enter(prompt, { read: count = prompt.length, maxTokens } = {}) {
      const placed = jobOf(prompt, maxTokens)
      await slots.take(placed)
      if (placed.leader === null && count > placed.held) await read(placed, count - placed.held)
      return placed
    },
  }
}
