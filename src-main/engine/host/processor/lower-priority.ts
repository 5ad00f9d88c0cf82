/** The host works below the owner's own programs. */
import { readdirSync } from 'node:fs'
import { setPriority } from 'node:os'

const NICENESS = 5

/**
 * Lowers every thread there is. Called once the libraries are in, so that a restart does not queue behind other
 * programs.
 */
export function lowerPriority(): void {
  try {
    // On Linux niceness belongs to a thread: the workers that decode exist already and would keep theirs.
    const threads = process.platform === 'linux' ? readdirSync('/proc/self/task').map(Number) : [0]
    for (const thread of threads) setPriority(thread, NICENESS)
  } catch {
    // Not allowed everywhere, and a thread may have ended meanwhile; it is a courtesy.
  }
}
