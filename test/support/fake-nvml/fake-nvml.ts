/** Compiles the double of NVML (fake-nvml.c), and writes what it says. Null where there is no compiler: skip, and say so. */
import { execFileSync } from 'node:child_process'
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

const SOURCE = resolve(import.meta.dirname, 'fake-nvml.c')

export interface FakeNvml {
  readonly path: string
  /** All that it says from now on; what is left out is 0, or said nowhere. */
  says(values: Readonly<Record<string, string | number>>): void
}

function compiles(): boolean {
  try {
    execFileSync('cc', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
export const hasCompiler = process.platform === 'linux' && compiles()

let compiled: Buffer | null = null

/** A file of its own each time, so that a process may load several and each begins anew. */
export function fakeNvml(folder: string): FakeNvml {
  const path = join(folder, 'libfake-nvml.so')
  if (compiled === null) execFileSync('cc', ['-shared', '-fPIC', '-O1', '-Wall', '-Werror', '-o', path, SOURCE, '-ldl'])
  else writeFileSync(path, compiled)
  compiled ??= readFileSync(path)
  return {
    path,
    says(values) {
      const lines = Object.entries(values).map(([name, value]) => `${name} ${value}\n`)
      // At once, for a child that reads it meanwhile.
      writeFileSync(`${path}.next`, lines.join(''))
      renameSync(`${path}.next`, `${path}.values`)
    },
  }
}

/** One device's values under its index. */
export const device = (
  index: number,
  values: Readonly<Record<string, string | number>>,
): Record<string, string | number> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [`${index}.${name}`, value]))
