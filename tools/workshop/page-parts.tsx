/** Pills, tiles, ages, and what stands where there is no value. */
import { Button } from '@mantine/core'

import { Age } from '#ui/age.tsx'
import { HardwareFacts } from '#ui/hardware-facts.tsx'
import { Skeleton, Empty, Failed } from '#ui/loaded.tsx'
import { Card, PageHead, Tile } from '#ui/page.tsx'
import { Pill, type Tone } from '#ui/pill.tsx'

import { hardware } from '../../test/support/fake-core/state.ts'

const TONES: readonly Tone[] = ['good', 'warn', 'hot', 'bad', 'mute']
const STALE_MS = 30_000

export function PageParts({ now }: { now: number }) {
  return (
    <>
      <Card title="Head of a page">
        <PageHead
          title="Parts"
          sentence="One true sentence, with the figure that matters."
          sub="Under it, what to do next."
          actions={<Button>One act</Button>}
        />
      </Card>
      <div className="grid g3">
        <Tile
          question="What does a million tokens cost me?"
          value="0.1874"
          unit="EUR"
          foot="measured over 1,204 jobs"
        />
        <Card title="Pills" aside={<Pill tone="hot">with a word</Pill>}>
          {TONES.map((tone) => (
            <Pill key={tone} tone={tone}>
              {tone}
            </Pill>
          ))}
        </Card>
        <Card title="Ages">
          <p>
            <Age at={now - 4_000} words="age.read" staleMs={STALE_MS} />
          </p>
          <p>
            <Age at={now - 400_000} staleMs={STALE_MS} />
          </p>
        </Card>
        <Card title="Loading">
          <Skeleton lines={4} />
        </Card>
        <Card title="Failed">
          <Failed error={new Error('The ledger could not be read.')} onRetry={() => undefined} />
        </Card>
        <Card title="Empty">
          <Empty title="Nothing earned today yet." action={<Button size="xs">Open the market</Button>}>
            Why it is empty, and what must happen.
          </Empty>
        </Card>
      </div>
      <Card title="The machine as it was found">
        <HardwareFacts hardware={hardware(now)} />
      </Card>
    </>
  )
}
