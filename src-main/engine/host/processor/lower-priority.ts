/** The host runs at a lower priority than the owner's own programs. */
import { readdirSync } from 'node:fs'
import { setPriority } from 'node:os'

const NICENESS = 5

/**
 * Lowers every thread that exists now. Called once the libraries are loaded, so that starting does not queue behind
 * other programs.
 */
export function lowerPriority(): void {
  try {
    // On Linux niceness belongs to a thread: worker threads that exist already would keep theirs.
    const threads = process.platform === 'linux' ? readdirSync('/proc/self/task').map(Number) : [0]
    for (const thread of threads) setPriority(thread, NICENESS)
  } catch {
    // Not allowed everywhere, and a thread may have ended meanwhile; the engine works without it.
  }
}
