/** Market: what is traded, who asks what, and my own ask. */
import { SegmentedControl } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'

import type { Listing } from '#contract/market.ts'
import type { Unit } from '#contract/units.ts'
import { gradeName, percent, price, unitWord } from '#ui/format.ts'
import { Empty, Loaded } from '#ui/loaded.tsx'
import { Card, PageHead } from '#ui/page.tsx'
import { Pill } from '#ui/pill.tsx'
import { SpecFacts } from '#ui/spec-facts.tsx'
import { duration } from '#ui/format-time.ts'
import { say, t } from '#ui/say.ts'

import { useCore, useUnit, useVenue } from '../../core-client.ts'
import { Book } from './book.tsx'
import { MyAsk } from './my-ask.tsx'
import { isStopped } from './stopped.ts'

function sentenceOf(listings: readonly Listing[], unit: Unit): string {
  const listed = listings.find((listing) => listing.state === 'listed')
  if (listed !== undefined)
    return t('market.selling', {
      grade: gradeName(listed.instrument),
      price: price(listed.ask, unit),
      unit: unitWord(unit),
    })
  const waiting = listings.find((listing) => listing.state === 'waiting')
  // Why stands at the ask, whole.
  if (waiting !== undefined && isStopped(waiting)) return t('market.stopped', { grade: gradeName(waiting.instrument) })
  if (waiting !== undefined)
    return t('market.waiting', { grade: gradeName(waiting.instrument), reason: say(waiting.reason) })
  const paused = listings.find((listing) => listing.state === 'paused')
  if (paused !== undefined)
    return t('market.paused', {
      grade: gradeName(paused.instrument),
      price: price(paused.ask, unit),
      unit: unitWord(unit),
    })
  return t('market.nothing')
}

export function MarketPage() {
  const { rpc } = useCore()
  const { venueId } = useVenue()
  const unit = useUnit()
  const navigate = useNavigate()
  const wanted = useSearch({ from: '/market' }).grade
  const instruments = useQuery(rpc.market.instruments.queryOptions({ input: { venueId } }))
  const listings = useQuery(rpc.market.listings.queryOptions({ input: { venueId } }))
  const deployments = useQuery(rpc.models.deployments.queryOptions())
  const grades = useQuery(rpc.exams.grades.queryOptions({ input: { venueId } }))
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
          title={t('market.title')}
          sentence={t(
            instruments.isError
              ? 'market.notRead'
              : instruments.data === undefined
                ? 'market.reading'
                : 'market.noInstruments',
          )}
        />
        <Loaded query={instruments}>{() => <Empty title={t('market.none')}>{t('market.noneWhy')}</Empty>}</Loaded>
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
        title={t('market.title')}
        sentence={sentenceOf(listings.data ?? [], unit)}
        sub={t('market.sub', { fee: percent(chosen.feeBps / 10_000, 1), hold: duration(chosen.holdMs) })}
      />
      <div className="btns" style={{ marginBottom: 14 }}>
        <SegmentedControl
          aria-label={t('market.instrument')}
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
        <Book instrument={spec.instrument} listed={listing?.state === 'listed'} />
      </div>
      <Card
        title={t('market.contract', { title: spec.title })}
        aside={
          <span className="btns">
            <Pill tone={chosen.qualified ? 'good' : 'mute'}>
              {t(chosen.qualified ? 'market.qualified' : 'market.notQualified')}
            </Pill>
            <span className="age">
              {t(spec.provisional ? 'market.versionProvisional' : 'market.version', { version: spec.version })}
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
