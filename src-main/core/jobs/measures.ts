/**
 * What finished jobs taught about each deployment: how the engine's tokens compare with the reference's, and what its
 * buyers really got. Memory only, bounded.
 */
import type { EngineUsage } from '#contract/inference.ts'
import type { EngineSpeed } from '#core/engine/engine.port.ts'

import { SpeedMemory } from './stream-rate.ts'

/** One finished job as its buyer saw it; exam calls are not among them, they run behind the jobs. */
export interface Served {
  /** Monotonic milliseconds of its end. */
  at: number
  /** Milliseconds to the first delta; of a job that missed its deadline without one, that deadline. */
  ttftMs: number
  /** Reference tokens per second; null for an answer too short to say. */
  tokPerS: number | null
}

const DEPLOYMENTS_MAX = 64
const WINDOW_JOBS = 100
const WINDOW_MS = 600_000
/** Share of everything before that still counts after one more job. */
const KEPT = 0.95
/** A shorter answer is over before its rate means anything. */
const RATE_TOKENS_MIN = 16

/** Two sums whose quotient is an average weighted by size, the newest counting most. */
class Ratio {
  #of = 0
  #per = 0

  add(of: number, per: number): void {
    if (of <= 0 || per <= 0) return
    this.#of = this.#of * KEPT + of
    this.#per = this.#per * KEPT + per
  }

  get value(): number | null {
    return this.#per === 0 ? null : this.#of / this.#per
  }
}

export class DeploymentMeasures {
  readonly speed = new SpeedMemory()
  readonly #prompt = new Ratio()
  readonly #output = new Ratio()
  readonly #evaluated = new Ratio()
  readonly #generated = new Ratio()
  #served: Served[] = []

  /** A finished job's counts, exam calls included. */
  counted({ inputTokens, outputTokens }: { inputTokens: number; outputTokens: number }, usage: EngineUsage): void {
    this.#prompt.add(usage.promptTokens, inputTokens)
    this.#output.add(outputTokens, usage.generatedTokens)
    this.#evaluated.add(usage.promptTokens - usage.cachedTokens, 1)
    this.#generated.add(usage.generatedTokens, 1)
  }

  served(job: { at: number; ttftMs: number; tokPerS: number | null; outputTokens: number }): void {
    const { at, ttftMs, tokPerS, outputTokens } = job
    this.#served.push({ at, ttftMs, tokPerS: outputTokens < RATE_TOKENS_MIN ? null : tokPerS })
    if (this.#served.length > WINDOW_JOBS) this.#served = this.#served.slice(-WINDOW_JOBS)
  }

  /** The last hundred jobs of the last ten minutes that ended after `since` (monotonic). */
  window(mono: number, since: number): readonly Served[] {
    return this.#served.filter(({ at }) => at > since && mono - at <= WINDOW_MS)
  }

  /** Engine prompt tokens for one reference token of input. */
  get promptRatio(): number | null {
    return this.#prompt.value
  }

  /** Reference tokens for one generated engine token. */
  get outputRatio(): number | null {
    return this.#output.value
  }

  /** Engine tokens of a usual prompt that had to be evaluated, cached ones left out; null before any. */
  get promptTokens(): number | null {
    return this.#evaluated.value
  }

  /** Engine tokens of a usual answer; null before any. */
  get generatedTokens(): number | null {
    return this.#generated.value
  }
}

/** What listings decide their slots by. */
export interface MeasuredServing {
  speed: EngineSpeed
  outputRatio: number | null
  promptTokens: number | null
  generatedTokens: number | null
  window: readonly Served[]
}

export class MeasuresOfAll {
  readonly #all = new Map<string, DeploymentMeasures>()

  of(deploymentId: string): DeploymentMeasures {
    const found = this.#all.get(deploymentId)
    if (found !== undefined) return found
    const made = new DeploymentMeasures()
    for (const oldest of this.#all.keys()) if (this.#all.size >= DEPLOYMENTS_MAX) this.#all.delete(oldest)
    this.#all.set(deploymentId, made)
    return made
  }
}
