import { Button } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'

import type { Deployment, Model } from '#contract/models.ts'
import { count, fileSize, memory, parameters, short } from '#ui/format.ts'
import { Card } from '#ui/page.tsx'
import { Empty } from '#ui/loaded.tsx'
import { sayDone, sayError } from '#ui/notify.ts'
import { Pill, type Tone } from '#ui/pill.tsx'

import { useCore } from '../../core-client.ts'
import { Calibration } from './calibration.tsx'
import { LoadForm } from './load-form.tsx'

const FITS: Readonly<Record<Model['memory']['fits'], [Tone, string]>> = {
  yes: ['good', 'fits'],
  tight: ['warn', 'fits tightly'],
  no: ['bad', 'does not fit'],
}
const STATES: Readonly<Record<Model['state'], [Tone, string] | null>> = {
  ready: null,
  missing: ['bad', 'file missing'],
  changed: ['bad', 'file changed'],
}

/** What the header says, as facts in a fixed order. */
function facts(model: Model): [string, string][] {
  return [
    ['File', `${model.fileName}, ${fileSize(model.sizeBytes)}`],
    [
      'Architecture',
      `${model.architecture}${model.parameters === null ? '' : `, ${parameters(model.parameters)} parameters`}, ${model.quantisation}`,
    ],
    [
      'Context',
      model.contextTokens === null
        ? 'not stated'
        : `${count(model.contextTokens)} tokens${model.hasChatTemplate ? ', chat template in the file' : ', no chat template'}`,
    ],
    [
      'Memory',
      `${memory(model.memory.neededBytes)} needed, ${memory(model.memory.freeBytes)} free (${model.memory.method})`,
    ],
    ['Licence', model.licence ?? 'not stated in the file'],
    ['SHA-256', short(model.sha256, 16)],
  ]
}

function ModelCard({ model, loaded }: { model: Model; loaded: boolean }) {
  const { client, queries } = useCore()
  const refresh = (): void => void queries.invalidateQueries({ queryKey: [['models']] })
  const remove = useMutation({
    mutationFn: () => client.models.remove({ sha256: model.sha256 }),
    onSuccess: () => (sayDone('Removed from the list; the file was not touched.'), refresh()),
    onError: (error) => sayError('The model was not removed', error),
  })
  const [tone, word] = FITS[model.memory.fits]
  const state = STATES[model.state]
  return (
    <Card
      title={model.name ?? model.fileName}
      aside={
        <span className="btns">
          {loaded && <Pill tone="good">loaded</Pill>}
          {model.bundled && <Pill tone="mute">bundled</Pill>}
          {state !== null && <Pill tone={state[0]}>{state[1]}</Pill>}
          <Pill tone={tone}>{word}</Pill>
        </span>
      }
    >
      <dl className="facts">
        {facts(model).map(([name, value]) => [
          <dt key={`${name}t`}>{name}</dt>,
          <dd key={name} {...(name === 'SHA-256' ? { title: model.sha256, className: 'mono' } : {})}>
            {value}
          </dd>,
        ])}
      </dl>
      {model.card !== null && (
        <details className="foot">
          <summary>Model card: how it was made and measured</summary>
          <div className="answer">{model.card}</div>
        </details>
      )}
      <Calibration model={model} />
      <LoadForm model={model} loaded={loaded}>
        {model.bundled ? undefined : (
          <Button
            size="xs"
            variant="default"
            loading={remove.isPending}
            disabled={loaded}
            onClick={() => remove.mutate()}
          >
            Remove from list
          </Button>
        )}
      </LoadForm>
    </Card>
  )
}

export function ModelList({ models, deployments }: { models: readonly Model[]; deployments: readonly Deployment[] }) {
  if (models.length === 0) {
    return (
      <Card label="Models">
        <Empty title="No model is known yet.">
          Give the path of a GGUF file below. Its header is read first; nothing is loaded until you say so.
        </Empty>
      </Card>
    )
  }
  return (
    <div className={models.length === 1 ? 'grid' : 'grid g2'} style={{ alignItems: 'start' }}>
      {models.map((model) => (
        <ModelCard
          key={model.sha256}
          model={model}
          loaded={deployments.some((deployment) => deployment.sha256 === model.sha256 && deployment.state === 'loaded')}
        />
      ))}
    </div>
  )
}
