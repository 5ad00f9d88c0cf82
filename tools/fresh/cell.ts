/** One fresh machine from the clone to the first sale. Stops at the first thing that does not hold. */
import { execFileSync, spawn } from 'node:child_process'
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'

import { createMachine, megabytes, type FreshMachine } from './machine.ts'
import type { FreshCell } from './options.ts'
import type { Tools } from './tools.ts'

const INSTALL_MS = 900_000
const START_MS = 300_000
const DEMO_MS = 300_000
const END_MS = 20_000
/** Characters of output that a failure shows; more of it is kept for the patterns looked for. */
const SHOWN = 1_500
const KEPT = 200_000
const LINK = /http:\/\/127\.0\.0\.1:\d+\/\S+/

export interface FreshResult {
  cell: FreshCell
  firstSeconds: number | null
  secondSeconds: number | null
  startSeconds: number | null
  megabytes: number | null
  engineWarnings: number | null
  /** Null when everything held. */
  problem: string | null
}

class Failure extends Error {}

interface Ran {
  output: string
  seconds: number
  /** Null when it was stopped after the pattern was seen. */
  code: number | null
  seen: boolean
}

/** What runs now; a call ends it with all its children. */
let endRunning: () => void = () => undefined
let ended = false
/** The cell that runs fails soon, cleans up after itself, and no other command is started. */
export function endCells(): void {
  ended = true
  endRunning()
}

/** Runs a command there to its end, or until its output has `until`; then it and its children are ended. */
function run(
  machine: FreshMachine,
  args: readonly string[],
  limitMs: number,
  { until, network = true, env = {} }: { until?: RegExp; network?: boolean; env?: Record<string, string> } = {},
): Promise<Ran> {
  if (ended) return Promise.reject(new Failure('stopped'))
  const { file, args: rest, env: environment } = machine.command(args, { network, env })
  const started = performance.now()
  return new Promise((resolve, reject) => {
    const child = spawn(file, rest, { env: environment, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
    let [output, seconds, seen] = ['', 0, false]
    const signal = (name: NodeJS.Signals): void => {
      try {
        process.kill(-child.pid!, name)
      } catch {
        // All of them are gone.
      }
    }
    endRunning = () => signal('SIGKILL')
    const timers = [setTimeout(endRunning, limitMs)]
    const hear = (chunk: Buffer): void => {
      output = (output + chunk.toString('utf8')).slice(-KEPT)
      if (seen || until === undefined || !until.test(output)) return
      seen = true
      seconds = Math.round((performance.now() - started) / 1_000)
      signal('SIGTERM')
      timers.push(setTimeout(() => signal('SIGKILL'), END_MS))
    }
    child.stdout.on('data', hear)
    child.stderr.on('data', hear)
    child.once('error', reject)
    child.once('close', (code) => {
      timers.forEach((timer) => clearTimeout(timer))
      resolve({
        output,
        seconds: seen ? seconds : Math.round((performance.now() - started) / 1_000),
        code: seen ? null : (code ?? -1),
        seen,
      })
    })
  })
}

function demand(holds: boolean, what: string, output = ''): void {
  if (!holds) throw new Failure(`${what}\n${output.trim().slice(-SHOWN)}`.trim())
}

async function demandClean(machine: FreshMachine, when: string): Promise<void> {
  const { output, code } = await run(machine, ['git', 'status', '--porcelain'], DEMO_MS)
  demand(code === 0 && output === '', `the checkout is not clean ${when}`, output)
}

export async function runCell({
  cell,
  tools,
  root,
  work,
}: {
  cell: FreshCell
  tools: Tools
  root: string
  work: string
}): Promise<FreshResult> {
  const result: FreshResult = {
    cell,
    firstSeconds: null,
    secondSeconds: null,
    startSeconds: null,
    megabytes: null,
    engineWarnings: null,
    problem: null,
  }
  let machine: FreshMachine | null = null
  try {
    machine = createMachine(cell, tools, work)
    await walk(machine, root, result)
  } catch (error) {
    result.problem = error instanceof Failure ? error.message : `the test itself failed: ${(error as Error).message}`
  } finally {
    machine?.remove()
  }
  return result
}

async function walk(machine: FreshMachine, root: string, result: FreshResult): Promise<void> {
  const { cell } = result
  clone(machine, root, cell)
  const install = await run(machine, ['npm', 'install'], INSTALL_MS)
  result.firstSeconds = install.seconds
  result.engineWarnings = install.output.split('EBADENGINE Unsupported engine').length - 1
  demand(install.code === 0, 'npm install fails', install.output)
  result.megabytes = megabytes(join(machine.checkout, 'node_modules'))
  demand(result.engineWarnings === 0, 'npm install warns about engines', install.output)
  await demandClean(machine, 'after npm install')
  const again = await run(machine, ['npm', 'install'], INSTALL_MS)
  result.secondSeconds = again.seconds
  demand(again.code === 0, 'the second npm install fails', again.output)
  await demandClean(machine, 'after the second npm install')
  const version = await run(machine, ['node_modules/.bin/node', '--version'], END_MS)
  demand(version.output.startsWith('v24.'), 'node_modules/.bin/node is not the project’s Node', version.output)
  const start = await run(machine, ['npm', 'start'], START_MS, {
    until: LINK,
    network: false,
    env: { STOKER_UI: 'headless' },
  })
  result.startSeconds = start.seconds
  demand(start.seen, 'npm start prints no link', start.output)
  const demo = await run(machine, ['npm', 'run', '-s', 'stoker', '--', 'demo', '--json'], DEMO_MS, { network: false })
  demand(demo.code === 0 && demo.output.includes('"jobs":20'), 'stoker demo does not sell 20 jobs', demo.output)
  await demandClean(machine, 'after the start')
}

/** As a download leaves it: the commit that HEAD is on, its files owned by who installs. */
function clone(machine: FreshMachine, root: string, cell: FreshCell): void {
  const umask = process.umask(cell.umask ? 0o077 : 0o022)
  try {
    rmSync(machine.checkout, { recursive: true, force: true })
    mkdirSync(machine.checkout, { recursive: true })
    execFileSync('git', ['clone', '--quiet', '--depth', '1', `file://${root}`, machine.checkout], {
      stdio: ['ignore', 'ignore', 'inherit'],
    })
  } finally {
    process.umask(umask)
  }
  if (cell.user) execFileSync('chown', ['-R', '--reference', machine.home, machine.checkout])
}
