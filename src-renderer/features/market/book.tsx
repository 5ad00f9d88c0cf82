import { useQuery } from '@tanstack/react-query'

import type { Instrument } from '#contract/ids.ts'
import type { BookView } from '#contract/market.ts'
import type { Unit } from '#contract/units.ts'
import { Age } from '#ui/age.tsx'
import { price } from '#ui/format.ts'
import { Empty, Loaded } from '#ui/loaded.tsx'
import { Card } from '#ui/page.tsx'
import { type Column, Table } from '#ui/table.tsx'

import { useCore, useExchangeSeen, useUnit, useVenue } from '../../core-client.ts'

type Row = BookView['rows'][number]
/**
 * The book is sent on change only: a quiet one is as true as its connection is alive, however long ago the last change
 * was.
 */
function BookAge({ at }: { at: number }) {
  const { live, seenAt } = useExchangeSeen()
  return live ? <Age at={at} prefix="last change " /> : <Age at={seenAt ?? at} staleMs={0} />
}

const columns = (unit: Unit): Column<Row>[] => [
  { head: `Ask, ${unit.name} per million`, cell: (row) => price(row.ask, unit) },
  { head: 'Sellers', right: true, cell: (row) => row.suppliers },
  { head: 'Free slots', right: true, cell: (row) => row.freeSlots },
  { head: <span className="visually-hidden">Whose</span>, right: true, cell: (row) => (row.mine ? 'mine' : '') },
]

/** Without rows while my ask stands: the book is from before it, and nobody may read that as an empty market. */
function NoRows({ listed }: { listed: boolean }) {
  return listed ? (
    <Empty title="The book has not come since your ask.">
      Your ask is listed; the exchange sends the book with its next change.
    </Empty>
  ) : (
    <Empty title="Nobody sells this grade right now.">The first ask sets the price. Buyers see it at once.</Empty>
  )
}

export function Book({ instrument, listed }: { instrument: Instrument; listed: boolean }) {
  const { rpc } = useCore()
  const { venueId } = useVenue()
  const unit = useUnit()
  const query = useQuery(rpc.market.book.queryOptions({ input: { venueId, instrument }, refetchInterval: 5_000 }))
  return (
    <Card title="The book" aside={query.data != null && <BookAge at={query.data.at} />}>
      <Loaded query={query}>
        {(book) =>
          book === null || book.rows.length === 0 ? (
            <NoRows listed={listed} />
          ) : (
            <>
              <Table
                caption="Asks, cheapest first"
                columns={columns(unit)}
                rows={book.rows}
                rowKey={(row) => price(row.ask, unit)}
                rowClass={(row) => (row.mine ? 'mine' : undefined)}
              />
              <p className="foot">
                {book.jobsLastHour} jobs bought in the last hour, {book.waiting} waiting for a free slot.
              </p>
            </>
          )
        }
      </Loaded>
    </Card>
  )
}
