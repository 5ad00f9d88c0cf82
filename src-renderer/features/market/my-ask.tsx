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
import { say, sentence } from '#ui/say.ts'

import { AskForm, useCore } from '../../core-client.ts'

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
    mutationFn: () => client.market[paused ? 'resume' : 'pause']({ instrument: listing.instrument }),
    onError: (error) => sayError('The listing did not change', error),
    onSettled: refresh,
  })
  const withdraw = useMutation({
    mutationFn: () => client.market.withdraw({ instrument: listing.instrument }),
    onSuccess: () => sayDone('Withdrawn: running jobs finish and are paid, nothing new is sold.'),
    onError: (error) => sayError('The listing was not withdrawn', error),
    onSettled: refresh,
  })
  return (
    <div className="btns" style={{ marginTop: 14 }}>
      {listing.state !== 'refused' && (
        <Button variant="default" size="xs" loading={change.isPending} onClick={() => change.mutate()}>
          {paused ? 'Resume' : 'Pause'}
        </Button>
      )}
      <Button variant="default" size="xs" loading={withdraw.isPending} onClick={() => withdraw.mutate()}>
        Withdraw
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
          <b>
            {slots} of {slotsMax} slots offered:
          </b>{' '}
          {say(withoutCount(slotsWhy))}.
        </p>
      )}
      {draining !== null && (
        <output className="sub" style={{ display: 'block', marginBottom: 10 }}>
          {draining.jobs === 1 ? 'One accepted job is' : `${draining.jobs} accepted jobs are`} still being finished,
          until {clock(draining.until)} at most.
        </output>
      )}
    </>
  )
}

export interface MyAskProps {
  instrument: { spec: GradeSpec; currency: string; qualified: boolean; whyNot: Reason | null }
  listing: Listing | undefined
  deploymentId: DeploymentId | null
  ready: boolean
}

export function MyAsk({ instrument: { spec, currency, qualified, whyNot }, listing, deploymentId, ready }: MyAskProps) {
  const { rpc } = useCore()
  const book = useQuery(rpc.market.book.queryOptions({ input: { instrument: spec.instrument } }))
  return (
    <Card
      title="My ask"
      aside={
        listing !== undefined && (
          <span className="btns">
            <Pill tone={TONES[listing.state]}>{listing.state}</Pill>
            <Age at={listing.since} prefix="since " />
          </span>
        )
      }
    >
      {listing !== undefined && (
        <p className="sub" style={{ marginBottom: 10 }}>
          {say(listing.reason)}
        </p>
      )}
      {listing !== undefined && <Capacity listing={listing} />}
      {!ready || book.isLoading ? (
        <Skeleton lines={4} />
      ) : !qualified && listing === undefined ? (
        <Empty
          title="This rig may not sell this grade yet."
          action={
            <Link to="/exam" search={{ grade: spec.instrument }}>
              Open its exam
            </Link>
          }
        >
          {whyNot === null ? 'The exam comes first: it shows that the model meets the contract.' : sentence(whyNot)}
        </Empty>
      ) : deploymentId === null ? (
        <Empty title="No model is loaded." action={<Link to="/models">Open models</Link>}>
          An ask names the deployment that serves it.
        </Empty>
      ) : (
        <AskForm
          key={spec.instrument}
          instrument={spec.instrument}
          deploymentId={deploymentId}
          currency={currency}
          start={listing?.askNanoPerMtok ?? suggestedAsk(book.data ?? null)}
          // A paused one sells again with its new ask: that is more than a change.
          listed={listing !== undefined && listing.state !== 'paused'}
        />
      )}
      {listing !== undefined && <Acts listing={listing} />}
    </Card>
  )
}
