/**
 * Fake engines for tests of the core: one fake for each deployment, made when first asked for; what is measured or
 * listed is what the test says.
 */
import { StokerError } from '#contract/errors.ts'
import type { EngineGpu, EnginePort, EngineSettings, ModelInspection } from '#core/engine/engine.port.ts'
import type { Calibration, EngineKind, EnginesPort } from '#core/engine/engines.port.ts'
import { createFakeEngine } from './fake-engine.ts'

type Inspect = (path: string, settings?: Partial<EngineSettings>) => ModelInspection | Promise<ModelInspection>
type Calibrate = EnginesPort['calibrate']

export interface FakeEnginesOptions<Engine extends EnginePort> {
  /** A new engine for a deployment; a FakeEngine by default. */
  make: (deploymentId: string, kind: EngineKind) => Engine
  inspect?: Inspect
  calibrate?: Calibrate
  remoteModels?: EnginesPort['remoteModels']
}

export interface FakeEngines<Engine extends EnginePort = EnginePort> extends EnginesPort {
  /** Those not released, by deployment. */
  readonly made: ReadonlyMap<string, Engine>
  /** With which kind each was made; kept after its release. */
  readonly kinds: ReadonlyMap<string, EngineKind>
  /** Ids in the order of their release. */
  readonly released: readonly string[]
  /** How often the hosts of no deployment were ended. */
  helpersEnded: number
  /** What the next inspections say. */
  inspecting: Inspect
  /** What the engine sees; none at first. */
  seesGpus: EngineGpu[]
  calibrating: Calibrate
  listing: EnginesPort['remoteModels']
}

export const fakeInspection = (path: string): ModelInspection => ({
  fileName: path.split('/').at(-1) ?? path,
  path,
  sizeBytes: 1_000,
  architecture: 'fake',
  parameters: 1,
  quantisation: 'F32',
  contextTokens: 4_096,
  hasChatTemplate: true,
  licence: null,
  name: 'Fake model',
  memory: { neededBytes: 1_000, freeBytes: 1_000_000, fits: 'yes', method: 'fake' },
})

const fakeCalibration: Calibration = {
  settings: { processes: 1, threads: 1, batchTokens: 512, gpus: 'together' },
  promptTokensPerSecond: 1_000,
  points: [{ processes: 1, threads: 1, streams: 1, tokensPerSecond: 100 }],
  durationMs: 1,
  quiet: true,
  onGpu: false,
}

/**
 * `createFakeEngines()` serves every deployment by a FakeEngine of its own; `createFakeEngines({ make: () => one })`
 * serves all by one.
 */
export function createFakeEngines(): FakeEngines<ReturnType<typeof createFakeEngine>>
export function createFakeEngines<Engine extends EnginePort>(options: FakeEnginesOptions<Engine>): FakeEngines<Engine>
export function createFakeEngines(
  options: FakeEnginesOptions<EnginePort> = { make: () => createFakeEngine() },
): FakeEngines {
  const made = new Map<string, EnginePort>()
  const kinds = new Map<string, EngineKind>()
  const released: string[] = []
  const fake: FakeEngines = {
    made,
    kinds,
    released,
    helpersEnded: 0,
    inspecting: options.inspect ?? fakeInspection,
    seesGpus: [],
    gpus: async () => fake.seesGpus,
    calibrating: options.calibrate ?? (async () => fakeCalibration),
    listing: options.remoteModels ?? (async () => [{ id: 'fake-remote', contextTokens: 4_096 }]),
    of(deploymentId, kind) {
      const known = made.get(deploymentId)
      if (known !== undefined) return known
      const engine = options.make(deploymentId, kind)
      made.set(deploymentId, engine)
      kinds.set(deploymentId, kind)
      return engine
    },
    inspect: async (path, settings) => fake.inspecting(path, settings),
    async calibrate(model, settings, { signal, onProgress }) {
      if (signal.aborted) throw new StokerError('CANCELLED', 'The fake measurement was stopped.')
      return fake.calibrating(model, settings, { signal, onProgress })
    },
    remoteModels: async (endpoint) => fake.listing(endpoint),
    async endHelpers() {
      fake.helpersEnded += 1
    },
    async release(deploymentId) {
      const engine = made.get(deploymentId)
      made.delete(deploymentId)
      released.push(deploymentId)
      await engine?.stop()
    },
    async stop() {
      for (const engine of new Set(made.values())) await engine.stop()
      made.clear()
    },
  }
  return fake
}
