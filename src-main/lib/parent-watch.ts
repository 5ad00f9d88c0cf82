/**
 * Notices that the process which started this one is gone. A kill that cannot be handled (SIGKILL of npm, of a launcher)
 * tells nobody; whoever is left behind is adopted by another parent.
 */
import type { Clock } from '#contract/time.ts'

const CHECK_MS = 1_000

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // It may belong to somebody else.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Calls `onGone` once, at most about a second later; ends with the signal, and never keeps the process alive. */
export async function watchParent(clock: Clock, onGone: () => void, signal?: AbortSignal): Promise<void> {
  const parent = process.ppid
  try {
    // On Windows the number stays and only the process goes.
    while (process.ppid === parent && isThere(parent))
      await clock.sleep(CHECK_MS, { ...(signal === undefined ? {} : { signal }), unref: true })
    onGone()
  } catch {
    // Nobody watches any more.
  }
}

/**
 * Whether this process ends with its parent: npm and our own launcher pass on what they are told, and a kill of them is
 * meant for us. A shell is none of those: it may end and leave us running, as `nohup` does.
 */
export const endsWithParent = (env: NodeJS.ProcessEnv = process.env): boolean =>
  env['npm_lifecycle_event'] !== undefined
