import { Button } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'

import type { Model } from '#contract/models.ts'
import { count, fileSize, memory, parameters } from '#ui/format.ts'
import { Empty, Loaded } from '#ui/loaded.tsx'
import { errorText } from '#ui/say.ts'
import { PageHead } from '#ui/page.tsx'

import { useCore } from '../../core-client.ts'
import { chosenModel } from './chosen.ts'
import { MainAct } from './main-act.tsx'

function Choice({ model, on, onChoose }: { model: Model; on: boolean; onChoose: () => void }) {
  const fits = { yes: 'fits', tight: 'fits tightly', no: 'does not fit' }[model.memory.fits]
  return (
    <label className="choice" data-on={on}>
      <input
        type="radio"
        name="model"
        className="visually-hidden"
        checked={on}
        disabled={model.memory.fits === 'no' || model.state !== 'ready'}
        onChange={onChoose}
      />
      <b>
        {model.name ?? model.fileName}
        {model.bundled && <span className="age"> bundled</span>}
      </b>
      <span className="sub">
        {model.architecture}
        {model.parameters === null ? '' : `, ${parameters(model.parameters)} parameters`}, {model.quantisation},{' '}
        {fileSize(model.sizeBytes)}
        {model.contextTokens === null ? '' : `, context ${count(model.contextTokens)}`}
      </span>
      <span className="sub">
        needs {memory(model.memory.neededBytes)} of {memory(model.memory.freeBytes)} free: {fits}
      </span>
    </label>
  )
}

function Choose({ models, onNext }: { models: readonly Model[]; onNext: () => void }) {
  const { client, queries } = useCore()
  const [picked, setPicked] = useState<Model['sha256'] | null>(null)
  const chosen = chosenModel(models, picked)
  const load = useMutation({
    mutationFn: (sha256: Model['sha256']) => client.models.deploy({ sha256 }),
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: [['models']] })
      onNext()
    },
  })
  if (models.length === 0) {
    return (
      <Empty title="No model is known yet." action={<Link to="/models">Import a model</Link>}>
        The bundled model appears here within seconds of the first start. Or import a GGUF file of your own, then come
        back: the first run goes on where it was.
      </Empty>
    )
  }
  return (
    <>
      <div className="choices" role="radiogroup" aria-label="Model">
        {models.map((model) => (
          <Choice
            key={model.sha256}
            model={model}
            on={model.sha256 === chosen}
            onChoose={() => setPicked(model.sha256)}
          />
        ))}
      </div>
      {load.isError && (
        <p className="banner bad" role="alert" style={{ marginTop: 14 }}>
          {errorText(load.error)}
        </p>
      )}
      <MainAct>
        <Button
          loading={load.isPending}
          disabled={chosen === null}
          onClick={() => chosen !== null && load.mutate(chosen)}
        >
          Use this model
        </Button>
        {load.isPending && <span className="sub">Loading it into the engine.</span>}
      </MainAct>
      <p className="sub" style={{ marginTop: 14 }}>
        <Link to="/models">Import another</Link>
      </p>
    </>
  )
}

export function ModelStep({ onNext }: { onNext: () => void }) {
  const { rpc } = useCore()
  // The bundled model is registered seconds after a cold start: until something can be chosen the list is read again.
  const models = useQuery(
    rpc.models.list.queryOptions({
      refetchInterval: (query) => (chosenModel(query.state.data ?? [], null) === null ? 1_000 : false),
    }),
  )
  return (
    <>
      <PageHead
        title="First run: model"
        sentence="A model is what you sell the work of."
        sub="The bundled one is tiny and made for this: it shows the machinery, not intelligence. Your own GGUF files work the same way."
      />
      <Loaded query={models}>{(list) => <Choose models={list} onNext={onNext} />}</Loaded>
    </>
  )
}
