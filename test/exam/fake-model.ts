/**
 * A model without an engine: answers exam calls from the seed, with chosen faults. The same call always gets the same
 * answer.
 */
import type { GradeSpec } from '#contract/grades.ts'
import { samplingSeed } from '#exam/exam-calls.ts'
import { examItem, type Family } from '#exam/generate-items.ts'
import type { CallResult, ExamCall } from '#exam/exam-types.ts'

export interface FakeFaults {
  rightShare?: number
  wrongFamilies?: readonly string[]
  slowShare?: number
  /** Every n-th call of the slots phase is slow. */
  slowSlotsEvery?: number
  lateShare?: number
  shortShare?: number
  failShare?: number
}

export class FakeModel {
  readonly #spec: GradeSpec
  readonly #seed: string
  readonly #faults: FakeFaults

  constructor(spec: GradeSpec, seed: string, faults: FakeFaults = {}) {
    this.#spec = spec
    this.#seed = seed
    this.#faults = faults
  }

  answer(call: ExamCall): CallResult {
    const { callId } = call
    if (this.#happens('fail', callId, this.#faults.failShare))
      return {
        callId,
        reply: '',
        error: 'ENGINE_CRASHED',
        finish: null,
        ttftMs: null,
        durationMs: 7,
        streamMs: 0,
        firstDeltaBytes: 0,
      }
    const ttftMs = this.#happens('late', callId, this.#faults.lateShare) ? this.#spec.limits.ttftCeilingMs + 1 : 20
    const reply =
      call.phase === 'items'
        ? this.#reply(callId)
        : 'word'.repeat(this.#happens('short', callId, this.#faults.shortShare) ? 15 : this.#spec.limits.outputTokens)
    const streamMs = this.#slow(callId) ? 60_000 : 400
    return {
      callId,
      reply,
      error: null,
      finish: call.phase === 'items' ? 'stop' : 'length',
      ttftMs,
      durationMs: ttftMs + streamMs,
      streamMs,
      firstDeltaBytes: 4,
    }
  }

  #reply(callId: string): string {
    const [family, , index] = callId.split('/') as [Family, string, string]
    const item = examItem(this.#seed, family, this.#spec.level, Number(index))
    const wrong =
      this.#faults.wrongFamilies?.includes(family) === true ||
      !this.#happens('right', callId, this.#faults.rightShare ?? 1)
    return wrong ? 'no idea' : item.answer
  }

  #slow(callId: string): boolean {
    const every = this.#faults.slowSlotsEvery
    if (every !== undefined && callId.startsWith('load-slots') && Number(callId.split('/')[2]) % every === 0)
      return true
    return this.#happens('slow', callId, this.#faults.slowShare)
  }

  /** True for about `share` of the calls, fixed by fault, seed and call. */
  #happens(what: string, callId: string, share = 0): boolean {
    return samplingSeed(`${what}|${this.#seed}|${callId}`) < share * 2 ** 32
  }
}
