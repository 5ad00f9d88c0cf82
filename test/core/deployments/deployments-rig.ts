/** Models and deployments on a real rig.db with fake engines. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import type { Hardware } from '#contract/app.ts'
import { createDeployments, type DeploymentsHooks } from '#core/deployments/index.ts'
import { createModels } from '#core/models/index.ts'
import type { RigContext } from '#test/support/rig-context.ts'

import type { FakeModelEngines } from './fake-deployment-engine.ts'

export const machine: Hardware = {
  hostname: 'h',
  os: 'o',
  cpu: 'Fake CPU 9',
  cores: 8,
  memoryBytes: 1,
  memoryFreeBytes: 1,
  gpus: [],
  devices: [],
  notes: [],
  at: 0,
}

export interface StartOptions extends Partial<DeploymentsHooks> {
  hardware?: () => Hardware
}

/** Nothing is measured on deploy and nothing fits without asking the engine, unless a test says so. */
export function startDeployments(
  rig: RigContext,
  engines: FakeModelEngines,
  { hardware = () => machine, ...hooks }: StartOptions = {},
) {
  const stale = { count: 0 }
  const models = createModels(
    { ...rig, engines, bundledModelsDir: join(rig.dataDir, 'none') },
    {
      inUse: (sha256) => deployments.modelInUse(sha256),
      loaded: (sha256) => deployments.modelLoaded(sha256),
      removeOther: (sha256) => deployments.removeRemote(sha256),
      freeBytes: () => 1e10,
    },
  )
  const deployments = createDeployments(
    { ...rig, engines },
    { models, hardware: { current: () => Promise.resolve(hardware()), stale: () => void (stale.count += 1) } },
    { inUse: () => null, calibrateOnDeploy: false, freeBytes: () => 0, ...hooks },
  )
  return { models, deployments, stale, dataDir: rig.dataDir }
}
export type Started = ReturnType<typeof startDeployments>

/** Imports a file of these bytes. */
export async function addModel(
  { models, dataDir }: Started,
  name: string,
  bytes: string | Buffer = name,
): Promise<string> {
  const path = join(dataDir, name)
  writeFileSync(path, bytes)
  for await (const step of models.import(path)) if (step.kind === 'done') return step.model.sha256
  throw new Error('no model')
}
