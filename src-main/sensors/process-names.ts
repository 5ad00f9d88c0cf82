/** What the system calls a process, and who started it: from /proc, where there is one (proc(5), `stat` and `comm`). */
import { join } from 'node:path'

import { readText } from './bounded-file.ts'

export interface ProcessNames {
  of(pid: number): { name: string; parent: number | null }
}

const NAME_MAX = 60

export const processNames = (proc: string): ProcessNames => ({
  of(pid) {
    const name = readText(join(proc, String(pid), 'comm'))?.slice(0, NAME_MAX) ?? ''
    // The second field is the name in brackets, which may hold blanks and brackets itself.
    const after = readText(join(proc, String(pid), 'stat'))
      ?.split(') ')
      .at(-1)
      ?.split(' ')
    const parent = Number(after?.[1])
    return { name, parent: Number.isSafeInteger(parent) && parent > 0 ? parent : null }
  },
})
