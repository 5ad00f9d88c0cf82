import { useQuery } from '@tanstack/react-query'

import type { Instrument } from '#contract/ids.ts'
import type { BookView } from '#contract/market.ts'
import type { Unit } from '#contract/units.ts'
import { Age } from '#ui/age.tsx'
import { count, price, unitWord } from '#ui/format.ts'
import { Empty, Loaded } from '#ui/loaded.tsx'
import { Card } from '#ui/page.tsx'
import { type Column, Table } from '#ui/table.tsx'
import { t } from '#ui/say.ts'

import { useCore, useExchangeSeen, useUnit, useVenue } from '../../core-client.ts'

type Row = BookView['rows'][number]
/**
 * The book is sent on change only: a quiet one is as true as its connection is alive, however long ago the last change
 * was.
 */
function BookAge({ at }: { at: number }) {
  const { live, seenAt } = useExchangeSeen()
  return live ? <Age at={at} words="age.lastChange" /> : <Age at={seenAt ?? at} staleMs={0} />
}

const columns = (unit: Unit): Column<Row>[] => [
  { head: t('market.bookAsk', { unit: unitWord(unit) }), cell: (row) => price(row.ask, unit) },
  { head: t('market.sellers'), right: true, cell: (row) => count(row.suppliers) },
  { head: t('market.freeSlots'), right: true, cell: (row) => count(row.freeSlots) },
  {
    head: <span className="visually-hidden">{t('market.whose')}</span>,
    right: true,
    cell: (row) => (row.mine ? t('market.mine') : ''),
  },
]

/** Without rows while my ask stands: the book is from before it, and nobody may read that as an empty market. */
function NoRows({ listed }: { listed: boolean }) {
  return listed ? (
    <Empty title={t('market.bookLate')}>{t('market.bookLateWhy')}</Empty>
  ) : (
    <Empty title={t('market.nobody')}>{t('market.nobodyWhy')}</Empty>
  )
}

export function Book({ instrument, listed }: { instrument: Instrument; listed: boolean }) {
  const { rpc } = useCore()
  const { venueId } = useVenue()
  const unit = useUnit()
  const query = useQuery(rpc.market.book.queryOptions({ input: { venueId, instrument }, refetchInterval: 5_000 }))
  return (
    <Card title={t('market.book')} aside={query.data != null && <BookAge at={query.data.at} />}>
      <Loaded query={query}>
        {(book) =>
          book === null || book.rows.length === 0 ? (
            <NoRows listed={listed} />
          ) : (
            <>
              <Table
                caption={t('market.bookCaption')}
                columns={columns(unit)}
                rows={book.rows}
                rowKey={(row) => price(row.ask, unit)}
                rowClass={(row) => (row.mine ? 'mine' : undefined)}
              />
              <p className="foot">{t('market.bookFoot', { jobs: book.jobsLastHour, waiting: book.waiting })}</p>
            </>
          )
        }
      </Loaded>
    </Card>
  )
}
