/** Which processes run below another, for kills and for finding orphans. */
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'

export interface Running {
  pid: number
  parent: number
  command: string
}

function fromProc(): Running[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8')
        const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
        if (state === 'Z') return []
        return [
          {
            pid: Number(name),
            parent: Number(parent),
            command: readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' '),
          },
        ]
      } catch {
        return []
      }
    })
}

const fromPs = (): Running[] =>
  execFileSync('ps', ['-Ao', 'pid=,ppid=,args='], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map((line) => {
      const [pid = '', parent = '', ...command] = line.trim().split(/\s+/)
      return { pid: Number(pid), parent: Number(parent), command: command.join(' ') }
    })

/** Everything that runs now; zombies are not counted. Not for Windows. */
export const processes = (): Running[] => (existsSync('/proc/self/stat') ? fromProc() : fromPs())

export const childrenOf = (pid: number): Running[] => processes().filter((each) => each.parent === pid)

/** The engine host or the exchange host below `pid`; undefined while there is none. */
export const hostOf = (pid: number, which: 'engine' | 'exchange'): Running | undefined =>
  childrenOf(pid).find(({ command }) =>
    command.includes(which === 'engine' ? 'engine/host/engine-host-entry' : 'exchange-server/exchange-entry'),
  )

export function isAlive(pid: number): boolean {
  return processes().some((each) => each.pid === pid)
}
