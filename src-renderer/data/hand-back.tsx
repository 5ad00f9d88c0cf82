/** "I need my machine": the owner takes it back, now or after the running jobs, and is told what that cost. */
import { Button, Modal, Radio } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'

import { count, currencyWord, decimal, gradeName } from '#ui/format.ts'
import { errorText } from '#ui/loaded.tsx'
import { duration } from '#ui/time.ts'

import { useConnection, useCore } from './core.tsx'

type Rule = 'now' | 'finish'
type HandedBack = Awaited<ReturnType<ReturnType<typeof useCore>['client']['models']['handBack']>>

const jobs = (number: number): string => (number === 1 ? 'one job' : `${count(number)} jobs`)

/** What happened, as sentences. */
export function handedBackLines(result: HandedBack, currency: string): string[] {
  const { tookMs, unloaded, handedOff, failed, lostNano, lostTokens, paused } = result
  const lines = [`${unloaded === 0 ? 'Nothing was in memory' : unloaded === 1 ? 'One model left the memory' : `${unloaded} models left the memory`}, in ${duration(tookMs)}.`]
  if (handedOff > 0) lines.push(`Sent back for another supplier before they began: ${jobs(handedOff)}.`)
  if (failed > 0)
    lines.push(`Ended in the middle: ${jobs(failed)}. Their buyers pay nothing; ${count(lostTokens)} tokens delivered, ${decimal(lostNano)} ${currencyWord(currency)} not earned.`)
  if (handedOff === 0 && failed === 0) lines.push('No job was lost.')
  if (paused.length > 0) lines.push(`Paused: ${paused.map(gradeName).join(', ')}. Resume them on the market page; that loads the model again.`)
  return lines
}

function Result({ result, onClose }: { result: HandedBack; onClose: () => void }) {
  const connection = useConnection()
  const currency = connection.kind === 'online' ? connection.hello.currency : 'PCR'
  return (
    <div role="status">
      <p style={{ marginTop: 0 }}>
        <b>The machine is yours.</b>
      </p>
      <ul style={{ paddingLeft: 18 }}>
        {handedBackLines(result, currency).map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ul>
      <div className="btns">
        <Button onClick={onClose}>Close</Button>
      </div>
    </div>
  )
}

export function HandBack({ size = 'xs' }: { size?: string }) {
  const { client, queries } = useCore()
  const [opened, setOpened] = useState(false)
  const [rule, setRule] = useState<Rule>('now')
  const handBack = useMutation({ mutationFn: () => client.models.handBack({ rule }), onSettled: () => void queries.invalidateQueries() })
  const close = (): void => {
    setOpened(false)
    handBack.reset()
  }
  return (
    <>
      <Button size={size} variant="default" onClick={() => setOpened(true)}>
        I need my machine
      </Button>
      <Modal opened={opened} onClose={close} title="Take the machine back">
        {handBack.data !== undefined ? (
          <Result result={handBack.data} onClose={close} />
        ) : (
          <form onSubmit={(event) => (event.preventDefault(), handBack.mutate())}>
            <Radio.Group value={rule} onChange={(value) => setRule(value as Rule)} aria-label="When">
              <div className="stack" style={{ gap: 12 }}>
                <Radio
                  value="now"
                  label="Now, within a second"
                  description="Jobs that have not begun go to other suppliers. Jobs in the middle fail: their buyers pay nothing, and you earn nothing for them."
                />
                <Radio value="finish" label="After the running jobs" description="No new jobs; what was accepted is finished and paid, ten minutes at most." />
              </div>
            </Radio.Group>
            {handBack.isError && (
              <p className="banner bad" role="alert">
                {errorText(handBack.error)}
              </p>
            )}
            <div className="btns" style={{ marginTop: 16 }}>
              <Button type="submit" loading={handBack.isPending}>
                {rule === 'now' ? 'Take it now' : 'Finish, then take it'}
              </Button>
              <Button variant="default" onClick={close}>
                Keep serving
              </Button>
            </div>
          </form>
        )}
      </Modal>
    </>
  )
}
