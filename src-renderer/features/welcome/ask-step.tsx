import { Button } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'

import { gradeName, unitWord } from '#ui/format.ts'
import { Skeleton, Empty } from '#ui/loaded.tsx'
import { Card, PageHead } from '#ui/page.tsx'
import { suggestedAsk } from '#ui/ask.ts'
import { sentence } from '#ui/say.ts'

import { useCore, useUnit, useVenue } from '../../core-client.ts'
import { AskForm } from '../../forms.ts'

export function AskStep({ onNext, onExam }: { onNext: () => void; onExam: () => void }) {
  const { rpc } = useCore()
  const { venueId } = useVenue()
  const unit = useUnit()
  const instruments = useQuery(rpc.market.instruments.queryOptions({ input: { venueId } }))
  const grades = useQuery(rpc.exams.grades.queryOptions({ input: { venueId } }))
  const deployments = useQuery(rpc.models.deployments.queryOptions())
  const chosen = instruments.data?.find((each) => each.qualified)
  const instrument = chosen?.spec.instrument
  const book = useQuery(
    rpc.market.book.queryOptions({
      input: { venueId, instrument: instrument as NonNullable<typeof instrument> },
      enabled: instrument !== undefined,
    }),
  )
  const qualified = grades.data?.find((each) => each.spec.instrument === instrument)?.qualification.deploymentId
  const deploymentId = qualified ?? deployments.data?.find((each) => each.state === 'loaded')?.deploymentId ?? null
  if (
    instruments.data === undefined ||
    grades.data === undefined ||
    deployments.data === undefined ||
    (instrument !== undefined && book.isLoading)
  )
    return <Skeleton />
  if (chosen === undefined || deploymentId === null) {
    return (
      <>
        <PageHead title="First run: ask" sentence="The exam comes before the ask." />
        <Empty title="No grade is qualified yet." action={<Button onClick={onExam}>Back to the exam</Button>}>
          {instruments.data[0]?.whyNot == null
            ? 'A passed exam is what buyers rely on.'
            : sentence(instruments.data[0].whyNot)}
        </Empty>
      </>
    )
  }
  return (
    <>
      <PageHead
        title="First run: ask"
        sentence="Your ask is your price; everything else is the contract's."
        sub={`Buyers of ${gradeName(chosen.spec.instrument)} take the cheapest qualified seller. Asks are in ${unitWord(unit)}.`}
      />
      <Card title="My ask">
        <AskForm
          instrument={chosen.spec.instrument}
          deploymentId={deploymentId}
          start={suggestedAsk(book.data ?? null, unit)}
          listed={false}
          submit="List it"
          onListed={onNext}
        />
      </Card>
    </>
  )
}
