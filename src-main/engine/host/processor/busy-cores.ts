/**
 * How many cores this process may use: by its CPU affinity and by the bandwidth limits of its control groups.
 */
import { readFileSync } from 'node:fs'
import { availableParallelism, cpus } from 'node:os'

/** Reads a small file; null where there is none. Injected in tests. */
export type ReadText = (path: string) => string | null

export const readText: ReadText = (path) => {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return null
  }
}

const ROOT = '/sys/fs/cgroup'
const DEPTH_MAX = 32

/**
 * `max 100000` or `150000 100000`: microseconds of processor time in each period. Source:
 * Documentation/admin-guide/cgroup-v2.rst, cpu.max.
 */
function quotaOfV2(text: string | null): number {
  const [quota, period] = (text ?? '').trim().split(' ').map(Number)
  return quota !== undefined && period !== undefined && quota > 0 && period > 0
    ? quota / period
    : Number.POSITIVE_INFINITY
}

function quotaOfV1(folder: string, read: ReadText): number {
  const quota = Number(read(`${folder}/cpu.cfs_quota_us`) ?? Number.NaN)
  const period = Number(read(`${folder}/cpu.cfs_period_us`) ?? Number.NaN)
  return quota > 0 && period > 0 ? quota / period : Number.POSITIVE_INFINITY
}

/** The folder and all above it: a limit applies to everything below. */
function ancestors(path: string): string[] {
  const parts = path
    .split('/')
    .filter((part) => part !== '')
    .slice(0, DEPTH_MAX)
  return Array.from({ length: parts.length + 1 }, (_, count) => ['', ...parts.slice(0, count)].join('/'))
}

/** Cores by the limits of the control groups, Infinity without one. A container sees its own group as the root. */
export function quotaCores(read: ReadText = readText): number {
  let cores = Number.POSITIVE_INFINITY
  for (const line of (read('/proc/self/cgroup') ?? '').split('\n').slice(0, DEPTH_MAX)) {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? []
    if (controllers === undefined || path === undefined) continue
    if (controllers === '')
      for (const folder of ancestors(path)) cores = Math.min(cores, quotaOfV2(read(`${ROOT}${folder}/cpu.max`)))
    else if (controllers.split(',').includes('cpu'))
      for (const folder of ancestors(path)) cores = Math.min(cores, quotaOfV1(`${ROOT}/cpu${folder}`, read))
  }
  return cores
}

/** `0-2,5` as a set of numbers; null when the text is none. */
export function cpuList(text: string): ReadonlySet<number> | null {
  const cpus = new Set<number>()
  for (const part of text.trim().split(',')) {
    const [, first, last] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(part) ?? []
    if (first === undefined) return null
    for (let cpu = Number(first); cpu <= Number(last ?? first); cpu += 1) cpus.add(cpu)
  }
  return cpus
}

/** Processors that this process may run on; null where the system does not tell: then all of them. */
export const allowedCpus = (read: ReadText = readText): ReadonlySet<number> | null =>
  cpuList(/^Cpus_allowed_list:\s*(\S+)/m.exec(read('/proc/self/status') ?? '')?.[1] ?? '')

/** Number of processors that this process may run on, whatever share of their time it is granted. */
export const processors = (read: ReadText = readText): number => allowedCpus(read)?.size ?? cpus().length

/** Whole cores, at least 1. */
export const usableCores = (read: ReadText = readText): number =>
  Math.max(1, Math.floor(Math.min(availableParallelism(), quotaCores(read))))
