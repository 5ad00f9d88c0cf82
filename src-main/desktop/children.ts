/** The children of the shell: started, watched, and all ended before the app goes. Never two cores at once. */
import type { Clock } from '#contract/time.ts'

import type { UtilityLike } from './electron-api.ts'

export interface Child { readonly name: string; readonly process: UtilityLike; readonly exited: Promise<number | null>; hasExited(): boolean }

/** Time a child gets to end by itself before it is killed, and again before we give up waiting. */
export const ASK_MS = 8_000
export const KILL_WAIT_MS = 4_000

export class Children {
  readonly #alive = new Set<Child>()
  readonly #clock: Clock

  constructor(clock: Clock) {
    this.#clock = clock
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

  /** Asks with `ask`, waits, kills, waits for the confirmed exit. Returns true when the child is gone. */
  async end(child: Child, ask: () => void, askMs = ASK_MS): Promise<boolean> {
    if (child.hasExited()) return true
    ask()
    if (await this.#within(child, askMs)) return true
    child.process.kill()
    return this.#within(child, KILL_WAIT_MS)
  }

  /** Ends every child at once; true when none is left. */
  async endAll(ask: (child: Child) => void): Promise<boolean> {
    const ended = await Promise.all(this.alive.map((child) => this.end(child, () => ask(child))))
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
