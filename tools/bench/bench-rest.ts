/**
 * `npm run bench`: what Stoker costs at rest. Starts a real `stoker serve` with no model loaded, as `npm run stoker`
 * does and for the second time on this checkout, waits until it is quiet, and reads the resident memory and the CPU time of its processes from the system over a
 * minute (`--seconds N`). Quiet means: the host that reads models' headers at the start has ended, as it does after
 * half a minute; its memory is the figure of an engine host. The reference beside it, in the same run, is a bare Node
 * process that only waits: machines differ, the ratio says more. Writes bench-results/rest.json and the table for the
 * README to standard output. Linux only (reads /proc).
 */
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'

import { childrenOf } from '../../test/support/processes.ts'
import { startRig } from '../../test/support/rig.ts'

const SETTLE_MS = 10_000
/** The host that reads headers ends after 30 s without a file. */
const QUIET_MAX_MS = 120_000
const ENGINE_HOST = 'engine/host/engine-host-entry'
/** Clock ticks a second in /proc/PID/stat (USER_HZ), 100 on every Linux this runs on. */
const TICKS_PER_SECOND = 100

interface Reading {
  rssMb: number
  cpuMs: number
}

/** Throws when the process has ended. */
function read(pid: number): Reading {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ')
  const rssKb = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0)
  return { rssMb: rssKb / 1024, cpuMs: ((Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND) * 1000 }
}

/**
 * Waits until no engine host runs; returns the memory of the last one in MB, null when there was none. Throws when one
 * stays.
 */
async function untilQuiet(parent: number): Promise<number | null> {
  let hostMb: number | null = null
  for (const until = performance.now() + QUIET_MAX_MS; performance.now() < until; await wait(1_000)) {
    const host = childrenOf(parent).find(({ command }) => command.includes(ENGINE_HOST))
    if (host === undefined) return hostMb
    try {
      hostMb = read(host.pid).rssMb
    } catch {
      // It ended between the two looks.
    }
  }
  throw new Error(`An engine host still runs after ${QUIET_MAX_MS / 1_000} s without a model; nothing was measured.`)
}

const at = process.argv.indexOf('--seconds')
const seconds = at === -1 ? 60 : Number(process.argv[at + 1])
if (process.platform !== 'linux') {
  console.error('npm run bench reads /proc and so runs on Linux only')
  process.exit(2)
}

const dir = mkdtempSync(join(tmpdir(), 'stoker-bench-'))
const idle = spawn(process.execPath, ['-e', 'setInterval(() => {}, 60000)'], { stdio: 'ignore' })
// As `npm run stoker` does it. The first start of a checkout compiles and keeps what the later ones read.
const start = {
  dir,
  args: ['--no-practice-buyer'],
  node: ['--max-semi-space-size=8', 'tools/own-node.js', 'src-main/cli/main.ts'],
}
await (await startRig(start)).stop()
const rig = await startRig(start)
try {
  await wait(SETTLE_MS)
  const hostMb = await untilQuiet(rig.pid)
  const pids: [string, number][] = [
    ['core + headless server', rig.pid],
    ...childrenOf(rig.pid).map(({ pid, command }): [string, number] => [
      command.includes('exchange-server/exchange-entry') ? 'exchange host' : command.slice(0, 60),
      pid,
    ]),
    ['reference: a bare Node that waits', idle.pid!],
  ]
  const before = pids.map(([, pid]) => read(pid))
  await wait(seconds * 1_000)
  const rows: { name: string; rssMb: number; cpuPercent: number | null }[] = pids.map(([name, pid], index) => {
    const after = read(pid)
    return {
      name,
      rssMb: Math.round(after.rssMb),
      cpuPercent: Number((((after.cpuMs - before[index]!.cpuMs) / (seconds * 1_000)) * 100).toFixed(2)),
    }
  })
  const reference = rows.at(-1)!
  if (hostMb !== null)
    rows.splice(-1, 0, {
      name: 'engine host without a model (ends after 30 s)',
      rssMb: Math.round(hostMb),
      cpuPercent: null,
    })
  const result = {
    node: process.versions.node,
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    seconds,
    rows: rows.map((row) => ({ ...row, rssRatio: Number((row.rssMb / reference.rssMb).toFixed(2)) })),
  }
  mkdirSync('bench-results', { recursive: true })
  writeFileSync('bench-results/rest.json', `${JSON.stringify(result, null, 2)}\n`)
  console.log(`At rest, no model loaded, over ${seconds} s; Node ${result.node}, ${result.cores} × ${result.cpu}\n`)
  console.log('| process | RSS | × bare Node | CPU of one core |\n|---|---|---|---|')
  for (const { name, rssMb, rssRatio, cpuPercent } of result.rows)
    console.log(`| ${name} | ${rssMb} MB | ${rssRatio} | ${cpuPercent === null ? '–' : `${cpuPercent} %`} |`)
} finally {
  await rig.stop()
  idle.kill()
  rmSync(dir, { recursive: true, force: true })
}
