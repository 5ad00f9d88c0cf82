/** "I need my machine": the owner takes it back, now or after the running jobs, and is told what that cost. */
import { Button, Modal, Radio } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useState } from 'react'

import type { HandedBack } from '#contract/models.ts'
import { errorText, t } from '#ui/say.ts'
import { sayDone, sayError } from '#ui/notify.ts'

import { useCore } from '../connection/core-provider.tsx'
import { useVenue } from '../connection/venue.tsx'
import { handedBackLines, isServing } from './handed-back.ts'

type Rule = 'now' | 'finish'
const CALLED_OFF = 'Not given back: serving went on meanwhile.'

function Result({ result, calledOff, onClose }: { result: HandedBack; calledOff: boolean; onClose: () => void }) {
  return (
    <div aria-live="polite">
      <p>
        <b>{calledOff ? CALLED_OFF : 'The machine is yours.'}</b>
      </p>
      {!calledOff && (
        <ul style={{ paddingLeft: 18 }}>
          {handedBackLines(result).map((line) => (
            <li key={line}>{line}</li>
          ))}
        </ul>
      )}
      <div className="btns" style={{ marginTop: 12 }}>
        <Button onClick={onClose}>Close</Button>
      </div>
    </div>
  )
}

interface AskProps {
  rule: Rule
  onRule: (rule: Rule) => void
  pending: boolean
  error: unknown
  onTake: () => void
  onClose: () => void
}
function Ask({ rule, onRule, pending, error, onTake, onClose }: AskProps) {
  return (
    <form onSubmit={(event) => (event.preventDefault(), onTake())}>
      <Radio.Group value={rule} onChange={(value) => onRule(value)} aria-label="When">
        <div className="column">
          <Radio
            value="now"
            disabled={pending}
            label="Now, within a second"
            description="Jobs that have not begun go to other suppliers. Jobs in the middle fail: their buyers pay nothing, and you earn nothing for them."
          />
          <Radio
            value="finish"
            disabled={pending}
            label="After the running jobs"
            description="No new jobs; what was accepted is finished and paid, ten minutes at most."
          />
        </div>
      </Radio.Group>
      <div aria-live="polite">
        {pending && (
          <p className="foot">
            {rule === 'now'
              ? 'Ending what runs.'
              : 'No new jobs come. The running ones are being finished; this window may be closed meanwhile.'}
          </p>
        )}
        {error !== null && (
          <p className="banner bad" role="alert" style={{ margin: '12px 0 0' }}>
            {errorText(error)}
          </p>
        )}
      </div>
      <div className="btns" style={{ marginTop: 16 }}>
        <Button type="submit" loading={pending}>
          {rule === 'now' ? 'Take it now' : 'Finish, then take it'}
        </Button>
        <Button variant="default" onClick={onClose}>
          {pending ? 'Close' : 'Keep serving'}
        </Button>
      </div>
    </form>
  )
}

/** There while something is in memory or listed; a result stays until it was read. */
export function HandBack({ size = 'sm' }: { size?: string }) {
  const { client, queries, rpc } = useCore()
  const { venueId } = useVenue()
  const [opened, setOpened] = useState(false)
  const [rule, setRule] = useState<Rule>('now')
  const deployments = useQuery(rpc.models.deployments.queryOptions()).data ?? []
  const listings = useQuery(rpc.market.listings.queryOptions({ input: { venueId } })).data ?? []
  const handBack = useMutation({
    mutationFn: async () => {
      const result = await client.models.handBack({ rule })
      // A listing that was resumed meanwhile calls it off; the core's figures look like those of an idle machine then.
      const serving = async (): Promise<boolean> =>
        isServing(await client.models.deployments(), await client.market.listings({ venueId }))
      const calledOff = result.unloaded === 0 && (await serving().catch(() => false))
      return { result, calledOff }
    },
    // Whoever closed the window meanwhile is told all the same.
    onSuccess: ({ calledOff }) =>
      !opened && sayDone(calledOff ? CALLED_OFF : 'The machine is yours: nothing is in memory.'),
    onError: (error) => !opened && sayError('The machine was not given back', error),
    onSettled: () => void queries.invalidateQueries(),
  })
  const close = (): void => {
    setOpened(false)
    // What still runs is not forgotten: the window shows it when it is opened again.
    if (!handBack.isPending) handBack.reset()
  }
  if (!opened && !handBack.isPending && !isServing(deployments, listings)) return null
  return (
    <>
      <Button size={size} variant="default" onClick={() => setOpened(true)}>
        {t('handBack.button')}
      </Button>
      <Modal opened={opened} onClose={close} title="Take the machine back">
        {handBack.data !== undefined ? (
          <Result {...handBack.data} onClose={close} />
        ) : (
          <Ask
            rule={rule}
            onRule={setRule}
            pending={handBack.isPending}
            error={handBack.error}
            onTake={() => handBack.mutate()}
            onClose={close}
          />
        )}
      </Modal>
    </>
  )
}
