/** "Measure this machine": which processes and threads are fastest for a model here. */
import { Button, Progress } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'

import type { CalibrationView, Model } from '#contract/models.ts'
import { count, tokPerS } from '#ui/format.ts'
import { errorText } from '#ui/say.ts'
import { type Column, Table } from '#ui/table.tsx'
import { moment } from '#ui/format-time.ts'

import { useCore } from '../../core-client.ts'
import { calibrationTable, setupWords } from './measured.ts'

type Row = ReturnType<typeof calibrationTable>['rows'][number]

const columns = (streams: readonly number[]): Column<Row>[] => [
  { head: 'Processes × threads', cell: (row) => `${row.processes} × ${row.threads}` },
  ...streams.map((many, index) => ({
    head: many === 1 ? 'One stream' : `${many} streams together`,
    right: true,
    cell: (row: Row) => {
      const rate = row.rates[index] ?? null
      return rate === null ? 'not tried' : tokPerS(rate)
    },
  })),
  { head: <span className="visually-hidden">Chosen</span>, right: true, cell: (row) => (row.best ? 'best' : '') },
]

function Result({ calibration, name }: { calibration: CalibrationView; name: string }) {
  const { streams, rows } = calibrationTable(calibration)
  return (
    <details className="foot">
      <summary>Measured here: {setupWords(calibration)} is best</summary>
      <div style={{ marginTop: 8 }}>
        <Table
          caption={`Speed of ${name} on this machine`}
          columns={columns(streams)}
          rows={rows}
          rowKey={(row) => `${row.processes}x${row.threads}`}
          rowClass={(row) => (row.best ? 'mine' : undefined)}
        />
      </div>
      <p style={{ marginTop: 8 }}>
        {moment(calibration.at)}, {calibration.machine}. It reads prompts at{' '}
        {tokPerS(calibration.promptTokensPerSecond)}, {count(calibration.batchTokens)} tokens at once. New deployments
        of this model begin with these.
      </p>
    </details>
  )
}

interface Measuring {
  readonly done: number
  readonly of: number
}

/** The stored measurement, and measuring anew; leaving the page stops it. */
function useMeasurement({ sha256 }: Model) {
  const { client, rpc, queries } = useCore()
  const [progress, setProgress] = useState<Measuring | null>(null)
  const cancelled = useRef<AbortController | null>(null)
  useEffect(() => () => cancelled.current?.abort(), [])
  const stored = useQuery(rpc.models.calibration.queryOptions({ input: { sha256 } }))
  const measure = useMutation({
    mutationFn: async () => {
      const mine = (cancelled.current = new AbortController())
      try {
        for await (const step of await client.models.calibrate({ sha256 }, { signal: mine.signal })) {
          if (step.kind === 'measuring') setProgress(step)
          else queries.setQueryData(rpc.models.calibration.queryKey({ input: { sha256 } }), step.calibration)
        }
      } catch (error) {
        // Stopped by the owner: nothing failed.
        if (!mine.signal.aborted) throw error
      }
    },
    onMutate: () => setProgress({ done: 0, of: 0 }),
    onSettled: () => setProgress(null),
  })
  return {
    stored: stored.data ?? null,
    progress,
    error: measure.error,
    start: () => measure.mutate(),
    stop: () => cancelled.current?.abort(),
  }
}

export function Calibration({ model }: { model: Model }) {
  const { stored, progress, error, start, stop } = useMeasurement(model)
  const name = model.name ?? model.fileName
  return (
    <>
      {stored !== null && progress === null && <Result calibration={stored} name={name} />}
      <div aria-live="polite">
        {progress !== null && (
          <>
            <Progress
              value={progress.of === 0 ? 0 : (progress.done / progress.of) * 100}
              aria-label={`measuring ${name}`}
              mt={12}
              color="var(--c2)"
            />
            <p className="foot">
              {progress.of === 0 ? 'measuring: the model is loaded' : `measuring, ${progress.done} of ${progress.of}`}
            </p>
          </>
        )}
        {error !== null && (
          <p className="banner bad" role="alert" style={{ margin: '10px 0 0' }}>
            {errorText(error)}
          </p>
        )}
      </div>
      <div className="btns" style={{ marginTop: 10 }}>
        {progress === null ? (
          <Button size="xs" variant="default" disabled={model.state !== 'ready'} onClick={start}>
            {stored === null ? 'Measure this machine' : 'Measure again'}
            <span className="visually-hidden"> with {name}</span>
          </Button>
        ) : (
          <Button size="xs" variant="default" onClick={stop} aria-label={`Stop measuring ${name}`}>
            Stop
          </Button>
        )}
        <span className="age">some ten seconds; nothing may run meanwhile</span>
      </div>
    </>
  )
}
