/**
 * `npm run bench:stalls`: the longest gap in one buyer's stream while another's job makes the model's chat template do
 * its worst (test/engine/host/template/template-bombs.ts). Each bomb is the template of a copy of the bundled model, in
 * an engine host of its own; the stream has no template. Beside it the gap with a harmless template, on the same machine
 * at the same time of day. Bar: 500 ms. `--rounds N`, `--only TEXT`. A host runs below all other programs; on a busy
 * machine `--nice N` (as root, below 0) gives it and this process that priority, so that what is measured is its own.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { loadavg, setPriority, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'

import type { ModelSha256 } from '#contract/ids.ts'
import { engineRequest, type EngineRequest } from '#contract/inference.ts'
import { createLocalMember, type LocalMember } from '#engine/client/engine-client.ts'
import { forkEngineChild } from '#engine/client/fork-child.ts'
import { createLog } from '#lib/log.ts'
import { systemClock } from '#lib/system-clock.ts'

import { bitesAtTheThird, BOMBS } from '../../test/engine/host/template/template-bombs.ts'
import { putTogether, scalarEntry, takeApart, textEntry, withEntries } from '../../test/support/gguf-file.ts'
import { cpuModel } from './serve/proc.ts'

const NANO = resolve(import.meta.dirname, '../../resources/models/nano.gguf')
const BAR_MS = 500
const STREAM_TOKENS = 3_500
const CONTEXT_TOKENS = 4_096
/** Of GGUF's types of values. */
const UINT32 = 4
/** The stream runs alone for so long before and after the job. */
const ALONE_MS = 300
const JOB_MS_MAX = 120_000

const { values } = parseArgs({
  options: { rounds: { type: 'string' }, only: { type: 'string' }, nice: { type: 'string' } },
})
const rounds = Number(values.rounds ?? 3)

interface Seen {
  gapMs: number
  jobMs: number
  how: string
}

const stream: EngineRequest = engineRequest.parse({
  messages: [],
  prompt: 'A stream that goes on and on.',
  maxTokens: STREAM_TOKENS,
  ignoreEos: true,
  cacheScope: 'one buyer',
})
const job: EngineRequest = engineRequest.parse({
  messages: ['a', 'b', 'c'].map((content) => ({ role: 'user', content })),
  maxTokens: 4,
  cacheScope: 'another',
})

function submitted(engine: LocalMember, id: string, request: EngineRequest, onDelta: () => void): Promise<string> {
  return new Promise((end) =>
    engine.submit(id, request, {
      onDelta,
      onDone: ({ finish }) => end(finish),
      onError: ({ message }) => end(`refused: ${message.slice(0, 110)}`),
    }),
  )
}

/** One job beside a stream; the stream begins again when it is through. */
async function once(engine: LocalMember, round: number): Promise<Seen> {
  let last = performance.now()
  let gapMs = 0
  let current = ''
  const stopping = new AbortController()
  const first = Promise.withResolvers<void>()
  const seen = (): void => {
    first.resolve()
    const now = performance.now()
    gapMs = Math.max(gapMs, now - last)
    last = now
  }
  const streams = (async () => {
    for (let turn = 0; !stopping.signal.aborted; turn += 1) {
      current = `stream-${round}-${turn}`
      const ended = await submitted(engine, current, stream, seen)
      if (ended !== 'length' && ended !== 'cancelled') throw new Error(`the stream ended: ${ended}`)
    }
  })()
  streams.catch(first.reject)
  await first.promise
  await sleep(ALONE_MS)
  last = performance.now()
  gapMs = 0
  const from = performance.now()
  const how = await Promise.race([
    submitted(engine, `job-${round}`, job, () => undefined),
    sleep(JOB_MS_MAX, 'no end within two minutes', { ref: false }),
  ])
  const jobMs = performance.now() - from
  await sleep(ALONE_MS)
  // A stream that stands still now is part of the gap.
  seen()
  stopping.abort()
  engine.cancel(current)
  await streams
  return { gapMs, jobMs, how }
}

/** Every thread: on Linux each has a priority of its own. */
function prefer(pid: number, niceness: number): void {
  for (const id of [pid, process.pid])
    for (const thread of readdirSync(`/proc/${id}/task`)) setPriority(Number(thread), niceness)
}

async function measure(template: string, folder: string): Promise<Seen[]> {
  const path = join(folder, 'model.gguf')
  const whole = takeApart(readFileSync(NANO))
  const context = Buffer.alloc(4)
  context.writeUInt32LE(CONTEXT_TOKENS)
  // Longer than it was made for: what the stream says does not matter here, only that it goes on.
  const changed = [textEntry('tokenizer.chat_template', template), scalarEntry('llama.context_length', UINT32, context)]
  writeFileSync(path, putTogether(withEntries(whole, changed)))
  const log = createLog('bench').child({}, { level: 'silent' })
  const engine = createLocalMember({ fork: forkEngineChild, clock: systemClock, log })
  try {
    const settings = { contextTokens: CONTEXT_TOKENS, slots: 2, threads: 1, gpuLayers: 0, prefixReuse: true }
    await engine.load({ path, sha256: '0'.repeat(64) as ModelSha256 }, settings)
    if (values.nice !== undefined) prefer(engine.stats().pid ?? 0, Number(values.nice))
    const all: Seen[] = []
    for (let round = 0; round < rounds; round += 1) all.push(await once(engine, round))
    return all
  } finally {
    await engine.stop()
  }
}

const folder = mkdtempSync(join(tmpdir(), 'stoker-stalls-'))
let missed = 0
try {
  console.log(`${cpuModel()}, load ${loadavg()[0]!.toFixed(1)}, ${rounds} rounds\n`)
  console.log('| template | longest gap of the stream, ms | the job ended after, ms | how |\n|---|---|---|---|')
  const cases = [['harmless', ''] as const, ...Object.entries(BOMBS).map(([name, [body]]) => [name, body] as const)]
  for (const [name, body] of cases) {
    if (values.only !== undefined && !name.includes(values.only)) continue
    const all = await measure(bitesAtTheThird(body), folder)
    const gapMs = Math.max(...all.map((one) => one.gapMs))
    if (gapMs > BAR_MS) missed += 1
    const jobMs = Math.max(...all.map((one) => one.jobMs))
    console.log(`| ${name} | ${gapMs.toFixed(0)} | ${jobMs.toFixed(0)} | ${all[0]!.how.replaceAll('\n', ' ')} |`)
  }
  console.log(`\n${missed === 0 ? 'pass' : `**miss** in ${missed}`}: no gap over ${BAR_MS} ms`)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
process.exit(missed === 0 ? 0 : 1)
