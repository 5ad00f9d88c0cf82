/** Import by path, or by dropping a file: the header is shown first, then the file is hashed with its progress. */
import { Button, Progress, TextInput } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useState, type DragEvent } from 'react'

import type { ModelInfo } from '#contract/models.ts'
import { count, fileSize, memory, parameters, percent } from '#ui/format.ts'
import { errorText } from '#ui/say.ts'
import { sayDone } from '#ui/notify.ts'
import { Card } from '#ui/page.tsx'

import { useCore } from '../../core-client.ts'
import { pathOfDropped } from './drop.ts'

function Header({ info }: { info: ModelInfo }) {
  return (
    <dl className="facts" style={{ marginTop: 12 }}>
      <dt>Model</dt>
      <dd>{info.name ?? info.fileName}</dd>
      <dt>Kind</dt>
      <dd>
        {info.architecture}
        {info.parameters === null ? '' : `, ${parameters(info.parameters)} parameters`}, {info.quantisation},{' '}
        {fileSize(info.sizeBytes)}
      </dd>
      <dt>Context</dt>
      <dd>{info.contextTokens === null ? 'not stated' : `${count(info.contextTokens)} tokens`}</dd>
      <dt>Memory</dt>
      <dd>
        {memory(info.memory.neededBytes)} of {memory(info.memory.freeBytes)} free:{' '}
        {info.memory.fits === 'no' ? 'does not fit' : info.memory.fits === 'tight' ? 'fits tightly' : 'fits'}
      </dd>
      <dt>Licence</dt>
      <dd>{info.licence ?? 'not stated in the file'}</dd>
    </dl>
  )
}

export function ImportCard() {
  const { client, queries } = useCore()
  const [path, setPath] = useState('')
  const [hashed, setHashed] = useState<number | null>(null)
  const [over, setOver] = useState(false)
  const inspect = useMutation({ mutationFn: (at: string) => client.models.inspect({ path: at }) })
  const add = useMutation({
    mutationFn: async (at: string) => {
      for await (const step of await client.models.import({ path: at })) {
        if (step.kind === 'hashing') setHashed(step.totalBytes === 0 ? 0 : step.doneBytes / step.totalBytes)
        else return step.model
      }
      throw new Error('The import ended without a result; try again.')
    },
    onSuccess: (model) => {
      sayDone(`${model.name ?? model.fileName} was imported.`)
      setPath('')
      inspect.reset()
      void queries.invalidateQueries({ queryKey: [['models', 'list']] })
    },
    onSettled: () => setHashed(null),
  })
  const upload = useMutation({ mutationFn: pathOfDropped, onSuccess: (at) => (setPath(at), inspect.mutate(at)) })
  const onDrop = (event: DragEvent): void => {
    event.preventDefault()
    setOver(false)
    const file = event.dataTransfer.files[0]
    if (file !== undefined) upload.mutate(file)
  }
  const error = upload.error ?? inspect.error ?? add.error
  return (
    <Card title="Import a model" aside={<span className="age">GGUF, by path or dropped here</span>}>
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- a drop target beside a field that does the same by keyboard */}
      <form
        onSubmit={(event) => (event.preventDefault(), inspect.mutate(path))}
        onDragOver={(event) => (event.preventDefault(), setOver(true))}
        onDragLeave={() => setOver(false)}
        onDrop={onDrop}
        style={{ borderRadius: 8, outline: over ? '2px dashed var(--ember)' : 'none', outlineOffset: 6 }}
      >
        <div className="btns" style={{ alignItems: 'flex-end' }}>
          <TextInput
            style={{ flex: '1 1 18rem' }}
            label="Path on the rig"
            placeholder="/models/model.gguf"
            value={path}
            onChange={(event) => (setPath(event.currentTarget.value), inspect.reset(), add.reset())}
          />
          <Button
            type="submit"
            variant="default"
            loading={inspect.isPending || upload.isPending}
            disabled={path.trim() === ''}
          >
            Read header
          </Button>
          <Button loading={add.isPending} disabled={inspect.data === undefined} onClick={() => add.mutate(path)}>
            Import
          </Button>
        </div>
      </form>
      <div aria-live="polite">
        {error !== null && (
          <p className="banner bad" role="alert" style={{ margin: '12px 0 0' }}>
            {errorText(error)}
          </p>
        )}
        {hashed !== null && (
          <>
            <Progress value={hashed * 100} aria-label="hashing" mt={12} color="var(--c2)" />
            <p className="foot">hashing, {percent(hashed, 0)}</p>
          </>
        )}
      </div>
      {inspect.data !== undefined && <Header info={inspect.data} />}
    </Card>
  )
}
