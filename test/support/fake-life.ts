/** A child that a test plays, as the supervisor sees it: what it says of itself, how it ends, and what was done to it. */
import type { ChildExit, LifeSigns, SupervisedLife } from '#lib/supervise.ts'

export class FakeLife implements SupervisedLife {
  readonly pid = 4_242
  readonly signs: LifeSigns
  /** Steps taken against it, in order. */
  readonly taken: string[] = []
  /** The step that ends it. */
  endsBy: 'ask' | 'terminate' | 'kill' | 'nothing' = 'ask'
  alive = true
  readonly #listeners: ((how: ChildExit) => void)[] = []
  #how: ChildExit | null = null

  constructor(signs: LifeSigns) {
    this.signs = signs
  }

  ask = (): void => this.#step('ask')
  terminate = (): void => this.#step('terminate')
  kill = (): void => this.#step('kill')

  onExit(listener: (how: ChildExit) => void): void {
    if (this.#how === null) this.#listeners.push(listener)
    else listener(this.#how)
  }

  exit(code: number | null = 1, words = ''): void {
    if (!this.alive) return
    this.alive = false
    this.#how = { code, signal: code === null ? 'SIGKILL' : null, words }
    for (const listener of this.#listeners) listener(this.#how)
  }

  #step(name: 'ask' | 'terminate' | 'kill'): void {
    this.taken.push(name)
    if (name === this.endsBy || (name === 'kill' && this.endsBy !== 'nothing')) this.exit(name === 'kill' ? null : 0)
  }
}
