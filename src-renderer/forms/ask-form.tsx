/** My ask: what a million tokens would bring, as one types. Used by the market page and by the first run. */
import { Button, TextInput } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { useMutation, useQuery } from '@tanstack/react-query'
import { type ComponentType, Fragment, type ReactNode, useId, useRef, useState } from 'react'

import type { DeploymentId, Instrument } from '#contract/ids.ts'
import type { Listing, Quote } from '#contract/market.ts'
import { type NanoPerMtok, NANO_LIMIT, onePrice } from '#contract/money.ts'
import { editable, percent, POWER, price, rate, readNano, unitWord } from '#ui/format.ts'
import { readNumber } from '#ui/read-number.ts'
import { errorText, say, t } from '#ui/say.ts'

import { useCore } from '../connection/core-provider.tsx'
import { useUnit, useVenue } from '../connection/venue.tsx'
import { NumberReadings } from './number-readings.tsx'

/** The rows stand also while there is no figure for what is typed: no old one under a new ask, and nothing moves. */
function NoFacts() {
  return (
    <dl className="facts" style={{ margin: '14px 0 0' }}>
      {(['ask.get', 'ask.electricity', 'ask.place'] as const).map((row) => (
        <Fragment key={row}>
          <dt>{t(row)}</dt>
          <dd>{t('ask.none')}</dd>
        </Fragment>
      ))}
    </dl>
  )
}

function QuoteFacts({ quote, isOld }: { quote: Quote; isOld: boolean }) {
  const unit = useUnit()
  const word = unitWord(unit)
  return (
    <div style={isOld ? { opacity: 0.55 } : undefined} aria-busy={isOld}>
      <dl className="facts" style={{ margin: '14px 0 0' }}>
        <dt>{t('ask.get')}</dt>
        <dd>
          {t('ask.getIs', {
            price: price(quote.net, unit),
            unit: word,
            fee: percent(quote.feeBps / 10_000, 1),
          })}
        </dd>
        <dt>{t('ask.electricity')}</dt>
        <dd>
          {quote.powerNanoPerMtok === null
            ? t('ask.electricityUnknown')
            : t('money.perMillion', { price: rate(quote.powerNanoPerMtok, POWER), unit: quote.powerCurrency })}{' '}
          {quote.powerNanoPerMtok !== null && <span className="age">{quote.powerMethod}</span>}
        </dd>
        <dt>{t('ask.place')}</dt>
        <dd>
          {quote.place === null || quote.of === null
            ? t('ask.noBook')
            : quote.of <= 1
              ? t('ask.onlyAsk')
              : t('ask.placeIs', { place: quote.place, of: quote.of })}
        </dd>
      </dl>
      {quote.realm !== 'real' && <p className="foot">{t('ask.practice', { unit: word })}</p>}
      {quote.warnings.map((warning) => (
        <p key={warning.code} className="banner act" style={{ margin: '10px 0 0' }}>
          {say(warning)}
        </p>
      ))}
    </div>
  )
}

export interface AskFormProps {
  instrument: Instrument
  deploymentId: DeploymentId
  /** Where the field starts, in the unit's smallest parts per million tokens. */
  start: number
  listed: boolean
  submit?: string
  /** Where its button stands; beside the field without it. */
  bar?: ComponentType<{ children: ReactNode }>
  onListed?: (listing: Listing) => void
}

/** Why the field is refused: not clear, too large for one amount, or no number of this unit. */
function wrong(typed: string, decimals: number): string {
  const reading = readNumber(typed)
  if (reading.kind === 'ambiguous') return t('ask.which')
  if (reading.kind === 'number' && Number(reading.text) > NANO_LIMIT / 10 ** decimals) return t('ask.tooMuch')
  return t('ask.noNumber', { decimals })
}

export function AskForm({ instrument, deploymentId, start, listed, submit, bar: Bar, onListed }: AskFormProps) {
  const { client, rpc, queries } = useCore()
  const { venueId } = useVenue()
  const unit = useUnit()
  const [text, setText] = useState(editable(start, unit))
  const { nano: parsed, ask } = readNano(text, unit)
  const valid = parsed !== null && parsed > 0 && parsed <= NANO_LIMIT
  const field = useRef<HTMLInputElement>(null)
  const id = useId()
  const [asked] = useDebouncedValue(valid ? parsed : null, 120)
  const quote = useQuery({
    ...rpc.market.quote.queryOptions({
      input: { venueId, instrument, ask: onePrice((asked ?? start) as NanoPerMtok) },
      placeholderData: (before) => before,
    }),
    enabled: valid && asked !== null,
  })
  const list = useMutation({
    mutationFn: () => client.market.list({ venueId, instrument, deploymentId, ask: onePrice(parsed as NanoPerMtok) }),
    onSuccess: (listing) => {
      void queries.invalidateQueries({ queryKey: [['market']] })
      onListed?.(listing)
    },
  })
  const button = (
    <Button type="submit" form={id} loading={list.isPending} disabled={!valid}>
      {submit ?? t(listed ? 'ask.change' : 'ask.list')}
    </Button>
  )
  // A figure belongs to the ask it was worked out for; until the next one is there it stands back.
  const isOld = asked !== parsed || quote.isPlaceholderData
  const hasFacts = valid && quote.data !== undefined && (!isOld || quote.fetchStatus !== 'paused')
  return (
    <form id={id} onSubmit={(event) => (event.preventDefault(), valid && list.mutate())}>
      <div className="btns" style={{ alignItems: 'flex-end' }}>
        <TextInput
          ref={field}
          style={{ flex: '1 1 12rem', maxWidth: '22rem' }}
          label={t('ask.label', { unit: unitWord(unit) })}
          inputMode="decimal"
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
          error={text === '' || valid ? null : wrong(text, unit.scale)}
        />
        {Bar === undefined && button}
      </div>
      {Bar !== undefined && <Bar>{button}</Bar>}
      <NumberReadings
        texts={ask}
        onChoose={(typed) => {
          setText(typed)
          field.current?.focus()
        }}
      />
      <div aria-live="polite">
        {hasFacts ? <QuoteFacts quote={quote.data} isOld={isOld} /> : <NoFacts />}
        {valid && quote.isError && <p className="foot">{errorText(quote.error)}</p>}
        {list.isError && (
          <p className="banner bad" role="alert" style={{ margin: '10px 0 0' }}>
            {errorText(list.error)}
          </p>
        )}
      </div>
    </form>
  )
}
