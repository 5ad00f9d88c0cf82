/** This machine's memory as it is shared now: what is free, what is in use, and what may be evicted. */
import type { DeploymentId } from '#contract/ids.ts'
import type { EnginesPort } from '#core/engine/engines.port.ts'

import type { DeploymentRepository } from './deployment-repository.ts'
import type { LoadedDeployments } from './loaded-deployments.ts'
import type { EvictionCandidate } from './memory-budget.ts'

export interface MachineMemory {
  engines: Pick<EnginesPort, 'inspect' | 'gpus'>
  freeBytes(): number
  candidates(): EvictionCandidate[]
  namesInUse(): string[]
}

export interface MachineMemoryDeps {
  engines: MachineMemory['engines']
  loaded: LoadedDeployments
  repository: DeploymentRepository
  /** Free main memory in bytes. */
  freeBytes(): number
}

/** Those in memory; one on remote servers uses neither cores nor memory of this machine. */
export const localIds = ({ loaded, repository }: Pick<MachineMemoryDeps, 'loaded' | 'repository'>): DeploymentId[] =>
  loaded.ids().filter((id) => (repository.find(id)?.remote ?? null) === null)

export function createMachineMemory(deps: MachineMemoryDeps): MachineMemory {
  const { engines, loaded, repository } = deps
  return {
    engines,
    freeBytes: () => deps.freeBytes(),
    candidates: () => evictionCandidates(deps),
    namesInUse: () =>
      loaded
        .ids()
        .filter(
          (id) => repository.find(id)?.remote === null && loaded.modelOf(id) !== null && loaded.idleFor(id) === null,
        )
        .map(repository.nameOfId),
  }
}

/** Least recently used first; a remote one takes no memory here. */
function evictionCandidates({ loaded, repository }: MachineMemoryDeps): EvictionCandidate[] {
  return loaded
    .ids()
    .flatMap((deploymentId) => {
      const idle = loaded.idleFor(deploymentId)
      const model = loaded.modelOf(deploymentId)
      const engine = loaded.engine(deploymentId)
      const stored = repository.find(deploymentId)
      if (idle === null || model === null || engine === null || stored === null || stored.remote !== null) return []
      const { rssBytes } = engine.stats()
      const bytes = stored.settings.gpuLayers > 0 || rssBytes === 0 ? Infinity : rssBytes
      return [{ deploymentId, idle, sha256: model.sha256, bytes }]
    })
    .toSorted((a, b) => b.idle - a.idle)
}
