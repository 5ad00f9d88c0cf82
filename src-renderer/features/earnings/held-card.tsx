import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'

import { holdSentence } from '#ui/hold.ts'
import { amount, short, unitWord } from '#ui/format.ts'
import { Empty, Loaded } from '#ui/loaded.tsx'
import { Card } from '#ui/page.tsx'
import { clock, moment, until } from '#ui/format-time.ts'
import { useNow } from '#ui/use-now.ts'
import { say } from '#ui/say.ts'

import { useCore, useUnit, useVenue } from '../../core-client.ts'

const SHOWN = 12

/** What is held, in the order of its release. */
export function HeldCard() {
  const { rpc } = useCore()
  const now = useNow()
  const { venueId } = useVenue()
  const unit = useUnit()
  const held = useQuery(rpc.earnings.held.queryOptions({ input: { venueId }, refetchInterval: 5_000 }))
  const instruments = useQuery(rpc.market.instruments.queryOptions({ input: { venueId } }))
  const hold = holdSentence(instruments.data?.[0]?.holdMs)
  return (
    <Card title="Held money" aside={<span className="age">{unitWord(unit)}, by release</span>}>
      <Loaded query={held}>
        {(rows) =>
          rows.length === 0 ? (
            <Empty title="Nothing is held.">{hold}</Empty>
          ) : (
            <>
              <ul className="timeline num">
                {rows
                  .toSorted((a, b) => a.releaseAt - b.releaseAt)
                  .slice(0, SHOWN)
                  .map((row) => (
                    <li key={row.jobId}>
                      <time dateTime={new Date(row.releaseAt).toISOString()} title={moment(row.releaseAt)}>
                        {clock(row.releaseAt)} <span className="age">{until(row.releaseAt, now)}</span>
                      </time>
                      <Link to="/jobs" search={{ job: row.jobId }} title={`${row.jobId}: ${say(row.reason)}`}>
                        {short(row.jobId, 12)}
                      </Link>
                      <span>{amount(row.amountNano, unit)}</span>
                    </li>
                  ))}
              </ul>
              <p className="foot">
                {rows.length > SHOWN && `And ${rows.length - SHOWN} more. `}
                {hold}
              </p>
            </>
          )
        }
      </Loaded>
    </Card>
  )
}
