/** Market: what is traded, who asks what, and my own ask. */
import { SegmentedControl } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'

import type { Listing } from '#contract/market.ts'
import { currencyWord, gradeName, percent, price } from '#ui/format.ts'
import { Empty, Loaded } from '#ui/loaded.tsx'
import { Card, PageHead } from '#ui/page.tsx'
import { Pill } from '#ui/pill.tsx'
import { SpecFacts } from '#ui/spec-facts.tsx'
import { duration } from '#ui/format-time.ts'
import { say } from '#ui/say.ts'

import { useCore } from '../../core-client.ts'
import { Book } from './book.tsx'
import { MyAsk } from './my-ask.tsx'

function sentenceOf(listings: readonly Listing[], currency: string): string {
  const unit = currencyWord(currency)
  const listed = listings.find((listing) => listing.state === 'listed')
  if (listed !== undefined)
    return `Selling ${gradeName(listed.instrument)} at ${price(listed.askNanoPerMtok)} ${unit} per million tokens.`
  const waiting = listings.find((listing) => listing.state === 'waiting')
  if (waiting !== undefined) return `${gradeName(waiting.instrument)} is waiting to be listed: ${say(waiting.reason)}`
  const paused = listings.find((listing) => listing.state === 'paused')
  if (paused !== undefined)
    return `${gradeName(paused.instrument)} is paused at ${price(paused.askNanoPerMtok)} ${unit} per million tokens; nothing new is sold.`
  return 'Nothing is listed: no buyer can reach this rig.'
}

export function MarketPage() {
  const { rpc } = useCore()
  const navigate = useNavigate()
  const wanted = useSearch({ from: '/market' }).grade
  const instruments = useQuery(rpc.market.instruments.queryOptions())
  const listings = useQuery(rpc.market.listings.queryOptions())
  const deployments = useQuery(rpc.models.deployments.queryOptions())
  const grades = useQuery(rpc.exams.grades.queryOptions())
  const all = instruments.data ?? []
  const chosen =
    all.find((each) => each.spec.instrument === wanted) ??
    all.find((each) => listings.data?.some((listing) => listing.instrument === each.spec.instrument)) ??
    all.find((each) => each.qualified) ??
    all[0]
  if (chosen === undefined) {
    return (
      <>
        <PageHead
          title="Market"
          sentence={
            instruments.data === undefined ? 'Reading the market.' : 'The exchange has not sent its instruments.'
          }
        />
        <Loaded query={instruments}>
          {() => (
            <Empty title="No instrument is known.">
              They come with the first connection to the exchange; Home says whether it is online.
            </Empty>
          )}
        </Loaded>
      </>
    )
  }
  const { spec } = chosen
  const listing = listings.data?.find((each) => each.instrument === spec.instrument)
  const qualified = grades.data?.find((each) => each.spec.instrument === spec.instrument)?.qualification.deploymentId
  const deploymentId =
    listing?.deploymentId ??
    qualified ??
    deployments.data?.find((each) => each.state === 'loaded')?.deploymentId ??
    deployments.data?.[0]?.deploymentId ??
    null
  return (
    <>
      <PageHead
        title="Market"
        sentence={sentenceOf(listings.data ?? [], chosen.currency)}
        sub={`Sellers who passed the same exam compete on price. The exchange keeps ${percent(chosen.feeBps / 10_000, 1)} and holds each sum for ${duration(chosen.holdMs)}.`}
      />
      <div className="btns" style={{ marginBottom: 14 }}>
        <SegmentedControl
          aria-label="Instrument"
          value={spec.instrument}
          onChange={(grade) => void navigate({ to: '/market', search: { grade } })}
          data={all.map((each) => ({ value: each.spec.instrument, label: gradeName(each.spec.instrument) }))}
        />
      </div>
      <div className="grid g2">
        <MyAsk
          instrument={chosen}
          listing={listing}
          deploymentId={deploymentId}
          ready={listings.data !== undefined && grades.data !== undefined && deployments.data !== undefined}
        />
        <Book instrument={spec.instrument} currency={chosen.currency} listed={listing?.state === 'listed'} />
      </div>
      <Card
        title={`The contract: ${spec.title}`}
        aside={
          <span className="btns">
            <Pill tone={chosen.qualified ? 'good' : 'mute'}>{chosen.qualified ? 'qualified' : 'not qualified'}</Pill>
            <span className="age">
              version {spec.version}
              {spec.provisional && ', provisional'}
            </span>
          </span>
        }
      >
        <SpecFacts spec={spec} />
        <p className="foot">{spec.caveat}</p>
      </Card>
    </>
  )
}
