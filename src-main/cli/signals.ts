/** Ends politely on the first SIGINT or SIGTERM, and at once on the second. */

/** Exit code of a process ended by a signal, by shell convention. */
const SIGNALLED = 130

/** Resolves on the first signal, or when the parent that holds our IPC channel goes. */
export function untilSignal(): Promise<void> {
  return new Promise((resolve) => {
    let asked = false
    const ask = (): void => {
      if (asked) process.exit(SIGNALLED)
      asked = true
      resolve()
    }
    process.on('SIGINT', ask)
    process.on('SIGTERM', ask)
    process.on('disconnect', ask)
  })
}
