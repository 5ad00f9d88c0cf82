/**
 * The pool's members: the engine of each, and what the pool knows of it. Their number, and the GPU of each, follow the
 * settings.
 */
import type { EngineState } from '#core/engine/engine.port.ts'

import type { MemberGpu, PoolKind } from './pool-kind.ts'
import type { MemberEngine } from './member-engine.ts'

export interface PoolMember {
  readonly engine: MemberEngine
  readonly gpu: MemberGpu
  /** It crashed and is not loaded again yet. */
  down: boolean
  /** Jobs that ran in it when it crashed; any of them may have been the reason. */
  suspects: number
  /** Attempts to load it again are in progress. */
  retrying: boolean
  unsubscribe: () => void
}

export class PoolMembers {
  #members: PoolMember[] = []
  readonly #kind: PoolKind
  readonly #onState: (member: PoolMember, index: number, state: EngineState) => void

  /**
   * Starts with one member; no engine is started before it is loaded. `onState`: the engine of a member has a new state.
   */
  constructor(kind: PoolKind, onState: (member: PoolMember, index: number, state: EngineState) => void) {
    this.#kind = kind
    this.#onState = onState
    this.#members.push(this.#make(0, null))
  }

  get count(): number {
    return this.#members.length
  }

  get all(): readonly PoolMember[] {
    return this.#members
  }

  at(index: number): PoolMember | undefined {
    return this.#members[index]
  }

  states(): EngineState[] {
    return this.#members.map(({ engine }) => engine.state())
  }

  /**
   * One member for each entry. A running process cannot change its GPU: a member on the wrong one is replaced, and those
   * beyond the list are removed.
   */
  async fit(gpus: readonly MemberGpu[]): Promise<void> {
    const removed = this.#members.splice(gpus.length)
    for (const [index, gpu] of gpus.entries()) {
      const member = this.#members[index]
      if (member?.gpu === gpu) continue
      if (member !== undefined) removed.push(member)
      this.#members[index] = this.#make(index, gpu)
    }
    for (const { unsubscribe } of removed) unsubscribe()
    await Promise.all(removed.map(({ engine }) => engine.stop()))
  }

  #make(index: number, gpu: MemberGpu): PoolMember {
    const member: PoolMember = {
      engine: this.#kind.make(index, gpu),
      gpu,
      down: false,
      suspects: 0,
      retrying: false,
      unsubscribe: () => undefined,
    }
    member.unsubscribe = member.engine.onState((state) => this.#onState(member, index, state))
    return member
  }
}
