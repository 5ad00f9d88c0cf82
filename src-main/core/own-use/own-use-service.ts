/** The models of the rig as the owner's clients see and use them. */
import { fail } from '#contract/errors.ts'
import type { Deployment } from '#contract/models.ts'
import type { CoreContext, DeploymentsService } from '#core/core-context.ts'

import { catalogue, type CatalogueEntry } from './model-catalogue.ts'
import type { GivenBack } from './given-back.ts'
import { catalogueModels } from './own-use.store.ts'
import type { OwnUseModel, OwnUseService } from './own-use.port.ts'

/** What own use asks of deployments. */
export interface OwnUseDeployments extends Pick<
  DeploymentsService,
  'ensureLoaded' | 'loaded' | 'allLoaded' | 'engine' | 'onChange' | 'used'
> {
  list(): Deployment[]
  /** The deployment of a model used last, or a new one, loaded. */
  deploy(sha256: string, requested: Record<string, never>): Promise<Deployment>
}

/** `stop` ends listening for changes. */
export function createOwnUseService(
  { rigDb, events }: Pick<CoreContext, 'rigDb' | 'events'>,
  deployments: OwnUseDeployments,
  givenBack: Pick<GivenBack, 'holds'>,
): OwnUseService & { stop(): void } {
  let known: ReturnType<typeof catalogue> | null = null
  const stop = events.on((topic) => {
    if (topic === 'models' || topic === 'deployments') known = null
  })
  const look = (): ReturnType<typeof catalogue> =>
    (known ??= catalogue(catalogueModels(rigDb.read), deployments.list()))

  const inMemory = (entry: CatalogueEntry): NonNullable<ReturnType<DeploymentsService['loaded']>> | null => {
    for (const { deploymentId } of entry.deployments) {
      const loaded = deployments.loaded(deploymentId)
      if (loaded !== null) return loaded
    }
    return null
  }
  const view = (entry: CatalogueEntry): OwnUseModel => {
    const loaded = inMemory(entry)
    return {
      id: entry.id,
      contextTokens: loaded?.model.contextTokens ?? entry.contextTokens,
      created: Math.floor(entry.createdAt / 1_000),
      loaded: loaded !== null,
    }
  }
  const need = (id: string): CatalogueEntry => {
    const entry = look().byName.get(id)
    if (entry === undefined) throw fail('ownUse.modelUnknown')
    return entry
  }
  /** The deployment used before, else a new one with settings chosen for this machine. */
  const load = async (entry: CatalogueEntry): Promise<string> => {
    // Clients repeat what failed for a while, and would bring back what their owner has just sent away: this answer is
    // final.
    if (givenBack.holds()) throw fail('ownUse.handedBack')
    const deploymentId = entry.deployments[0]?.deploymentId ?? null
    if (deploymentId === null) return (await deployments.deploy(entry.sha256, {})).deploymentId
    await deployments.ensureLoaded(deploymentId)
    return deploymentId
  }
  return {
    models: () =>
      look()
        .entries.map(view)
        .toSorted((a, b) => Number(b.loaded) - Number(a.loaded)),
    find(name) {
      const entry = look().byName.get(name)
      return entry === undefined ? null : view(entry)
    },
    async engine(id) {
      const entry = need(id)
      const engine = deployments.engine(inMemory(entry)?.deploymentId ?? (await load(entry)))
      if (engine === null) throw fail('ownUse.modelLeft')
      return engine
    },
    used(id) {
      const entry = look().byName.get(id)
      const loaded = entry === undefined ? null : inMemory(entry)
      if (loaded !== null) deployments.used(loaded.deploymentId)
    },
    stop,
  }
}
