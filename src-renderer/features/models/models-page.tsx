/** Models: files known by their hash, and which of them the engine holds. */
import { useQuery } from '@tanstack/react-query'

import type { Deployment, Model } from '#contract/models.ts'
import { memory } from '#ui/format.ts'
import { Loaded } from '#ui/loaded.tsx'
import { Card, PageHead } from '#ui/page.tsx'

import { useCore } from '../../core.ts'
import { Deployments } from './deployments.tsx'
import { ImportCard } from './import-card.tsx'
import { ModelList } from './model-list.tsx'

function sentenceOf(models: readonly Model[], deployments: readonly Deployment[]): string {
  if (models.length === 0) return 'No model yet: this rig has nothing to sell.'
  const loaded = deployments.find((deployment) => deployment.state === 'loaded')
  const many = models.length === 1 ? 'One model is known' : `${models.length} models are known`
  if (loaded === undefined) return `${many}, none is loaded.`
  return `${loaded.modelName} is loaded${loaded.rssBytes === null ? '' : ` and holds ${memory(loaded.rssBytes)}`}.`
}

export function ModelsPage() {
  const { rpc } = useCore()
  const models = useQuery(rpc.models.list.queryOptions())
  const deployments = useQuery(rpc.models.deployments.queryOptions())
  return (
    <>
      <PageHead
        title="Models"
        sentence={models.data === undefined ? 'Reading the models.' : sentenceOf(models.data, deployments.data ?? [])}
        sub="A model is known by the SHA-256 of its file; the file stays where it is."
      />
      <div className="stack">
        <Loaded query={models}>{(list) => <ModelList models={list} deployments={deployments.data ?? []} />}</Loaded>
        <ImportCard />
        <Card title="Deployments" aside={<span className="age">a model on the engine, with its settings</span>}>
          <Loaded query={deployments}>{(list) => <Deployments deployments={list} />}</Loaded>
        </Card>
      </div>
    </>
  )
}
