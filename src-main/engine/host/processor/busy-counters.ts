/**
 * Processor time since the machine started, of all programs and of our own, as the system counts it. busy-watch.ts
 * interprets it.
 */
import { cpus } from 'node:os'

import { allowedCpus, readText, type ReadText } from './busy-cores.ts'

export interface CpuSample {
  /**
   * Milliseconds in which the processors that we may use were busy, summed over them; time stolen by other virtual
   * machines counts.
   */
  busyMs: number
  /** Milliseconds of this process, all threads. */
  ownMs: number
  /**
   * Runnable threads of the whole machine, ours included; null where the system does not tell, or where we may not use
   * all of the machine.
   */
  running: number | null
}

/** Null when nothing can be read. */
export type CpuReader = () => CpuSample | null

/** Linux counts in ticks of a hundredth of a second (USER_HZ), whatever the kernel's own rate. */
const TICK_MS = 10

/**
 * Lines of /proc/stat: `cpuN user nice system idle iowait irq softirq steal guest guest_nice` (guest is part of user),
 * `procs_running N`. Source: proc_stat(5).
 */
export function parseStat(
  text: string,
  allowed: ReadonlySet<number> | null,
  cores: number,
): Omit<CpuSample, 'ownMs'> | null {
  let ticks = 0
  let seen = 0
  let all = 0
  for (const [, cpu, numbers] of text.matchAll(/^cpu(\d+) (.*)$/gm)) {
    all += 1
    if (allowed !== null && !allowed.has(Number(cpu))) continue
    const [user = 0, nice = 0, system = 0, , , irq = 0, soft = 0, steal = 0] = (numbers ?? '').split(' ').map(Number)
    ticks += user + nice + system + irq + soft + steal
    seen += 1
  }
  const running = /^procs_running (\d+)$/m.exec(text)?.[1]
  return seen === 0 || !Number.isFinite(ticks)
    ? null
    : { busyMs: ticks * TICK_MS, running: running === undefined || all !== cores ? null : Number(running) }
}

function ownMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1_000
}

function linuxReader(cores: number, read: ReadText): CpuReader {
  const allowed = allowedCpus(read)
  return () => {
    const sample = parseStat(read('/proc/stat') ?? '', allowed, cores)
    return sample === null ? null : { ...sample, ownMs: ownMs() }
  }
}

/** macOS and Windows: the library's own table, in milliseconds. */
const portableReader: CpuReader = () => {
  const busyMs = cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0)
  return busyMs === 0 ? null : { busyMs, ownMs: ownMs(), running: null }
}

/** `cores`: those we may use (usableCores). */
export const createCpuReader = (cores: number, read: ReadText = readText): CpuReader =>
  process.platform === 'linux' ? linuxReader(cores, read) : portableReader
