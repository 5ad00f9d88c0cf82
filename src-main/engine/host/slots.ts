/** The sequences of one context: which are free, and which tokens a free one still holds for reuse. */
import type { Job } from './job.ts'
import type { StepModel } from './step-model.ts'

/** Below this many common tokens the lowest free slot is better: slots kept dense make one graph run of a batch. */
const REUSE_MIN_TOKENS = 32

export interface Slots {
  readonly free: number
  /** Takes a slot for the job and forgets what it does not share; sets slot, held and usage.cachedTokens. */
  take(job: Job): Promise<void>
  /** Tokens that a step put into the job's slot. */
  fed(job: Job, tokens: readonly number[]): void
  release(job: Job): void
  /** After a failed step nothing is known of a slot's content. */
  forget(slot: number): Promise<void>
}

const commonLength = (a: readonly number[], b: readonly number[], most: number): number => {
  let length = 0
  while (length < most && length < a.length && a[length] === b[length]) length += 1
  return length
}

export function createSlots(model: StepModel): Slots {
  const contents: number[][] = Array.from({ length: model.model.slots }, () => [])
  const free = new Set(contents.keys())

  /** The free slot with the longest common beginning, else the lowest. At least one prompt token is always evaluated. */
  function choose(prompt: readonly number[]): { slot: number; common: number } {
    const ascending = [...free].sort((a, b) => a - b)
    let best = { slot: ascending[0] ?? 0, common: 0 }
    if (!model.prefixReuse) return best
    best.common = commonLength(contents[best.slot] ?? [], prompt, prompt.length - 1)
    for (const slot of ascending) {
      const common = commonLength(contents[slot] ?? [], prompt, prompt.length - 1)
      if (common >= REUSE_MIN_TOKENS && common > best.common) best = { slot, common }
    }
    return best
  }

  return {
    get free() {
      return free.size
    },
    async take(job) {
      const { slot, common } = choose(job.prompt)
      free.delete(slot)
      job.slot = slot
      const kept = await model.keep(slot, common)
      contents[slot] = job.prompt.slice(0, kept)
      job.held = kept
      job.usage.cachedTokens = kept
    },
    fed(job, tokens) {
      contents[job.slot]?.push(...tokens)
      job.held += tokens.length
    },
    release(job) {
      if (job.slot >= 0) free.add(job.slot)
    },
    async forget(slot) {
      contents[slot] = []
      await model.keep(slot, 0)
    },
  }
}
