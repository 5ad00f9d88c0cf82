/**
 * Where the llama-server stands that Stoker is measured against. STOKER_LLAMA_SERVER names one; else the one that `npm
 * run bench:reference` built under STOKER_REFERENCE_DIR (default ~/.cache/stoker/reference).
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** The flags of the reference build: native code for this machine, nothing that needs a network. */
export const REFERENCE_FLAGS: readonly string[] = [
  '-DCMAKE_BUILD_TYPE=Release',
  '-DGGML_NATIVE=ON',
  '-DLLAMA_CURL=OFF',
  '-DLLAMA_OPENSSL=OFF',
  '-DLLAMA_BUILD_TESTS=OFF',
  '-DLLAMA_BUILD_EXAMPLES=OFF',
  '-DLLAMA_BUILD_UI=OFF',
  '-DLLAMA_USE_PREBUILT_UI=OFF',
  '-DLLAMA_BUILD_APP=OFF',
]

export interface Reference {
  path: string
  /** Its own word: version, commit, compiler. */
  version: string
  /** Flags it was built with, as CMake stored them; empty for a server given by its path. */
  flags: string[]
  /** llama.cpp was built with OpenMP, whose threads stay between steps; null where unknown. */
  openMp: boolean | null
}

const EXECUTABLE = process.platform === 'win32' ? 'llama-server.exe' : 'llama-server'

export function referencePaths(): { root: string; source: string; build: string; server: string } {
  const root = process.env['STOKER_REFERENCE_DIR'] ?? join(homedir(), '.cache/stoker/reference')
  const build = join(root, 'build')
  return { root, source: join(root, 'source'), build, server: join(build, 'bin', EXECUTABLE) }
}

/** Of CMake's cache, what decides the build. */
export function flagsOf(cache: string): { flags: string[]; openMp: boolean | null } {
  const value = (name: string): string | null => new RegExp(`^${name}:[A-Z]+=(.*)$`, 'm').exec(cache)?.[1] ?? null
  const names = [
    ...REFERENCE_FLAGS.map((flag) => /^-D(\w+)=/.exec(flag)![1]!),
    'GGML_CUDA',
    'GGML_VULKAN',
    'GGML_METAL',
  ]
  const flags = names.flatMap((name) => {
    const found = value(name)
    return found === null ? [] : [`-D${name}=${found}`]
  })
  const openMp = value('GGML_OPENMP_ENABLED')
  return { flags, openMp: openMp === null ? null : openMp === 'ON' }
}

function versionOf(path: string): string {
  const { stdout, stderr, error } = spawnSync(path, ['--version'], { encoding: 'utf8', timeout: 30_000 })
  if (error !== undefined) throw new Error(`${path} does not run: ${error.message}`)
  return `${stdout}\n${stderr}`
    .split('\n')
    .filter((line) => /^(version|built)/.test(line))
    .join(', ')
}

/**
 * The reference server, run once for its version; null when there is none. Throws when STOKER_LLAMA_SERVER names
 * something that does not run.
 */
export function findReference(): Reference | null {
  const given = process.env['STOKER_LLAMA_SERVER']
  if (given !== undefined && given !== '') return { path: given, version: versionOf(given), flags: [], openMp: null }
  const { server, build } = referencePaths()
  if (!existsSync(server)) return null
  const cache = join(build, 'CMakeCache.txt')
  return {
    path: server,
    version: versionOf(server),
    ...(existsSync(cache) ? flagsOf(readFileSync(cache, 'utf8')) : { flags: [], openMp: null }),
  }
}
