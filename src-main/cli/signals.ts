/** Ends politely on the first SIGINT, SIGTERM or SIGHUP, and at once when asked again. */

/** Exit code of a process ended by a signal, by shell convention. */
const SIGNALLED = 130
/** Ctrl+C reaches us twice under npm: from the terminal, and passed on by npm. */
const SAME_ASKING_MS = 1_000

/** Resolves on the first signal, or when the parent that holds our IPC channel goes. */
export function untilSignal(): Promise<void> {
  return new Promise((resolve) => {
    let askedAt: number | null = null
    const ask = (): void => {
      const now = performance.now()
      if (askedAt !== null && now - askedAt > SAME_ASKING_MS) process.exit(SIGNALLED)
      askedAt ??= now
      resolve()
    }
    process.on('SIGINT', ask)
    process.on('SIGTERM', ask)
    // The terminal was closed; nohup does not change that, since Node resets what it ignores.
    process.on('SIGHUP', ask)
    process.on('disconnect', ask)
  })
}
