/** The children of the shell: started, watched, and all ended before the app goes. Never two cores at once. */
import type { Clock } from '#contract/time.ts'
import { CHILD_POLICIES, endChild } from '#lib/supervise.ts'

import type { UtilityLike } from './electron-api.ts'

export interface Child {
  readonly name: string
  readonly process: UtilityLike
  readonly exited: Promise<number | null>
  hasExited(): boolean
}

export class Children {
  readonly #alive = new Set<Child>()
  readonly #clock: Clock
  readonly #killHard: (pid: number) => void

  constructor(clock: Clock, killHard: (pid: number) => void) {
    this.#clock = clock
    this.#killHard = killHard
  }

  get alive(): readonly Child[] {
    return [...this.#alive]
  }

  add(name: string, process: UtilityLike): Child {
    let gone = false
    const exited = new Promise<number | null>((resolve) => {
      process.on('exit', (code) => {
        gone = true
        this.#alive.delete(child)
        resolve(code)
      })
    })
    const child: Child = { name, process, exited, hasExited: () => gone }
    this.#alive.add(child)
    return child
  }

  /** Asks with `ask`, waits, then as `kill`. Returns true when the child is gone. */
  end(child: Child, ask: () => void): Promise<boolean> {
    return this.#end(child, ask)
  }

  /**
   * Ends it with the polite signal, and with the one that cannot be ignored when that did not help. True when it is
   * gone.
   */
  kill(child: Child): Promise<boolean> {
    return this.#end(child)
  }

  /** Kills every child at once; true when none is left. */
  async killAll(): Promise<boolean> {
    const ended = await Promise.all(this.alive.map((child) => this.kill(child)))
    return ended.every(Boolean)
  }

  async #end(child: Child, ask?: () => void): Promise<boolean> {
    if (child.hasExited()) return true
    return endChild(this.#clock, child.exited, CHILD_POLICIES.desktopCore.end, {
      ...(ask === undefined ? {} : { ask }),
      terminate: () => void child.process.kill(),
      kill: () => {
        if (child.process.pid !== undefined) this.#killHard(child.process.pid)
      },
    })
  }
}
