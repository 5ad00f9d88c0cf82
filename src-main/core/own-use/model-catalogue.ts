/** Pure: under which names the owner's clients find models. One entry a model, however many deployments it has. */
import type { ModelSha256 } from '#contract/ids.ts'
import type { Deployment } from '#contract/models.ts'
import type { EpochMs } from '#contract/time.ts'
import { modelName } from '#core/models/index.ts'

/** An imported file. */
export interface CatalogueModel {
  sha256: ModelSha256
  name: string | null
  fileName: string
  contextTokens: number | null
  addedAt: EpochMs
}

export type CatalogueDeployment = Pick<Deployment, 'deploymentId' | 'sha256' | 'modelName' | 'createdAt'> & {
  settings: { contextTokens: number }
}

export interface CatalogueEntry {
  id: string
  sha256: ModelSha256
  /** Newest first; none for a model that was never deployed. */
  deployments: readonly CatalogueDeployment[]
  /** Of the newest deployment, or what a first one would have at most. */
  contextTokens: number
  createdAt: EpochMs
}

/** What a deployment gets that nobody chose a context for. */
const CONTEXT_DEFAULT = 4_096

/**
 * Of two models of one name the older keeps it; the younger one gets the beginning of its hash after it, so that no
 * client changes models unasked.
 */
export function catalogue(
  models: readonly CatalogueModel[],
  deployments: readonly CatalogueDeployment[],
): { entries: CatalogueEntry[]; byName: ReadonlyMap<string, CatalogueEntry> } {
  const ofModel = Map.groupBy(
    deployments.toSorted((a, b) => b.createdAt - a.createdAt),
    ({ sha256 }) => sha256,
  )
  const known = new Set(models.map(({ sha256 }) => sha256))
  const named = [
    ...models.map((model) => {
      const own = ofModel.get(model.sha256) ?? []
      const contextTokens =
        own[0]?.settings.contextTokens ?? Math.min(model.contextTokens ?? CONTEXT_DEFAULT, CONTEXT_DEFAULT)
      const files = [model.fileName, model.fileName.replace(/\.gguf$/i, '')]
      return {
        name: modelName(model),
        sha256: model.sha256,
        deployments: own,
        contextTokens,
        createdAt: model.addedAt,
        aliases: files,
      }
    }),
    // Of remote servers: no file of ours.
    ...[...ofModel].flatMap(([sha256, own]) => {
      const oldest = own.at(-1)!
      return known.has(sha256)
        ? []
        : [
            {
              name: oldest.modelName,
              sha256,
              deployments: own,
              contextTokens: own[0]!.settings.contextTokens,
              createdAt: oldest.createdAt,
              aliases: [],
            },
          ]
    }),
  ].toSorted((a, b) => a.createdAt - b.createdAt)

  const byName = new Map<string, CatalogueEntry>()
  const entries = named.map(({ name, sha256, deployments: own, contextTokens, createdAt }) => {
    const entry: CatalogueEntry = {
      id: byName.has(name) ? `${name}@${sha256.slice(0, 8)}` : name,
      sha256,
      deployments: own,
      contextTokens,
      createdAt,
    }
    byName.set(entry.id, entry)
    return entry
  })
  named.forEach(({ aliases }, at) => {
    for (const alias of aliases) if (!byName.has(alias)) byName.set(alias, entries[at]!)
  })
  return { entries, byName }
}
