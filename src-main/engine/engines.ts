/**
 * All engines of the rig: for each deployment a pool of local processes or remote endpoints, and a separate host that
 * reads the headers of files.
 */
import { fail } from '#contract/errors.ts'
import type { Clock } from '#contract/time.ts'
import type { EngineGpu, EnginePort, EngineSettings, ModelFile, ModelInspection } from '#core/engine/engine.port.ts'
import type {
  CalibrateOptions,
  Calibration,
  EngineKind,
  EnginesPort,
  RemoteEndpoint,
} from '#core/engine/engines.port.ts'
import type { Log } from '#lib/log.ts'

import { calibrate } from './calibration/calibrate.ts'
import { createLocalMember, type LocalMember } from './client/engine-client.ts'
import { sharesOf, tightest } from './inspector/inspect-each.ts'
import { createInspector, type Inspector } from './inspector/inspector.ts'
import { createPool } from './pool/pool.ts'
import { isOneEach, localKind } from './pool/local-pool.ts'
import { remoteKind } from './pool/remote-pool.ts'
import { offeredModels } from './remote/describe-server.ts'
import type { ForkedHost } from './client/supervisor.ts'

export interface EnginesDeps {
  /** Starts one engine host process. `gpu`: the only one it may see, as its backend counts them; all when null. */
  fork: (how: { gpu: number | null }) => ForkedHost
  clock: Clock
  log: Log
  /** For remote endpoints; the global one by default. */
  fetch?: typeof globalThis.fetch
}

/** Deployments with an engine at once. */
const ENGINES_MAX = 64
const ENDPOINTS_MAX = 16

class Engines implements EnginesPort {
  readonly #deps: EnginesDeps
  readonly #engines = new Map<string, EnginePort>()
  readonly #inspector: Inspector
  /** One bound to each GPU, created when first needed. */
  readonly #inspectors = new Map<number, Inspector>()
  /** Calibrations in progress; they have hosts of their own. */
  readonly #measuring = new Set<Promise<void>>()
  /** Cancels the calibrations; a new one after each use. */
  #calibrationsCancelled = new AbortController()

  constructor(deps: EnginesDeps) {
    this.#deps = deps
    this.#inspector = this.#makeInspector(null)
  }

  of(deploymentId: string, kind: EngineKind): EnginePort {
    const known = this.#engines.get(deploymentId)
    if (known !== undefined) return known
    if (this.#engines.size >= ENGINES_MAX) throw fail('engine.full', { max: ENGINES_MAX })
    const engine = this.#make(kind)
    this.#engines.set(deploymentId, engine)
    return engine
  }

  gpus(): Promise<EngineGpu[]> {
    return this.#inspector.gpus()
  }

  async inspect(path: string, settings: Partial<EngineSettings> = {}): Promise<ModelInspection> {
    const { gpus = 'together', gpuLayers = 0 } = settings
    if (!isOneEach({ gpus, gpuLayers })) return this.#inspector.inspect(path, settings)
    const shares = sharesOf(settings, await this.gpus())
    return tightest(
      await Promise.all(shares.map((share) => this.#inspectorOf(share.gpu).inspect(path, share.settings))),
    )
  }

  calibrate(model: ModelFile, settings: EngineSettings, { signal, ...call }: CalibrateOptions): Promise<Calibration> {
    const { clock, log } = this.#deps
    const measuring = calibrate(
      { make: (gpu) => this.#local(gpu), gpus: () => this.gpus(), clock, log },
      model,
      settings,
      {
        ...call,
        signal: AbortSignal.any([signal, this.#calibrationsCancelled.signal]),
      },
    )
    const ended = measuring.then(
      () => void this.#measuring.delete(ended),
      () => void this.#measuring.delete(ended),
    )
    this.#measuring.add(ended)
    return measuring
  }

  remoteModels({
    url,
    key,
  }: Pick<RemoteEndpoint, 'url' | 'key'>): Promise<{ id: string; contextTokens: number | null }[]> {
    const { clock, fetch = globalThis.fetch } = this.#deps
    return offeredModels({ url, key, clock, fetch })
  }

  async release(deploymentId: string): Promise<void> {
    const engine = this.#engines.get(deploymentId)
    this.#engines.delete(deploymentId)
    await engine?.stop()
  }

  async endHelpers(): Promise<void> {
    this.#calibrationsCancelled.abort()
    this.#calibrationsCancelled = new AbortController()
    await Promise.all([
      this.#inspector.end(),
      ...[...this.#inspectors.values()].map((inspector) => inspector.end()),
      ...this.#measuring,
    ])
  }

  async stop(): Promise<void> {
    const engines = [...this.#engines.values()]
    this.#engines.clear()
    this.#calibrationsCancelled.abort()
    const inspectors = [this.#inspector, ...this.#inspectors.values()]
    await Promise.all([
      ...engines.map((engine) => engine.stop()),
      ...inspectors.map((inspector) => inspector.stop()),
      ...this.#measuring,
    ])
  }

  #make(kind: EngineKind): EnginePort {
    const { clock, log, fetch = globalThis.fetch } = this.#deps
    if (kind.kind === 'remote' && (kind.endpoints.length === 0 || kind.endpoints.length > ENDPOINTS_MAX))
      throw fail('remote.serverCount', { max: ENDPOINTS_MAX })
    return createPool({
      kind:
        kind.kind === 'local'
          ? localKind(
              (gpu) => this.#local(gpu),
              () => this.gpus(),
            )
          : remoteKind({ pool: kind, clock, log, fetch }),
      clock,
    })
  }

  #local(gpu: number | null): LocalMember {
    const { fork, clock, log } = this.#deps
    return createLocalMember({ fork: () => fork({ gpu }), clock, log })
  }

  #makeInspector(gpu: number | null): Inspector {
    return createInspector({ make: () => this.#local(gpu), clock: this.#deps.clock })
  }

  #inspectorOf(gpu: number): Inspector {
    const known = this.#inspectors.get(gpu) ?? this.#makeInspector(gpu)
    this.#inspectors.set(gpu, known)
    return known
  }
}

/** Nothing is started before it is needed. */
export const createEngines = (deps: EnginesDeps): EnginesPort => new Engines(deps)
