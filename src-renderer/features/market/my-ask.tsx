import { Button } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'

import type { GradeSpec } from '#contract/grades.ts'
import type { DeploymentId } from '#contract/ids.ts'
import type { Listing } from '#contract/market.ts'
import type { Reason } from '#contract/reasons.ts'
import { Age } from '#ui/age.tsx'
import { suggestedAsk } from '#ui/ask.ts'
import { Skeleton, Empty } from '#ui/loaded.tsx'
import { sayDone, sayError } from '#ui/notify.ts'
import { Card } from '#ui/page.tsx'
import { Pill, type Tone } from '#ui/pill.tsx'
import { clock } from '#ui/format-time.ts'
import { sentence, t } from '#ui/say.ts'

import { useCore, useUnit, useVenue } from '../../core-client.ts'
import { AskForm } from '../../forms.ts'
import { isStopped } from './stopped.ts'

const TONES: Readonly<Record<Listing['state'], Tone>> = {
  listed: 'good',
  paused: 'warn',
  waiting: 'hot',
  refused: 'bad',
}

function Acts({ listing }: { listing: Listing }) {
  const { client, queries } = useCore()
  const paused = listing.state === 'paused'
  const refresh = (): void => void queries.invalidateQueries({ queryKey: [['market']] })
  const change = useMutation({
    mutationFn: () =>
      client.market[paused ? 'resume' : 'pause']({ venueId: listing.venueId, instrument: listing.instrument }),
    onError: (error) => sayError(t('market.notChanged'), error),
    onSettled: refresh,
  })
  const relist = useMutation({
    mutationFn: () => client.market.relist({ venueId: listing.venueId, instrument: listing.instrument }),
    onError: (error) => sayError(t('market.notRelisted'), error),
    onSettled: refresh,
  })
  const withdraw = useMutation({
    mutationFn: () => client.market.withdraw({ venueId: listing.venueId, instrument: listing.instrument }),
    onSuccess: () => sayDone(t('market.withdrawn')),
    onError: (error) => sayError(t('market.notWithdrawn'), error),
    onSettled: refresh,
  })
  return (
    <div className="btns" style={{ marginTop: 14 }}>
      {listing.state !== 'refused' && (
        <Button variant="default" size="xs" loading={change.isPending} onClick={() => change.mutate()}>
          {t(paused ? 'market.resume' : 'market.pause')}
        </Button>
      )}
      {isStopped(listing) && (
        <Button variant="default" size="xs" loading={relist.isPending} onClick={() => relist.mutate()}>
          {t('market.relist')}
        </Button>
      )}
      <Button variant="default" size="xs" loading={withdraw.isPending} onClick={() => withdraw.mutate()}>
        {t('market.withdraw')}
      </Button>
    </div>
  )
}

/** The core's reason begins with the count that stands before it here. */
function withoutCount(why: Reason): Reason {
  const inner = why.params['why']
  return why.code === 'capacity.some' && typeof inner === 'object' ? inner : why
}

/** How much is really offered, and what is still being finished. */
function Capacity({ listing: { state, slots, slotsMax, slotsWhy, draining } }: { listing: Listing }) {
  return (
    <>
      {state === 'listed' && slotsWhy !== null && (
        <p className="sub" style={{ marginBottom: 10 }}>
          <b>{t('market.slots', { slots, of: slotsMax })}</b> {sentence(withoutCount(slotsWhy))}
        </p>
      )}
      {draining !== null && (
        <output className="sub" style={{ display: 'block', marginBottom: 10 }}>
          {t('market.draining', { jobs: draining.jobs, clock: clock(draining.until) })}
        </output>
      )}
    </>
  )
}

export interface MyAskProps {
  instrument: { spec: GradeSpec; qualified: boolean; whyNot: Reason | null }
  listing: Listing | undefined
  deploymentId: DeploymentId | null
  ready: boolean
}

export function MyAsk({ instrument: { spec, qualified, whyNot }, listing, deploymentId, ready }: MyAskProps) {
  const { rpc } = useCore()
  const { venueId } = useVenue()
  const unit = useUnit()
  const book = useQuery(rpc.market.book.queryOptions({ input: { venueId, instrument: spec.instrument } }))
  return (
    <Card
      title={t('market.myAsk')}
      aside={
        listing !== undefined && (
          <span className="btns">
            <Pill tone={TONES[listing.state]}>{t(`market.state.${listing.state}`)}</Pill>
            <Age at={listing.since} words="age.since" />
          </span>
        )
      }
    >
      {listing !== undefined && (
        <p className="sub" style={{ marginBottom: 10 }}>
          {sentence(listing.reason)}
        </p>
      )}
      {listing !== undefined && <Capacity listing={listing} />}
      {!ready || book.isLoading ? (
        <Skeleton lines={4} />
      ) : !qualified && listing === undefined ? (
        <Empty
          title={t('market.mayNot')}
          action={
            <Link to="/exam" search={{ grade: spec.instrument }}>
              {t('market.openExam')}
            </Link>
          }
        >
          {whyNot === null ? t('market.examFirst') : sentence(whyNot)}
        </Empty>
      ) : deploymentId === null ? (
        <Empty title={t('market.noModel')} action={<Link to="/models">{t('market.openModels')}</Link>}>
          {t('market.noModelWhy')}
        </Empty>
      ) : (
        <AskForm
          key={spec.instrument}
          instrument={spec.instrument}
          deploymentId={deploymentId}
          start={listing?.ask.output ?? suggestedAsk(book.data ?? null, unit)}
          // A paused one sells again with its new ask: that is more than a change.
          listed={listing !== undefined && listing.state !== 'paused'}
        />
      )}
      {listing !== undefined && <Acts listing={listing} />}
    </Card>
  )
}
