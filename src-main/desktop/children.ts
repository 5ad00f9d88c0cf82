/** The children of the shell: their ends heard, their last words kept, and all ended before the app goes. */
import type { HostChild } from '#contract/host.ts'
import type { Clock } from '#contract/time.ts'
import { CHILD_POLICIES } from '#lib/child-policies.ts'
import { reasonOfEnd } from '#lib/exit-codes.ts'
import { lastPlainLine } from '#lib/last-words.ts'
import { endChild, type ChildExit } from '#lib/supervise.ts'

import type { UtilityLike } from './electron-api.ts'

export interface Child {
  readonly kind: HostChild | 'core'
  readonly process: UtilityLike
  readonly exited: Promise<ChildExit>
  hasExited(): boolean
  /** By the signal that cannot be ignored. */
  kill(): void
}

export class Children {
  readonly #alive = new Set<Child>()
  readonly #clock: Clock
  readonly #killHard: (pid: number) => void
  readonly #write: (text: string) => void

  readonly #folder: string

  /** `write`: where the lines of their standard error go; `folder`: the data folder of core and exchange. */
  constructor(clock: Clock, killHard: (pid: number) => void, write: (text: string) => void, folder: string) {
    this.#folder = folder
    this.#clock = clock
    this.#killHard = killHard
    this.#write = write
  }

  get alive(): readonly Child[] {
    return [...this.#alive]
  }

  add(kind: Child['kind'], process: UtilityLike): Child {
    let gone = false
    let words = ''
    process.stderr?.on('data', (chunk) => {
      const text = chunk.toString('utf8')
      this.#write(text)
      words = lastPlainLine(text) ?? words
    })
    const exited = new Promise<ChildExit>((resolve) => {
      process.on('exit', (code) => {
        gone = true
        this.#alive.delete(child)
        // An engine's memory is its model's file, which is elsewhere; sensors have none.
        const unspoken =
          kind === 'engine' || kind === 'sensors' ? null : reasonOfEnd({ code, signal: null }, this.#folder)
        resolve({ code, signal: null, words: unspoken?.message ?? words })
      })
    })
    const kill = (): void => {
      if (process.pid !== undefined) this.#killHard(process.pid)
      else if (!gone) process.on('spawn', kill)
    }
    const child: Child = { kind, process, exited, hasExited: () => gone, kill }
    this.#alive.add(child)
    return child
  }

  /**
   * Ends it with the polite signal, and with the one that cannot be ignored when that did not help in its policy's time.
   * True when it is gone.
   */
  async end(child: Child): Promise<boolean> {
    if (child.hasExited()) return true
    return endChild(this.#clock, child.exited, CHILD_POLICIES[child.kind].end, {
      terminate: () => void child.process.kill(),
      kill: () => child.kill(),
    })
  }

  /** Ends every child at once; true when none is left. */
  async endAll(): Promise<boolean> {
    const ended = await Promise.all(this.alive.map((child) => this.end(child)))
    return ended.every(Boolean)
  }
}
