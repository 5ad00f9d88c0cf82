/**
 * `node tools/bench/bench-loop.ts [--shape tiny|mini] [--seconds 20]`: a whole `stoker serve` (core, endpoint and
 * console in one process, exchange and engine hosts below it) serves 16 streams through its own-use endpoint; the delay
 * of its event loop is taken from inside. Bar: p99 under 20 ms. Linux.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'

import { importModel } from '#cli/demo/demo-loop.ts'

import { startRig, type Rig } from '../../test/support/rig.ts'
import { startClient } from './serve/client-process.ts'
import { measure } from './serve/measure.ts'
import { cpuModel, usageOf } from './serve/proc.ts'
import { promptMaker } from './serve/bench-prompts.ts'
import { freePort } from './serve/side.ts'
import { steady } from './serve/traces.ts'
import { ensureShape } from './shapes.ts'

const STREAMS = 16
const BAR_MS = 20
const SETTINGS = { slots: STREAMS, contextTokens: 2_048, gpuLayers: 0 }
const POLL_MS = 20

interface Delay {
  p50Ms: number
  p99Ms: number
  maxMs: number
}

async function probe(rig: Rig, file: string): Promise<Delay> {
  rmSync(file, { force: true })
  process.kill(rig.pid, 'SIGUSR2')
  while (!existsSync(file)) await wait(POLL_MS)
  return JSON.parse(readFileSync(file, 'utf8')) as Delay
}

async function endpointOf(rig: Rig, file: string): Promise<{ url: string; key: string; model: string }> {
  const model = await importModel(rig.client, file)
  await rig.client.models.deploy({ sha256: model.sha256, settings: SETTINGS })
  const { key } = await rig.client.app.ownUseKey()
  const { url, problem } = await rig.client.app.setOwnUse({ enabled: true, port: await freePort() })
  if (url === null) throw new Error(`own use does not listen: ${JSON.stringify(problem)}`)
  const answer = await fetch(`${url}/models`, { headers: { authorization: `Bearer ${key}` } })
  const { data } = (await answer.json()) as { data: { id: string; loaded: boolean }[] }
  return { url: url.replace(/\/v1$/, ''), key, model: data.find(({ loaded }) => loaded)!.id }
}

const { values } = parseArgs({
  options: { shape: { type: 'string', default: 'tiny' }, seconds: { type: 'string', default: '20' } },
})
const preset = values.shape === 'mini' ? 'mini' : 'tiny'
const limitMs = Number(values.seconds) * 1_000
const dir = mkdtempSync(join(tmpdir(), 'stoker-loop-'))
const probed = join(dir, 'loop.json')
const rig = await startRig({
  dir,
  args: ['--no-practice-buyer'],
  env: {
    NODE_OPTIONS: `--import ${pathToFileURL(join(import.meta.dirname, 'loop-probe.ts')).href}`,
    STOKER_LOOP_FILE: probed,
  },
})
const client = startClient()
try {
  const to = await endpointOf(rig, ensureShape({ preset, type: 'q8_0' }))
  const make = promptMaker(1)
  const run = (seed: string, requests: number, limit: number) => {
    const asked = steady(make, seed, { requests, promptTokens: 64, maxTokens: 128 })
    return client
      .run({ ...to, concurrency: STREAMS, requests: asked, limitMs: limit })
      .then((answers) => ({ asked, answers }))
  }
  await run('warm', STREAMS, limitMs)
  await probe(rig, probed)
  await wait(5_000)
  const rest = await probe(rig, probed)
  const loadBefore = loadavg()[0]!
  const before = usageOf(rig.pid)
  // More than can be done: the run ends by its time.
  const { asked, answers } = await run('load', 5_000, limitMs)
  const after = usageOf(rig.pid)
  const loaded = await probe(rig, probed)
  const { tokPerS, problems } = measure(
    asked,
    answers.filter(({ arrivals }) => arrivals.length > 0),
    { cpuSeconds: after.cpuSeconds - before.cpuSeconds, rssMb: after.rssMb, loopDelayP99: loaded.p99Ms },
  )
  const result = {
    node: process.versions.node,
    cpu: cpuModel(),
    cores: availableParallelism(),
    loadBefore,
    shape: preset,
    streams: STREAMS,
    tokPerS,
    rest,
    loaded,
    problems,
  }
  mkdirSync('bench-results', { recursive: true })
  writeFileSync('bench-results/loop.json', `${JSON.stringify(result, null, 1)}\n`)
  console.log(
    `stoker serve, ${STREAMS} streams on ${preset}, ${tokPerS.toFixed(0)} events a second; Node ${result.node}, ${result.cores} × ${result.cpu}, load ${loadBefore.toFixed(1)} before\n`,
  )
  console.log('| event loop | p50 | p99 | longest |\n|---|---|---|---|')
  for (const [name, { p50Ms, p99Ms, maxMs }] of [
    ['at rest', rest],
    ['16 streams', loaded],
  ] as const)
    console.log(`| ${name} | ${p50Ms.toFixed(1)} ms | ${p99Ms.toFixed(1)} ms | ${maxMs.toFixed(1)} ms |`)
  console.log(
    `\n${loaded.p99Ms < BAR_MS ? 'pass' : 'MISS'}: p99 under ${BAR_MS} ms${problems.length > 0 ? `; ${problems.join(' | ')}` : ''}`,
  )
} finally {
  client.stop()
  await rig.stop()
  rmSync(dir, { recursive: true, force: true })
}
