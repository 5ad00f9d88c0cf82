/**
 * Home: one sentence on what the rig is doing and why, the three questions, money today, why (not) earning, and what
 * runs now.
 */
import { Button } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'

import type { Home } from '#contract/app.ts'
import { Age } from '#ui/age.tsx'
import { viewerZone } from '#ui/format-time.ts'
import { Skeleton, Failed } from '#ui/loaded.tsx'
import { PageHead } from '#ui/page.tsx'
import { say, sentence, t } from '#ui/say.ts'

import { HandBack, useCore, useListingSwitch, useVenue } from '../../core-client.ts'
import { Ladder } from './ladder.tsx'
import { Now } from './now.tsx'
import { CostCard, QualityCard, ReliabilityCard } from './questions.tsx'
import { Today } from './today.tsx'

function Actions({ home }: { home: Home }) {
  const listing = useListingSwitch()
  const navigate = useNavigate()
  const next = home.nextPage
  return (
    <>
      <HandBack />
      {listing.act !== null && (
        <Button variant="default" loading={listing.busy} onClick={listing.toggle} aria-keyshortcuts="Space">
          {t(listing.act === 'pause' ? 'home.pause' : 'home.resume')}{' '}
          <span className="kbd" style={{ marginLeft: 6 }}>
            {t('home.space')}
          </span>
        </Button>
      )}
      {next !== null && <Button onClick={() => void navigate({ to: `/${next}` })}>{t(`home.open.${next}`)}</Button>}
    </>
  )
}

export function HomePage() {
  const { rpc } = useCore()
  const { venueId } = useVenue()
  const query = useQuery(rpc.app.home.queryOptions({ input: { venueId, zone: viewerZone() }, refetchInterval: 15_000 }))
  const home = query.data
  if (home === undefined) {
    return (
      <>
        <PageHead title={t('home.title')} sentence={t(query.isError ? 'home.unreadable' : 'home.reading')} />
        {query.isError ? <Failed error={query.error} onRetry={() => void query.refetch()} /> : <Skeleton lines={6} />}
      </>
    )
  }
  return (
    <>
      <PageHead
        title={t('home.title')}
        sentence={sentence(home.sentence)}
        sub={
          <>
            {home.next !== null && (
              <>
                <b>{t('home.next')}</b>{' '}
                {home.nextPage === null ? say(home.next) : <Link to={`/${home.nextPage}`}>{say(home.next)}</Link>}{' '}
                ·{' '}
              </>
            )}
            <Age at={home.at} staleMs={30_000} words="age.read" />
          </>
        }
        actions={<Actions home={home} />}
      />
      <div className="grid g3">
        <CostCard home={home} />
        <QualityCard home={home} />
        <ReliabilityCard home={home} />
      </div>
      <div className="grid g21">
        <Today home={home} />
        <Ladder rungs={home.ladder} />
      </div>
      <Now />
    </>
  )
}
