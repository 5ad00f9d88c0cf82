/** My ask: what a million tokens would bring, as one types. Used by the market page and by the first run. */
import { Button, TextInput } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useState } from 'react'

import type { DeploymentId, Instrument } from '#contract/ids.ts'
import type { Listing, Quote } from '#contract/market.ts'
import { type NanoPerMtok, NANO_LIMIT, onePrice } from '#contract/money.ts'
import { editable, parseAmount, percent, POWER, price, rate } from '#ui/format.ts'
import { errorText } from '#ui/loaded.tsx'

import { useCore } from '../connection/core-provider.tsx'
import { useUnit, useVenue } from '../connection/venue.tsx'

/** Ordinal of a place in the book. */
export const ordinal = (n: number): string =>
  `${n}${n % 100 >= 11 && n % 100 <= 13 ? 'th' : (['th', 'st', 'nd', 'rd'][n % 10] ?? 'th')}`

function QuoteFacts({ quote }: { quote: Quote }) {
  const unit = useUnit()
  return (
    <>
      <dl className="facts" style={{ margin: '14px 0 0' }}>
        <dt>You get</dt>
        <dd>
          <b>{price(quote.net, unit)}</b> {unit.name} per million tokens, after the exchange's{' '}
          {percent(quote.feeBps / 10_000, 1)}
        </dd>
        <dt>Electricity</dt>
        <dd>
          {quote.powerNanoPerMtok === null
            ? 'not known before a job has run'
            : `${rate(quote.powerNanoPerMtok, POWER)} ${quote.powerCurrency} per million tokens`}{' '}
          {quote.powerNanoPerMtok !== null && <span className="age">{quote.powerMethod}</span>}
        </dd>
        <dt>Place</dt>
        <dd>
          {quote.place === null || quote.of === null
            ? 'no book yet'
            : quote.of <= 1
              ? 'the only ask'
              : `${ordinal(quote.place)} of ${quote.of}, cheapest first`}
        </dd>
      </dl>
      {quote.realm !== 'real' && (
        <p className="foot">Real electricity stands beside {unit.name} and is never taken off them.</p>
      )}
      {quote.warnings.map((warning) => (
        <p key={warning} className="banner act" style={{ margin: '10px 0 0' }}>
          {warning}
        </p>
      ))}
    </>
  )
}

export interface AskFormProps {
  instrument: Instrument
  deploymentId: DeploymentId
  /** Where the field starts, in the unit's smallest parts per million tokens. */
  start: number
  listed: boolean
  submit?: string
  onListed?: (listing: Listing) => void
}

export function AskForm({ instrument, deploymentId, start, listed, submit, onListed }: AskFormProps) {
  const { client, rpc, queries } = useCore()
  const { venueId } = useVenue()
  const unit = useUnit()
  const [text, setText] = useState(editable(start, unit))
  const parsed = parseAmount(text, unit)
  const valid = parsed !== null && parsed > 0 && parsed <= NANO_LIMIT
  const [asked] = useDebouncedValue(valid ? parsed : start, 120)
  const quote = useQuery(
    rpc.market.quote.queryOptions({
      input: { venueId, instrument, ask: onePrice(asked as NanoPerMtok) },
      placeholderData: (before) => before,
    }),
  )
  const list = useMutation({
    mutationFn: () => client.market.list({ venueId, instrument, deploymentId, ask: onePrice(parsed as NanoPerMtok) }),
    onSuccess: (listing) => {
      void queries.invalidateQueries({ queryKey: [['market']] })
      onListed?.(listing)
    },
  })
  return (
    <form onSubmit={(event) => (event.preventDefault(), valid && list.mutate())}>
      <div className="btns" style={{ alignItems: 'flex-end' }}>
        <TextInput
          style={{ flex: '1 1 12rem', maxWidth: '22rem' }}
          label={`My ask, ${unit.name} per million tokens`}
          inputMode="decimal"
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
          error={text !== '' && !valid ? `A number above 0, with at most ${unit.scale} decimals.` : null}
        />
        <Button type="submit" loading={list.isPending} disabled={!valid}>
          {submit ?? (listed ? 'Change ask' : 'List')}
        </Button>
      </div>
      <div aria-live="polite">
        {quote.data !== undefined && <QuoteFacts quote={quote.data} />}
        {quote.isError && <p className="foot">{errorText(quote.error)}</p>}
        {list.isError && (
          <p className="banner bad" role="alert" style={{ margin: '10px 0 0' }}>
            {errorText(list.error)}
          </p>
        )}
      </div>
    </form>
  )
}
