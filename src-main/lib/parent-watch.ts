/**
 * Notices that npm, or the launcher between it and this process, is gone. A kill that cannot be handled (SIGKILL) is told
 * to nobody; whoever is left behind is adopted by another parent. npm starts a shell first, which survives it.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

import type { Clock } from '#contract/time.ts'

const CHECK_MS = 1_000
/** Launcher, shell and npm are three. */
const LEVELS_MAX = 6
const PS_MS = 2_000
/** `npm run …` as it titles itself, or its file run by node. */
const RUNNER = /^(\S*\/)?(node(\.exe)?\s+)?(\S*\/)?(npm|pnpm|yarn)(-cli)?(\.c?js)?(\s|$)/

interface Ancestor {
  readonly pid: number
  readonly parent: number
  readonly command: string
}

/** From /proc/PID/stat (proc(5)): the parent is the second field after the name, which may hold anything. */
const parentIn = (stat: string): number => Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])

function ancestor(pid: number): Ancestor | null {
  try {
    if (process.platform === 'linux')
      return {
        pid,
        parent: parentIn(readFileSync(`/proc/${pid}/stat`, 'utf8')),
        command: readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' '),
      }
    const { stdout } = spawnSync('ps', ['-o', 'ppid=,command=', '-p', String(pid)], {
      encoding: 'utf8',
      timeout: PS_MS,
    })
    const [, parent, command] = /^\s*(\d+)\s+(.*)/.exec(stdout) ?? []
    return parent === undefined ? null : { pid, parent: Number(parent), command: command ?? '' }
  } catch {
    return null
  }
}

/** From our parent up to npm, the nearest first; our parent alone where npm is not among them. */
export function ancestorsToNpm(find: (pid: number) => Ancestor | null = ancestor): number[] {
  const pids: number[] = []
  for (let pid = process.ppid; pids.length < LEVELS_MAX && pid > 1;) {
    const found = find(pid)
    pids.push(pid)
    if (found === null) break
    if (RUNNER.test(found.command)) return pids
    pid = found.parent
  }
  return [process.ppid]
}

/** On Linux by the parent of each, which also sees one that nobody has taken away yet; else by whether it is there. */
function areThere(pids: readonly number[]): boolean {
  if (process.ppid !== pids[0]) return false
  try {
    return pids.every((pid, index) => {
      const above = pids[index + 1]
      if (process.platform !== 'linux' || above === undefined) return process.kill(pid, 0)
      return parentIn(readFileSync(`/proc/${pid}/stat`, 'utf8')) === above
    })
  } catch (error) {
    // One of somebody else's is there.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Calls `onGone` once, about a second later at most; ends with the signal, and never keeps the process alive. */
export async function watchParent(clock: Clock, onGone: () => void, signal?: AbortSignal): Promise<void> {
  const pids = ancestorsToNpm()
  try {
    while (areThere(pids)) await clock.sleep(CHECK_MS, { ...(signal === undefined ? {} : { signal }), unref: true })
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
