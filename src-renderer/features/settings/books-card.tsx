/** Checks the books on demand: every account re-summed, every receipt verified. */
import { Button } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'

import { count } from '#ui/format.ts'
import { Failed } from '#ui/loaded.tsx'
import { Card } from '#ui/page.tsx'
import { Pill } from '#ui/pill.tsx'

import { useCore, useVenue } from '../../core-client.ts'

export function BooksCard() {
  const { client } = useCore()
  const { venueId } = useVenue()
  const check = useMutation({ mutationFn: () => client.app.ledgerCheck({ venueId }) })
  const result = check.data
  return (
    <Card
      title="Books"
      aside={
        <Button size="xs" variant="default" loading={check.isPending} onClick={() => check.mutate()}>
          Check now
        </Button>
      }
    >
      <div aria-live="polite">
        {result === undefined && !check.isError && (
          <p className="sub">Re-sums every account, verifies every receipt and compares with the exchange.</p>
        )}
        {check.isError && <Failed error={check.error} />}
        {result !== undefined && (
          <>
            <p className="num">
              <Pill tone={result.ok ? 'good' : 'bad'}>{result.ok ? 'the books agree' : 'the books do not agree'}</Pill>{' '}
              <span className="sub">
                {count(result.accounts)} accounts, {count(result.transfers)} transfers, {count(result.receipts)}{' '}
                receipts;{' '}
                {result.comparedWithExchange ? 'compared with the exchange' : 'not compared with the exchange'}
              </span>
            </p>
            <ul>
              {result.problems.map((problem) => (
                <li key={problem}>{problem}</li>
              ))}
            </ul>
          </>
        )}
      </div>
    </Card>
  )
}
