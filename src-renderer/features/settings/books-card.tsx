/** Checks the books on demand: every account re-summed, every receipt verified. */
import { Button } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useState } from 'react'

import { count } from '#ui/format.ts'
import { Failed } from '#ui/loaded.tsx'
import { Card } from '#ui/page.tsx'
import { Pill } from '#ui/pill.tsx'

import { useCore, useVenue } from '../../core-client.ts'

const PROGRESS_EVERY_MS = 500

/** What the check is at, while it runs. */
function Progress() {
  const { rpc } = useCore()
  const { venueId } = useVenue()
  const progress = useQuery(
    rpc.app.ledgerProgress.queryOptions({
      input: { venueId },
      refetchInterval: PROGRESS_EVERY_MS,
      staleTime: 0,
      gcTime: 0,
    }),
  ).data
  if (progress === undefined || progress === null) return <p className="sub">Checking.</p>
  const rows = progress.of === 0 ? '' : `: ${count(progress.done)} of ${count(progress.of)}`
  return <p className="sub num">{`Checking ${progress.part}${rows}.`}</p>
}

export function BooksCard() {
  const { client } = useCore()
  const { venueId } = useVenue()
  const [cancelled, setCancelled] = useState<AbortController | null>(null)
  const check = useMutation({
    mutationFn: ({ signal }: AbortController) => client.app.ledgerCheck({ venueId }, { signal }),
  })
  const begin = (): void => {
    const next = new AbortController()
    setCancelled(next)
    check.mutate(next)
  }
  const isCalledOff = check.isError && cancelled?.signal.aborted === true
  const result = check.data
  return (
    <Card
      title="Books"
      aside={
        check.isPending ? (
          <Button size="xs" variant="default" onClick={() => cancelled?.abort()}>
            Stop
          </Button>
        ) : (
          <Button size="xs" variant="default" onClick={begin}>
            Check now
          </Button>
        )
      }
    >
      <div aria-live="polite">
        {check.isPending && <Progress />}
        {isCalledOff && <p className="sub">The check was stopped; nothing was found out.</p>}
        {check.isIdle && (
          <p className="sub">Re-sums every account, verifies every receipt and compares with the exchange.</p>
        )}
        {check.isError && !isCalledOff && <Failed error={check.error} />}
        {result !== undefined && (
          <>
            <p className="num">
              <Pill tone={result.ok ? 'good' : result.problems.length > 0 ? 'bad' : 'warn'}>
                {result.ok
                  ? 'the books agree'
                  : result.problems.length > 0
                    ? 'the books do not agree'
                    : 'not all could be compared'}
              </Pill>{' '}
              <span className="sub">
                {count(result.accounts)} accounts, {count(result.transfers)} transfers, {count(result.receipts)}{' '}
                receipts;{' '}
                {result.comparedWithExchange ? 'compared with the exchange' : 'not compared with the exchange'}
              </span>
            </p>
            <ul>
              {[...result.problems, ...result.notCompared].map((line) => (
                <li key={line}>{line}</li>
              ))}
            </ul>
          </>
        )}
      </div>
    </Card>
  )
}
