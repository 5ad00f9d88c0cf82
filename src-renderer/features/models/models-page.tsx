/** Models: what is in memory and how fast, files known by their hash, and servers elsewhere. */
import { useQuery } from '@tanstack/react-query'

import type { Deployment, Model } from '#contract/models.ts'
import { SECOND_MS } from '#contract/time.ts'
import { memory } from '#ui/format.ts'
import { Loaded } from '#ui/loaded.tsx'
import { PageHead } from '#ui/page.tsx'

import { HandBack, useCore } from '../../core-client.ts'
import { ConnectCard } from './connect-card.tsx'
import { Deployments } from './deployments.tsx'
import { ImportCard } from './import-card.tsx'
import { ModelList } from './model-list.tsx'

/** Speeds and memory change without an event. */
const REFRESH_MS = 5 * SECOND_MS

function sentenceOf(models: readonly Model[], deployments: readonly Deployment[]): string {
  const loaded = deployments.filter((deployment) => deployment.state === 'loaded')
  const [first, ...others] = loaded
  if (first !== undefined) {
    const bytes = loaded.reduce((sum, { rssBytes }) => sum + (rssBytes ?? 0), 0)
    const held = bytes === 0 ? '' : ` and ${others.length === 0 ? 'holds' : 'hold'} ${memory(bytes)}`
    return others.length === 0 ? `${first.modelName} is loaded${held}.` : `${loaded.length} models are ready${held}.`
  }
  if (models.length === 0) return 'No model yet: this rig has nothing to sell.'
  return `${models.length === 1 ? 'One model is known' : `${models.length} models are known`}, none is loaded.`
}

export function ModelsPage() {
  const { rpc } = useCore()
  const models = useQuery(rpc.models.list.queryOptions())
  const deployments = useQuery(rpc.models.deployments.queryOptions({ refetchInterval: REFRESH_MS }))
  return (
    <>
      <PageHead
        title="Models"
        sentence={models.data === undefined ? 'Reading the models.' : sentenceOf(models.data, deployments.data ?? [])}
        sub="A model is known by the SHA-256 of its file; the file stays where it is."
        actions={<HandBack />}
      />
      <Loaded query={deployments}>{(list) => <Deployments deployments={list} />}</Loaded>
      <h2 className="group">Model files</h2>
      <Loaded query={models}>{(list) => <ModelList models={list} deployments={deployments.data ?? []} />}</Loaded>
      <h2 className="group">Add a model</h2>
      <div className="grid g2" style={{ alignItems: 'start' }}>
        <ImportCard />
        <ConnectCard />
      </div>
    </>
  )
}
