/**
 * Core dumps of this process and of every child that it starts from now on: off, since its memory holds prompts. Node
 * has no setrlimit, so Linux' `prlimit` (util-linux) sets the limit of the running process; elsewhere what the system
 * has set is all there is.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** `unknown` where the system does not say (Windows). */
export type CoreDumps = 'off' | 'on' | 'unknown'

const DEADLINE_MS = 2_000

/** From /proc/self/limits (proc(5)): `Max core file size  SOFT  HARD  bytes`; 0 means none is written. */
export const coreLimitIn = (limits: string): CoreDumps => {
  const [, soft] = /^Max core file size\s+(\S+)/m.exec(limits) ?? []
  return soft === undefined ? 'unknown' : soft === '0' ? 'off' : 'on'
}

/** Whether a crash of this process would write its memory to disk. Never throws. */
export function coreDumps(platform: NodeJS.Platform = process.platform): CoreDumps {
  try {
    if (platform === 'linux') return coreLimitIn(readFileSync('/proc/self/limits', 'utf8'))
    if (platform === 'win32') return 'unknown'
    const { stdout } = spawnSync('/bin/sh', ['-c', 'ulimit -c'], { encoding: 'utf8', timeout: DEADLINE_MS })
    return stdout.trim() === '' ? 'unknown' : stdout.trim() === '0' ? 'off' : 'on'
  } catch {
    return 'unknown'
  }
}

/** Switches them off where that can be done, and says whether they are. Never throws. */
export function switchOffCoreDumps(): CoreDumps {
  const before = coreDumps()
  if (before !== 'on' || process.platform !== 'linux') return before
  spawnSync('prlimit', [`--pid=${process.pid}`, '--core=0:0'], { stdio: 'ignore', timeout: DEADLINE_MS })
  return coreDumps()
}
