/** What processes use, read from /proc (Linux). */
import { spawn } from 'node:child_process'
import { readFileSync, readdirSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { setTimeout as wait } from 'node:timers/promises'

/** Clock ticks a second in /proc/PID/stat (USER_HZ), 100 on every Linux this runs on. */
const TICKS_PER_SECOND = 100
const QUIET_SAMPLE_MS = 500
/** Of all cores together: above it, something else runs on this machine. */
export const QUIET_SHARE = 0.1

interface Stat {
  pid: number
  parent: number
  ticks: number
}

function statOf(pid: number): Stat | null {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')
    return { pid, parent: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12]) }
  } catch {
    return null
  }
}

function tree(root: number): Stat[] {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => statOf(Number(name)) ?? [])
  const found = all.filter(({ pid }) => pid === root)
  for (const { pid } of found) found.push(...all.filter(({ parent }) => parent === pid))
  return found
}

function rssMb(pid: number): number {
  try {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1_024
  } catch {
    return 0
  }
}

/** CPU time so far and memory now, of a process and all below it. */
export function usageOf(root: number): { cpuSeconds: number; rssMb: number } {
  const all = tree(root)
  return {
    cpuSeconds: all.reduce((ticks, each) => ticks + each.ticks, 0) / TICKS_PER_SECOND,
    rssMb: all.reduce((mb, { pid }) => mb + rssMb(pid), 0),
  }
}

function busyTicks(): { busy: number; all: number } {
  const fields = readFileSync('/proc/stat', 'utf8').split('\n')[0]!.trim().split(/\s+/).slice(1, 9).map(Number)
  const all = fields.reduce((total, each) => total + each, 0)
  return { busy: all - fields[3]! - fields[4]!, all }
}

/**
 * How busy the machine is while nothing of ours runs: the share of all cores, over half a second, and the load average of
 * the last minute.
 */
export async function quietness(): Promise<{ busyShare: number; loadAverage: number }> {
  const before = busyTicks()
  await wait(QUIET_SAMPLE_MS)
  const after = busyTicks()
  return { busyShare: (after.busy - before.busy) / Math.max(1, after.all - before.all), loadAverage: loadavg()[0]! }
}

/**
 * Starts measuring; the returned function gives the share of all cores that other programs (all but this process and its
 * children) used since.
 */
export function watchOthers(): () => number {
  const before = busyTicks()
  const own = usageOf(process.pid).cpuSeconds
  return () => {
    const after = busyTicks()
    const ticks = after.busy - before.busy - (usageOf(process.pid).cpuSeconds - own) * TICKS_PER_SECOND
    return Math.max(0, ticks / Math.max(1, after.all - before.all))
  }
}

/** A program that uses one core at normal priority until it is stopped. */
export function startSpinner(): { stop(): void } {
  const child = spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' })
  return { stop: () => void child.kill('SIGKILL') }
}

export const cpuModel = (): string => cpus()[0]?.model ?? 'unknown'
