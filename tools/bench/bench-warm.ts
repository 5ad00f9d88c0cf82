/**
 * `npm run bench:warm [-- --starts 5] [--jobs 6] [--slots 1] [--context 64] [--model FILE] [--gpu]`: how long the first
 * job after a load waits for its first token, against those after it, with an emptied shader cache at every start. Jobs
 * go through the engine's port with the priority of sold ones, one after another, each with a prompt of its own. Bar:
 * over the starts the median of the first is at most 1.5 times that of the later ones; the worst start is printed too, a
 * single measurement that any other program disturbs. Without `--gpu` on Mesa's software device.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'

import { engineRequest } from '#contract/inference.ts'
import type { ModelSha256 } from '#contract/ids.ts'
import type { EnginePort } from '#core/engine/engine.port.ts'
import { forkEngineChild } from '#engine/client/fork-child.ts'
import { createEngines } from '#engine/engines.ts'
import { createLog } from '#lib/log.ts'
import { systemClock } from '#lib/system-clock.ts'

const BAR = 1.5
const SHA = '0'.repeat(64) as ModelSha256
const NANO = resolve(import.meta.dirname, '../../resources/models/nano.gguf')
/** Where Mesa, NVIDIA's Vulkan and OpenGL driver, and CUDA keep what they compiled. */
const CACHES = ['MESA_SHADER_CACHE_DIR', '__GL_SHADER_DISK_CACHE_PATH', 'CUDA_CACHE_PATH']

const { values } = parseArgs({
  options: {
    starts: { type: 'string', default: '5' },
    jobs: { type: 'string', default: '6' },
    slots: { type: 'string', default: '1' },
    context: { type: 'string', default: '64' },
    model: { type: 'string', default: NANO },
    gpu: { type: 'boolean', default: false },
  },
})

/** Milliseconds to the first token. */
function ttft(engine: EnginePort, at: number): Promise<number> {
  const content = `What is ${10 + at} + ${20 - at}? Answer with the number only.`
  const request = engineRequest.parse({ messages: [{ role: 'user', content }], maxTokens: 6, ignoreEos: true })
  return new Promise((resolve, reject) =>
    engine.submit(`job_${at}`, request, {
      onDelta: () => undefined,
      onDone: ({ ttftMs }) => resolve(ttftMs),
      onError: ({ message }) => reject(new Error(message)),
    }),
  )
}

const median = (numbers: readonly number[]): number => numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? 0

/** One start: seconds of the load with its warm-up, and what each job waited. */
async function start(): Promise<{ device: string; loadS: number; waits: number[] }> {
  const cache = mkdtempSync(join(tmpdir(), 'stoker-shaders-'))
  for (const name of CACHES) process.env[name] = cache
  const engines = createEngines({ fork: forkEngineChild, clock: systemClock, log: createLog('bench') })
  try {
    const engine = engines.of('warm', { kind: 'local' })
    const startedAt = performance.now()
    const { device } = await engine.load(
      { path: values.model, sha256: SHA },
      {
        contextTokens: Number(values.context),
        slots: Number(values.slots),
        threads: 1,
        gpuLayers: 1_000,
        flashAttention: 'on',
        prefixReuse: false,
      },
    )
    const loadS = (performance.now() - startedAt) / 1_000
    const waits: number[] = []
    for (let at = 0; at < Number(values.jobs); at += 1) waits.push(await ttft(engine, at))
    return { device, loadS, waits }
  } finally {
    await engines.stop()
    rmSync(cache, { recursive: true, force: true })
  }
}

if (!values.gpu) {
  process.env['GGML_VK_VISIBLE_DEVICES'] = '0'
  process.env['GGML_VK_DISABLE_FUSION'] = '1'
}
const rows: { device: string; loadS: number; first: number; later: number }[] = []
console.log('| start | load and warm-up, s | first job, ms | later jobs, median ms | ratio |\n|---|---|---|---|---|')
for (let round = 1; round <= Number(values.starts); round += 1) {
  const { device, loadS, waits } = await start()
  const [first = 0, ...others] = waits
  const later = median(others)
  rows.push({ device, loadS, first, later })
  console.log(
    `| ${round} | ${loadS.toFixed(1)} | ${Math.round(first)} | ${Math.round(later)} | ${(first / later).toFixed(2)} |`,
  )
}
const firsts = median(rows.map(({ first }) => first))
const laters = median(rows.map(({ later }) => later))
const worst = Math.max(...rows.map(({ first, later }) => first / later))
console.log(
  `${rows[0]?.device ?? '?'}, ${cpus().length} × ${cpus()[0]?.model.trim() ?? '?'}, load ${loadavg()[0]?.toFixed(1)}: medians ${Math.round(firsts)} and ${Math.round(laters)} ms, ratio ${(firsts / laters).toFixed(2)} (bar ${BAR}), worst start ${worst.toFixed(2)}`,
)
process.exitCode = firsts <= BAR * laters ? 0 : 1
