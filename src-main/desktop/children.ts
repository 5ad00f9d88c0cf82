/** The children of the shell: started, watched, and all ended before the app goes. Never two cores at once. */
import type { Clock } from '#contract/time.ts'

import type { UtilityLike } from './electron-api.ts'

export interface Child {
  readonly name: string
  readonly process: UtilityLike
  readonly exited: Promise<number | null>
  hasExited(): boolean
}

/**
 * Time a child gets to end by itself before it is told to, then before it is killed, then before we give up waiting.
 */
export const ASK_MS = 8_000
export const KILL_WAIT_MS = 4_000

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
  async end(child: Child, ask: () => void, askMs = ASK_MS): Promise<boolean> {
    if (child.hasExited()) return true
    ask()
    return (await this.#within(child, askMs)) || this.kill(child)
  }

  /**
   * Ends it with the polite signal, and with the one that cannot be ignored when that did not help. True when it is
   * gone.
   */
  async kill(child: Child): Promise<boolean> {
    if (child.hasExited()) return true
    child.process.kill()
    if (await this.#within(child, KILL_WAIT_MS)) return true
    if (child.process.pid !== undefined) this.#killHard(child.process.pid)
    return this.#within(child, KILL_WAIT_MS)
  }

  /** Kills every child at once; true when none is left. */
  async killAll(): Promise<boolean> {
    const ended = await Promise.all(this.alive.map((child) => this.kill(child)))
    return ended.every(Boolean)
  }

  async #within(child: Child, ms: number): Promise<boolean> {
    const waiting = new AbortController()
    const timeout = this.#clock.sleep(ms, { signal: waiting.signal }).then(
      () => false,
      () => false,
    )
    const gone = await Promise.race([child.exited.then(() => true), timeout])
    waiting.abort()
    return gone
  }
}
