/**
 * A whole Stoker as its owner runs it: `stoker serve` as a real child process on a data folder, with clients for its
 * doors.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'

import type { ContractRouterClient } from '@orpc/contract'

import { connect } from '#cli/owner.ts'
import type { Contract } from '#contract/index.ts'

const MAIN = resolve(import.meta.dirname, '../../src-main/cli/main.ts')
const START_MS = 180_000
const STDERR_KEPT = 20_000

export interface Rig {
  readonly dir: string
  readonly url: string
  /** A login link, good once. */
  readonly link: string
  readonly exchangeUrl: string
  readonly pid: number
  /** The API token of the data folder. */
  readonly token: string
  /** Calls the contract over HTTP with the API token. */
  readonly client: ContractRouterClient<Contract>
  readonly process: ChildProcess
  /** What it wrote to standard error so far (the last 20,000 characters). */
  stderr(): string
  /** Kills it and resolves when it is gone. */
  kill(signal: NodeJS.Signals): Promise<void>
  /** SIGTERM, then SIGKILL after 15 s; resolves to its exit code (null when it had to be killed). */
  stop(): Promise<number | null>
}

export interface RigOptions {
  dir: string
  /** Further arguments of `stoker serve`; `--no-practice-buyer` for quiet books. */
  args?: readonly string[]
  env?: NodeJS.ProcessEnv
  /** Flags of Node and the file that it runs; the command's own file when left out. */
  node?: readonly string[]
}

/** Runs one `stoker` command to its end. */
export async function stoker(
  args: readonly string[],
  options: { env?: NodeJS.ProcessEnv; timeoutMs?: number } = {},
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString('utf8')))
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString('utf8')))
  const timer = setTimeout(() => child.kill('SIGKILL'), options.timeoutMs ?? 120_000)
  const [code] = (await once(child, 'close')) as [number | null]
  clearTimeout(timer)
  return { code, stdout, stderr }
}

const exited = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null

/** Starts one and resolves when it has printed its line. The caller stops it. */
export async function startRig(options: RigOptions): Promise<Rig> {
  const { dir } = options
  const child = spawn(
    process.execPath,
    [...(options.node ?? [MAIN]), 'serve', '--json', '--data', dir, '--port', '0', ...(options.args ?? [])],
    {
      env: { ...process.env, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  let stderr = ''
  child.stderr.on('data', (chunk: Buffer) => (stderr = (stderr + chunk.toString('utf8')).slice(-STDERR_KEPT)))
  const timer = setTimeout(() => child.kill('SIGKILL'), START_MS)
  const lines = createInterface({ input: child.stdout })
  const first = await Promise.race([
    once(lines, 'line').then(([line]) => String(line)),
    once(child, 'exit').then(() => null),
  ])
  clearTimeout(timer)
  if (first === null)
    throw new Error(`stoker serve ended before it was ready (exit ${child.exitCode ?? child.signalCode}):\n${stderr}`)
  const { url, link, exchangeUrl, pid } = JSON.parse(first) as {
    url: string
    link: string
    exchangeUrl: string
    pid: number
  }
  const token = readFileSync(join(dir, 'api-token'), 'utf8').trim()
  const kill = async (signal: NodeJS.Signals): Promise<void> => {
    if (exited(child)) return
    const gone = once(child, 'exit')
    child.kill(signal)
    await gone
  }
  return {
    dir,
    url,
    link,
    exchangeUrl,
    pid,
    token,
    client: connect(url, token),
    process: child,
    kill,
    stderr: () => stderr,
    async stop() {
      const killTimer = setTimeout(() => child.kill('SIGKILL'), 45_000)
      await kill('SIGTERM')
      clearTimeout(killTimer)
      return child.exitCode
    },
  }
}
