/**
 * Stoker's side of the benchmark: a process with the very parts that `stoker serve` runs for own use — the engines
 * (with their host processes) and the endpoint — and one model in memory. The console, the books and the exchange are
 * left out; the endpoint's path to the engine is the same.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks'

import type { ModelSha256 } from '#contract/ids.ts'
import { createEndpoint } from '#endpoint/index.ts'
import { createEngines } from '#engine/engines.ts'
import { forkEngineChild } from '#engine/client/fork-child.ts'
import { systemClock } from '#lib/system-clock.ts'
import { randomIds } from '#lib/id-source.ts'
import { createLog } from '#lib/log.ts'

import { createJobGate, type JobGate } from './job-gate.ts'

import type { FromHost, ToHost } from './host-protocol.ts'

const MODEL = 'model'
// A name only: nothing here looks at what the file is.
const SHA256 = '0'.repeat(64) as ModelSha256
const LOOP_RESOLUTION_MS = 1

const clock = systemClock
const log = createLog('bench')
const ids = randomIds(() => clock.now())
const engines = createEngines({ fork: forkEngineChild, clock, log })
const delay = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS })
delay.enable()
let gate: JobGate | null = null

async function open({ file, settings }: Extract<ToHost, { t: 'open' }>): Promise<FromHost> {
  const engine = engines.of(MODEL, { kind: 'local' })
  const loaded = await engine.load({ path: file, sha256: SHA256 }, settings)
  const made = createJobGate(engine, loaded)
  gate = made
  const key = ids.secret(16)
  const model = { id: MODEL, contextTokens: loaded.contextTokens, created: 0, loaded: true }
  const service = {
    models: () => [model],
    find: (name: string) => (name === MODEL ? model : null),
    engine: () => Promise.resolve(made.engine),
    used: () => undefined,
  }
  const { url } = await createEndpoint({ clock, ids, log }).open({
    port: 0,
    accepts: (given) => given === key,
    service,
  })
  return { t: 'opened', url: url.replace(/\/v1$/, ''), key, model: MODEL, engine: loaded.engine }
}

async function answer(message: ToHost): Promise<FromHost> {
  switch (message.t) {
    case 'calibrate': {
      const signal = new AbortController().signal
      return {
        t: 'calibrated',
        calibration: await engines.calibrate({ path: message.file, sha256: SHA256 }, message.settings, {
          signal,
          onProgress: () => undefined,
        }),
      }
    }
    case 'open':
      return open(message)
    case 'deadlines':
      gate?.know(message.byPrompt)
      return { t: 'ok' }
    case 'reset-loop':
      delay.reset()
      return { t: 'ok' }
    case 'loop':
      // The monitor's own timer is part of what it measures.
      return { t: 'loop', p99Ms: Math.max(0, delay.percentile(99) / 1e6 - LOOP_RESOLUTION_MS) }
  }
}

process.on('message', (message: ToHost) => {
  void (async () => {
    try {
      process.send?.(await answer(message))
    } catch (error) {
      process.send?.({
        t: 'failed',
        message: error instanceof Error ? error.message : String(error),
      } satisfies FromHost)
    }
  })()
})
process.on('disconnect', () => {
  void engines.stop().finally(() => process.exit(0))
})
