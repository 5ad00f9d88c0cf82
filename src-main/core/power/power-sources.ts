/**
 * Where watts come from: the GPU's own meter (nvidia-smi) and the processor's (Linux RAPL). Each is asked, with a
 * deadline, and may be absent.
 */
import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

import { RETRY_MS, WATTS_MAX, type GpuWatts, type PowerSource } from './power-source.ts'

export interface PowerSources {
  gpu: PowerSource
  processor: PowerSource
}

const DEADLINE_MS = 3_000
const OUTPUT_MAX = 65_536

/** Comes with NVIDIA's driver; found on the path. */
const NVIDIA_SMI = 'nvidia-smi'
const nvidiaSmi = (): Promise<string> =>
  new Promise((resolve, reject) => {
    execFile(
      NVIDIA_SMI,
      ['--query-gpu=uuid,power.draw', '--format=csv,noheader,nounits'],
      { timeout: DEADLINE_MS, maxBuffer: OUTPUT_MAX, windowsHide: true },
      (error, stdout) => (error === null ? resolve(stdout) : reject(error)),
    )
  })

const GPUS_MAX = 64
/** `GPU-2f1c…-…, 61.20` a line; one that reports no figure (`[N/A]` on some) has none. */
const GPU_LINE = /^\s*([\w-]{1,80}),\s*([\d.]+)\s*$/

/** Watts of each GPU that reports them. */
export const parsePowerDraw = (output: string): GpuWatts[] =>
  output
    .split('\n')
    .flatMap((line) => {
      const [, gpu = '', value = ''] = GPU_LINE.exec(line) ?? []
      const watts = Number.parseFloat(value)
      return gpu !== '' && watts >= 0 && watts <= WATTS_MAX ? [{ gpu, watts }] : []
    })
    .slice(0, GPUS_MAX)

export function gpuSource(ask: () => Promise<string> = nvidiaSmi): PowerSource {
  let failedAt: number | null = null
  let last: readonly GpuWatts[] = []
  return {
    name: NVIDIA_SMI,
    parts: () => last,
    /** Sum over the GPUs that report; null when none does. */
    async read(monoMs) {
      if (failedAt !== null && monoMs - failedAt < RETRY_MS) return null
      last = await ask().then(parsePowerDraw, () => [])
      failedAt = last.length === 0 ? monoMs : null
      return last.length === 0 ? null : last.reduce((sum, { watts }) => sum + watts, 0)
    },
  }
}

const RAPL_ROOT = '/sys/class/powercap'
/** A package: `intel-rapl:0`, not its parts (`intel-rapl:0:1`), which it contains. AMD reports under the same name. */
const RAPL_PACKAGE = /^intel-rapl:\d+$/
const PACKAGES_MAX = 64

const number = async (path: string): Promise<number> => {
  const value = Number((await readFile(path, 'utf8')).trim())
  if (!Number.isFinite(value)) throw new Error(`${path} holds no number`)
  return value
}

/**
 * Energy counters in microjoules (linux/Documentation/power/powercap); watts are the difference of two readings, a
 * wrapped counter included.
 */
export function raplSource(root: string = RAPL_ROOT): PowerSource {
  let packages: { path: string; range: number }[] | null = null
  let last: { monoMs: number; microjoules: number[] } | null = null
  const find = async (): Promise<{ path: string; range: number }[]> => {
    const names = (await readdir(root)).filter((name) => RAPL_PACKAGE.test(name)).slice(0, PACKAGES_MAX)
    return Promise.all(
      names.map(async (name) => ({
        path: join(root, name, 'energy_uj'),
        range: await number(join(root, name, 'max_energy_range_uj')),
      })),
    )
  }
  return {
    name: 'RAPL',
    async read(monoMs) {
      try {
        packages ??= await find()
        if (packages.length === 0) return null
        const microjoules = await Promise.all(packages.map(({ path }) => number(path)))
        const before = last
        last = { monoMs, microjoules }
        if (before === null || monoMs <= before.monoMs) return null
        const used = packages.reduce((sum, { range }, at) => {
          const step = (microjoules[at] ?? 0) - (before.microjoules[at] ?? 0)
          return sum + (step >= 0 ? step : step + range)
        }, 0)
        const watts = used / 1_000 / (monoMs - before.monoMs)
        return watts <= WATTS_MAX ? watts : null
      } catch {
        // Readable by root only on most systems, absent on others: then there is nothing to ask again.
        packages = []
        return null
      }
    },
  }
}

export const systemSources = (): PowerSources => ({ gpu: gpuSource(), processor: raplSource() })
