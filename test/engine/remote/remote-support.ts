/** Engines over scripted servers, ended and forgotten after each test. */
import { afterEach } from 'vitest'

import type { Clock } from '#contract/time.ts'
import type { EnginePort } from '#core/engine/engine.port.ts'
import { createEngines } from '#engine/engines.ts'
import type { EnginesPort } from '#core/engine/engines.port.ts'
import { systemClock } from '#lib/system-clock.ts'
import { createLog } from '#lib/log.ts'
import { FakeOpenAiServer } from '#test/support/fake-openai-server.ts'

import { SHA } from '../engine-support.ts'

export const FILE = { path: '', sha256: SHA }
export const SETTINGS = { contextTokens: 512, slots: 2, threads: 1, gpuLayers: 0, prefixReuse: true }
/** Whatever was logged, of every level. */
export const logged: string[] = []
const servers: FakeOpenAiServer[] = []
const made: EnginesPort[] = []
const log = createLog('test').child({}, { level: 'silent' })
for (const level of ['info', 'warn', 'error', 'debug'] as const)
  log[level] = (...parts: unknown[]) => void logged.push(JSON.stringify(parts))

afterEach(async () => {
  await Promise.all(made.splice(0).map((engines) => engines.stop()))
  await Promise.all(servers.splice(0).map((server) => server.kill()))
})

/** An engine of nothing but endpoints. */
export function enginesWithoutHosts(clock: Clock = systemClock): EnginesPort {
  const engines = createEngines({
    clock,
    log,
    fork: () => {
      throw new Error('nothing local here')
    },
  })
  made.push(engines)
  return engines
}

export async function start(
  script?: (server: FakeOpenAiServer) => void,
  tls?: { cert: string; key: string },
): Promise<FakeOpenAiServer> {
  const server = await FakeOpenAiServer.start(tls)
  servers.push(server)
  script?.(server)
  return server
}

export function engineOver(
  over: readonly { url: string; key?: string | null }[],
  clock?: Clock,
  slots = 2,
  model = 'fake-model',
): EnginePort {
  const endpoints = over.map((each) => ({
    url: each.url,
    key: each instanceof FakeOpenAiServer ? null : (each.key ?? null),
    slots,
  }))
  return enginesWithoutHosts(clock).of('d1', { kind: 'remote', model, contextTokens: 512, endpoints })
}

export async function loaded(over: readonly FakeOpenAiServer[], clock?: Clock, slots?: number): Promise<EnginePort> {
  const engine = engineOver(over, clock, slots)
  await engine.load(FILE, SETTINGS)
  return engine
}
