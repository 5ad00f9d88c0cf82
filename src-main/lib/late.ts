/**
 * A value that is built after those who will ask for it. Composing two parts that need each other hands out the holder,
 * so that a question asked too early is an error with a name, not a constant read before it is set.
 */
export interface Late<T> {
  /** Throws before `set`, naming what was asked for: a mistake in the order of composing. */
  get(this: void): T
  /** Once; a second time throws. */
  set(this: void, value: T): void
}

/** `what` is how the error calls it: "the domains of the core". */
export function late<T>(what: string): Late<T> {
  let held: { value: T } | null = null
  return {
    get() {
      if (held === null) throw new Error(`${what} cannot be asked before everything is built`)
      return held.value
    },
    set(value) {
      if (held !== null) throw new Error(`${what} is set already`)
      held = { value }
    },
  }
}
