/**
 * `npm run bench:ipc`: the cost of the path from an engine host to the core, without an engine. A child sends 1,000 tokens
 * a second of 16 streams through the host's own outbox and channel to the core's own table of jobs. For comparison, in
 * turn: the same child sending nothing, and one message a token. Measured: CPU of both processes together, less that of
 * the silent run, and the delay of the receiving event loop. Bars: under 3 % of one core, p99 under 20 ms. `--seconds
 * N`, `--rounds N`.
 */
import { fork } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { availableParallelism, loadavg } from 'node:os'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

import { childProcessChannel } from '#contract/channel/child-process.ts'
import type { EngineRequest } from '#contract/inference.ts'
import { createClientJobs } from '#engine/client/client-jobs.ts'
import type { EngineHostEvent } from '#engine/protocol.ts'

import { median } from './serve/maths.ts'
import { cpuModel } from './serve/proc.ts'

import type { IpcOrder, IpcReport, IpcWay } from './ipc/ipc-types.ts'

const STREAMS = 16
const TOKENS_PER_SECOND = 1_000
const LOOP_RESOLUTION_MS = 1
const CPU_BAR = 3
const LOOP_BAR_MS = 20
const WAYS: readonly IpcWay[] = ['idle', 'batched', 'each']
/** The first second of a process is its compiler's. */
const WARM_MS = 1_500

interface Seen {
  /** Of one core, both processes together. */
  cpuPercent: number
  loopP99Ms: number
  messages: number
  tokens: number
}

async function once(way: IpcWay, durationMs: number): Promise<Seen> {
  const child = fork(fileURLToPath(new URL('./ipc/ipc-child.ts', import.meta.url)), { serialization: 'advanced' })
  const channel = childProcessChannel<IpcOrder, EngineHostEvent | IpcReport>(child)
  const jobs = createClientJobs({ mono: () => performance.now(), onFinished: () => undefined })
  const request: EngineRequest = {
    messages: [],
    prompt: 'x',
    maxTokens: 1,
    sampling: { temperature: 0, topP: 1, topK: 40, minP: 0 },
    stop: [],
    ignoreEos: true,
  }
  for (let at = 0; at < STREAMS; at++) {
    jobs.add(
      `own_00000000000000000000${at}`,
      request,
      { onDelta: () => undefined, onDone: () => undefined, onError: () => undefined },
      {},
    )
  }
  let messages = 0
  let finish: (report: IpcReport) => void = () => undefined
  channel.onMessage((event) => {
    if (event.t === 'report') finish(event)
    else if (event.t === 'deltas') {
      messages += 1
      jobs.handle(event)
    }
  })
  const run = (duration: number): Promise<IpcReport> => {
    const reported = new Promise<IpcReport>((resolve) => (finish = resolve))
    channel.send({ t: 'go', way, streams: STREAMS, tokensPerSecond: TOKENS_PER_SECOND, durationMs: duration })
    return reported
  }
  await run(WARM_MS)
  messages = 0
  const delay = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS })
  delay.enable()
  const before = process.cpuUsage()
  const report = await run(durationMs)
  const { user, system } = process.cpuUsage(before)
  delay.disable()
  channel.close()
  return {
    cpuPercent: (((user + system) / 1_000 + report.cpuMs) / durationMs) * 100,
    loopP99Ms: Math.max(0, delay.percentile(99) / 1e6 - LOOP_RESOLUTION_MS),
    messages,
    tokens: report.tokens,
  }
}

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '8' }, rounds: { type: 'string', default: '3' } },
})
const durationMs = Number(values.seconds) * 1_000
const seen: Record<IpcWay, Seen[]> = { idle: [], batched: [], each: [] }
const loadBefore = loadavg()[0]!
for (let round = 0; round < Number(values.rounds); round++)
  for (const way of WAYS) seen[way].push(await once(way, durationMs))

/** Round by round, so that what else the machine did counts on both sides. */
const own = (way: IpcWay): number =>
  median(seen[way].map(({ cpuPercent }, round) => cpuPercent - seen.idle[round]!.cpuPercent))
const loop = (way: IpcWay): number => median(seen[way].map(({ loopP99Ms }) => loopP99Ms))
const rows = WAYS.map((way) => ({
  way,
  messagesPerSecond: Math.round((median(seen[way].map(({ messages }) => messages)) / durationMs) * 1_000),
  cpuPercent: own(way),
  loopP99Ms: loop(way),
}))
const result = {
  node: process.versions.node,
  cpu: cpuModel(),
  cores: availableParallelism(),
  loadBefore,
  seconds: durationMs / 1_000,
  rows,
  seen,
}
mkdirSync('bench-results', { recursive: true })
writeFileSync('bench-results/ipc.json', `${JSON.stringify(result, null, 1)}\n`)
const TITLES: Record<IpcWay, string> = { idle: 'nothing sent', batched: 'as Stoker does', each: 'one message a token' }
console.log(
  `${TOKENS_PER_SECOND} tok/s in ${STREAMS} streams; Node ${result.node}, ${result.cores} × ${result.cpu}, load ${loadBefore.toFixed(1)} before; medians of ${values.rounds} rounds\n`,
)
console.log('| way | messages a second | CPU of one core, less the silent run | event loop p99 |\n|---|---|---|---|')
for (const { way, messagesPerSecond, cpuPercent, loopP99Ms } of rows)
  console.log(`| ${TITLES[way]} | ${messagesPerSecond} | ${cpuPercent.toFixed(2)} % | ${loopP99Ms.toFixed(1)} ms |`)
const met = own('batched') < CPU_BAR && loop('batched') < LOOP_BAR_MS
console.log(`\n${met ? 'pass' : 'MISS'}: under ${CPU_BAR} % and under ${LOOP_BAR_MS} ms`)
