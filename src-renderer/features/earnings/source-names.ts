/** What the sources of income are called: grades by their own names, models and deployments by those of the lists. */
import { useQuery } from '@tanstack/react-query'
import { useMemo } from 'react'

import type { IncomeKey } from '#contract/earnings.ts'
import { gradeName, short } from '#ui/format.ts'

import { useCore } from '../../core-client.ts'

export const KEY_WORDS: Readonly<Record<IncomeKey, string>> = {
  instrument: 'grade',
  model: 'model',
  deployment: 'deployment',
}

const ID_LETTERS = 12

/** A name for every source; what is in no list any more is called by its id. */
export function sourceNames(
  by: IncomeKey,
  models: readonly { sha256: string; name: string | null; fileName: string; quantisation: string }[],
  deployments: readonly { deploymentId: string; modelName: string }[],
): (source: string) => string {
  if (by === 'instrument') return gradeName
  const names =
    by === 'model'
      ? new Map(models.map((model) => [model.sha256, `${model.name ?? model.fileName} ${model.quantisation}`]))
      : new Map(
          deployments.map(({ deploymentId, modelName }) => [
            deploymentId,
            `${modelName} (${short(deploymentId, ID_LETTERS)})`,
          ]),
        )
  // A job of a restored database is known by its receipt, which names no deployment.
  return (source) => names.get(source) ?? (source === '' ? 'not known' : short(source, ID_LETTERS))
}

export function useSourceNames(by: IncomeKey): (source: string) => string {
  const { rpc } = useCore()
  const models = useQuery(rpc.models.list.queryOptions({ enabled: by === 'model' }))
  const deployments = useQuery(rpc.models.deployments.queryOptions({ enabled: by === 'deployment' }))
  return useMemo(() => sourceNames(by, models.data ?? [], deployments.data ?? []), [by, models.data, deployments.data])
}
