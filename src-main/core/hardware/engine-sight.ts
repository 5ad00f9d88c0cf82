/**
 * Which GPUs the engine sees: asked in a host of its own, in the background, when somebody looks at the machine and
 * nothing is served from a card with little room, since a look takes some of its memory itself.
 */
import { StokerError } from '#contract/errors.ts'
import { because } from '#contract/reasons.ts'
import type { CoreContext } from '#core/core-context.ts'

import type { EngineSight } from './devices.ts'

export interface EngineSightDeps {
  /** It would disturb nobody now. */
  mayAsk(): boolean
}

export class EngineSightKeeper {
  readonly #context: Pick<CoreContext, 'engines' | 'clock' | 'events' | 'log'>
  readonly #deps: EngineSightDeps
  #sight: EngineSight = { state: 'unasked' }
  #isOld = true
  #asking: Promise<void> | null = null

  constructor(context: Pick<CoreContext, 'engines' | 'clock' | 'events' | 'log'>, deps: EngineSightDeps) {
    this.#context = context
    this.#deps = deps
  }

  get sight(): EngineSight {
    return this.#sight
  }

  /** What it saw may have changed: who looks next hears it fresh, a moment later. */
  stale(): void {
    this.#isOld = true
  }

  /** Asks, unless it is known, under way, or would disturb; told by the topic `hardware`. */
  wanted(): void {
    if (!this.#isOld || this.#asking !== null || !this.#deps.mayAsk()) return
    this.#isOld = false
    this.#asking = this.#ask().finally(() => {
      this.#asking = null
    })
  }

  /** Resolves when nothing is asked any more. */
  async settled(): Promise<void> {
    await this.#asking
  }

  async #ask(): Promise<void> {
    const { engines, clock, events, log } = this.#context
    try {
      const gpus = await engines.gpus()
      this.#sight = { state: 'asked', gpus, at: clock.now() }
    } catch (error) {
      log.debug({ err: error }, 'the engine did not say which GPUs it sees')
      const problem = error instanceof StokerError ? error.reason : because('failure.unknown')
      this.#sight = { state: 'silent', problem }
    }
    events.changed('hardware')
  }
}
