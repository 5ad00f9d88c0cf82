import { Button } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'

import { HardwareFacts } from '#ui/hardware-facts.tsx'
import { Loaded } from '#ui/loaded.tsx'
import { Card, PageHead } from '#ui/page.tsx'

import { useCore } from '../../core-client.ts'
import { MainAct } from './main-act.tsx'

export function MachineStep({ onNext }: { onNext: () => void }) {
  const { rpc } = useCore()
  const hardware = useQuery(rpc.app.hardware.queryOptions())
  return (
    <>
      <PageHead
        title="First run"
        sentence="This machine can answer for others, and be paid for each million tokens."
        sub="Six short steps, about two minutes, on a practice exchange inside this app: no account, no open port, no real money."
      />
      <MainAct>
        <Button onClick={onNext}>Start</Button>
      </MainAct>
      <div className="grid g2">
        <Card title="Found">
          <Loaded query={hardware} lines={4}>
            {(data) => <HardwareFacts hardware={data} />}
          </Loaded>
        </Card>
        <Card title="What happens, and what never does">
          <ul className="ladder">
            <li>A model is loaded and takes an exam, so that buyers know what they get.</li>
            <li>You name an ask; the practice buyer buys at once and the earning shows as held, then available.</li>
            <li>
              Buyers' prompts and answers are never written to disk. Nothing starts by itself after this run unless you
              list it.
            </li>
            <li>This machine can read what it serves; Stoker does not pretend otherwise.</li>
          </ul>
        </Card>
      </div>
    </>
  )
}
