/**
 * The pool's members, each in its seat with what the pool knows of it: how many there are, and which GPU each has,
 * follows the settings.
 */
import type { EngineState } from '#core/engine/engine.port.ts'

import type { MemberGpu, PoolKind } from './pool-kind.ts'
import type { PoolMember } from './pool-member.ts'

export interface Seat {
  readonly member: PoolMember
  readonly gpu: MemberGpu
  /** It crashed and has not said that it is loaded again. */
  down: boolean
  /** Jobs that were in it when it crashed; any of them may have been why. */
  suspects: number
  /** It is being loaded again, with pauses. */
  retrying: boolean
  off: () => void
}

export class Seats {
  #seats: Seat[] = []
  readonly #kind: PoolKind
  readonly #heard: (seat: Seat, index: number, state: EngineState) => void

  /**
   * One member from the start; none of them is started before it is loaded. `heard`: what the member in this seat says
   * of itself.
   */
  constructor(kind: PoolKind, heard: (seat: Seat, index: number, state: EngineState) => void) {
    this.#kind = kind
    this.#heard = heard
    this.#seats.push(this.#make(0, null))
  }

  get count(): number {
    return this.#seats.length
  }

  get all(): readonly Seat[] {
    return this.#seats
  }

  at(index: number): Seat | undefined {
    return this.#seats[index]
  }

  states(): EngineState[] {
    return this.#seats.map(({ member }) => member.state())
  }

  /**
   * One member for each entry. A process sees other GPUs only when it is started anew: one on the wrong GPU leaves, as
   * does one too many.
   */
  async fit(gpus: readonly MemberGpu[]): Promise<void> {
    const leaving = this.#seats.splice(gpus.length)
    for (const [index, gpu] of gpus.entries()) {
      const seat = this.#seats[index]
      if (seat?.gpu === gpu) continue
      if (seat !== undefined) leaving.push(seat)
      this.#seats[index] = this.#make(index, gpu)
    }
    for (const { off } of leaving) off()
    await Promise.all(leaving.map(({ member }) => member.stop()))
  }

  #make(index: number, gpu: MemberGpu): Seat {
    const seat: Seat = {
      member: this.#kind.make(index, gpu),
      gpu,
      down: false,
      suspects: 0,
      retrying: false,
      off: () => undefined,
    }
    seat.off = seat.member.onState((state) => this.#heard(seat, index, state))
    return seat
  }
}
