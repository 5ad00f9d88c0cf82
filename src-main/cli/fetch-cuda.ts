/**
 * Fetches the CUDA builds of llama.cpp with the owner's own npm, so that registries, proxies and certificates set there
 * hold, and npm checks each archive against the hash that came with this version of Stoker before anything of it is
 * used. Nothing is visible under the final name until all of it is there.
 */
import { spawn } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

import { CUDA_PACKAGES, CUDA_VERSION, cudaFolder, cudaInstalled, type CudaPackage } from '#engine/cuda.ts'

import { bytesBelow } from './bytes-below.ts'
import { npmCommand } from './npm.ts'
import { tie } from './tied.ts'

/** No bytes for this long counts as "cannot be had", however steadily it trickled before. */
const SILENCE_MS = 60_000
const FETCH_MAX_MS = 3_600_000
const CHECK_MS = 1_000
const STEP_MB = 50
const STDERR_KEPT = 4_000
const MB = 1_000_000
/** Quick to fail, since the same is tried at the next start; `ci` installs what the lock file says and nothing else. */
const NPM = [
  'ci',
  '--ignore-scripts',
  '--no-audit',
  '--no-fund',
  '--loglevel=error',
  '--fetch-retries=1',
  '--fetch-retry-mintimeout=1000',
]

export interface FetchOptions {
  root: string
  say: (line: string) => void
  env?: NodeJS.ProcessEnv
  packages?: readonly CudaPackage[]
  silenceMs?: number
}

/**
 * A project of its own whose lock file is the list of hashes. The checkout's .npmrc goes with it: somebody may have set
 * a registry there.
 */
function writeProject(folder: string, root: string, packages: readonly CudaPackage[]): void {
  const dependencies = Object.fromEntries(packages.map(({ name }) => [name, CUDA_VERSION]))
  const locked = Object.fromEntries(
    packages.map(({ name, integrity }) => [`node_modules/${name}`, { version: CUDA_VERSION, integrity }]),
  )
  const manifest = { name: 'stoker-cuda', version: CUDA_VERSION, private: true, dependencies }
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest))
  writeFileSync(
    join(folder, 'package-lock.json'),
    JSON.stringify({ ...manifest, lockfileVersion: 3, requires: true, packages: { '': { ...manifest }, ...locked } }),
  )
  if (existsSync(join(root, '.npmrc'))) copyFileSync(join(root, '.npmrc'), join(folder, '.npmrc'))
}

/** npm's first line with an error in it, without its prefix. */
const reasonIn = (stderr: string): string =>
  stderr
    .split('\n')
    .map((line) => line.replace(/^npm (error|ERR!)\s*/, '').trim())
    .filter((line) => line !== '' && !/^(code|errno|syscall|A complete log)/.test(line))[0]
    ?.slice(0, 300) ?? 'npm said nothing'

/** Null when npm ended well, else why not. */
function runNpm(
  folder: string,
  { say, env = process.env, silenceMs = SILENCE_MS }: FetchOptions,
): Promise<string | null> {
  const [command, before] = npmCommand(env)
  return new Promise((resolve) => {
    const child = spawn(command, [...before, ...NPM], { cwd: folder, env, stdio: ['ignore', 'ignore', 'pipe'] })
    tie(child)
    const startedAt = performance.now()
    let [stderr, bytes, grewAt, said, late] = ['', 0, startedAt, 0, false]
    child.stderr.on('data', (chunk: Buffer) => (stderr = (stderr + chunk.toString('utf8')).slice(0, STDERR_KEPT)))
    const timer = setInterval(() => {
      const now = bytesBelow(folder)
      if (now !== bytes) grewAt = performance.now()
      bytes = now
      if (bytes >= (said + STEP_MB) * MB) {
        said = Math.floor(bytes / MB / STEP_MB) * STEP_MB
        say(`  ${said} of about 565 MB`)
      }
      late = performance.now() - grewAt > silenceMs || performance.now() - startedAt > FETCH_MAX_MS
      if (late) child.kill('SIGKILL')
    }, CHECK_MS)
    const end = (why: string | null): void => {
      clearInterval(timer)
      resolve(why)
    }
    child.once('error', (error) => end(`npm could not be started: ${error.message}`))
    child.once('close', (code) =>
      end(code === 0 ? null : late ? `nothing came for ${Math.round(silenceMs / 1_000)} s` : reasonIn(stderr)),
    )
  })
}

/** Null when the builds are there, else why they could not be had. */
export async function fetchCuda(options: FetchOptions): Promise<string | null> {
  const { root, packages = CUDA_PACKAGES } = options
  const folder = cudaFolder(root)
  if (cudaInstalled(folder, packages)) return null
  let part: string | null = null
  try {
    mkdirSync(dirname(folder), { recursive: true })
    part = mkdtempSync(`${folder}.part-`)
    writeProject(part, root, packages)
    const why = await runNpm(part, options)
    if (why !== null) return why
    if (!cudaInstalled(part, packages)) return 'npm left a package out'
    rmSync(folder, { recursive: true, force: true })
    renameSync(part, folder)
    return null
  } catch (error) {
    return (error as Error).message
  } finally {
    if (part !== null) rmSync(part, { recursive: true, force: true })
  }
}
