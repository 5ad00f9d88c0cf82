/**
 * `npm run bench:flood`: an exchange under eight hostile sockets for a minute. Starts `exchange-entry.ts` on a fresh
 * folder, looks at it at rest, then lets `flooder.ts` at it (`--sockets N`, `--seconds N`, `--habit NAME` of its list;
 * by default each socket has another habit), and meanwhile asks `/health` ten times a second on one connection and
 * reads the resident memory. Half-way a supplier that does nothing wrong connects. Bars: p99 of `/health` ≤ 100 ms,
 * memory ≤ 64 MiB above rest, the honest one let in; misses end with exit code 1. Linux only (reads /proc).
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, get } from 'node:http'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { parseArgs } from 'node:util'

import { EXCHANGE_NODE_FLAGS } from '#server/exchange-child.ts'
import { FakeSupplier } from '#test/support/fake-supplier.ts'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    sockets: { type: 'string', default: '8' },
    habit: { type: 'string', default: 'mix' },
  },
})
const seconds = Number(values.seconds)
const P99_MS_MAX = 100
const GROWTH_MIB_MAX = 64
const LOOK_MS = 100
const REST_SECONDS = 5
if (process.platform !== 'linux') {
  console.error('npm run bench:flood reads /proc and so runs on Linux only')
  process.exit(2)
}

const agent = new Agent({ keepAlive: true, maxSockets: 1 })
/** Milliseconds until `/health` has answered; throws when it does not answer 200. */
async function health(url: string): Promise<number> {
  const began = performance.now()
  const request = get(`${url}/health`, { agent })
  const [response] = (await once(request, 'response')) as [import('node:http').IncomingMessage]
  response.resume()
  await once(response, 'end')
  if (response.statusCode !== 200) throw new Error(`/health answered ${response.statusCode}`)
  return performance.now() - began
}

const rssMib = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1_024

interface Watched {
  n: number
  p50: number
  p99: number
  worst: number
  rssMib: number
}

async function watch(url: string, pid: number, forSeconds: number): Promise<Watched> {
  const times: number[] = []
  let most = 0
  for (const until = performance.now() + forSeconds * 1_000; performance.now() < until;) {
    const took = await health(url)
    times.push(took)
    most = Math.max(most, rssMib(pid))
    await wait(Math.max(0, LOOK_MS - took))
  }
  const sorted = times.toSorted((a, b) => a - b)
  const at = (share: number): number =>
    Number(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!.toFixed(1))
  return { n: times.length, p50: at(0.5), p99: at(0.99), worst: at(1), rssMib: Math.round(most) }
}

async function line(child: ChildProcess): Promise<string> {
  let text = ''
  for await (const piece of child.stdout!) {
    text += String(piece)
    if (text.includes('\n')) return text
  }
  throw new Error('a child ended without its line')
}

const dir = mkdtempSync(join(tmpdir(), 'stoker-flood-'))
const exchange = spawn(
  process.execPath,
  [...EXCHANGE_NODE_FLAGS, 'src-main/exchange-server/exchange-entry.ts', '--data', dir, '--no-practice-buyer'],
  { stdio: ['ignore', 'pipe', 'inherit'] },
)
let failed = true
try {
  const { url } = JSON.parse(await line(exchange)) as { url: string }
  const rest = await watch(url, exchange.pid!, REST_SECONDS)
  const flooder = spawn(
    process.execPath,
    ['tools/bench/flooder.ts', '--url', url, '--sockets', values.sockets, '--habit', values.habit],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  )
  const honest = wait((seconds / 2) * 1_000).then(async () => {
    const began = performance.now()
    const supplier = await FakeSupplier.connect(url)
    const ms = Math.round(performance.now() - began)
    supplier.socket.terminate()
    return ms
  })
  const flooded = await watch(url, exchange.pid!, seconds)
  const letInMs = await honest.catch(() => null)
  flooder.stdin.end()
  const did = JSON.parse(await line(flooder)) as Record<string, unknown>
  const growth = flooded.rssMib - rest.rssMib
  const result = { node: process.versions.node, cores: cpus().length, seconds, rest, flooded, growth, letInMs, did }
  mkdirSync('bench-results', { recursive: true })
  writeFileSync('bench-results/flood.json', `${JSON.stringify(result, null, 2)}\n`)
  console.log(`${values.sockets} hostile sockets (${values.habit}) for ${seconds} s; ${cpus().length} cores\n`)
  console.log('| | /health p50 | p99 | worst | RSS at most |\n|---|---|---|---|---|')
  for (const [name, row] of [
    ['at rest', rest],
    ['flooded', flooded],
  ] as const)
    console.log(`| ${name} | ${row.p50} ms | ${row.p99} ms | ${row.worst} ms | ${row.rssMib} MiB |`)
  console.log(
    `\nRSS + ${growth} MiB; an honest supplier was let in ${letInMs === null ? 'never' : `in ${letInMs} ms`}.`,
  )
  console.table(did)
  failed = flooded.p99 > P99_MS_MAX || growth > GROWTH_MIB_MAX || letInMs === null
  if (failed) console.error('a bar is missed')
} finally {
  exchange.kill('SIGTERM')
  await Promise.race([once(exchange, 'exit'), wait(5_000)])
  exchange.kill('SIGKILL')
  agent.destroy()
  rmSync(dir, { recursive: true, force: true })
}
process.exitCode = failed ? 1 : 0
