/** Exam: the contract's limits, where this machine stands, every item, and both verdicts. */
import { Button, SegmentedControl } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { useState } from 'react'

import type { GradeSpec } from '#contract/grades.ts'
import type { Deployment } from '#contract/models.ts'
import { examDeployment } from '#ui/exam/exam-deployment.ts'
import { count, gradeName, short } from '#ui/format.ts'
import { LimitLegend } from '#ui/limit.tsx'
import { LimitRows } from '#ui/limit-rows.tsx'
import { Skeleton, Empty, Failed, Loaded } from '#ui/loaded.tsx'
import { sayError } from '#ui/notify.ts'
import { Card, PageHead } from '#ui/page.tsx'
import { verdictWord } from '#ui/pill.tsx'
import { duration } from '#ui/format-time.ts'

import { useCore, useVenue } from '../../core-client.ts'
import { type ExamWithItems, useExam } from '../../core-client.ts'
import { Attempts } from './exam-attempts.tsx'
import { Evidence } from './evidence.tsx'
import { FamilyTable } from './family-table.tsx'
import { ItemDrawer } from './item-drawer.tsx'
import { ItemsCard } from './items-card.tsx'
import { SpecCard } from './spec-card.tsx'
import { examSentence } from './exam-sentence.ts'

function Sub({ exam, spec }: { exam: ExamWithItems | null; spec: GradeSpec }) {
  if (exam === null)
    return (
      <>
        {spec.title} · {spec.provisional ? 'provisional grade' : `spec version ${spec.version}`}
      </>
    )
  const secret =
    exam.seed === null
      ? exam.commitment === null
        ? ''
        : ` · seed committed ${short(exam.commitment, 4)}`
      : ` · seed ${short(exam.seed, 4)}`
  return (
    <span className="num">
      {exam.modelName}
      {secret} ·{' '}
      {exam.state === 'running'
        ? `${count(exam.done)} of at most ${count(exam.atMost)} calls`
        : `${count(exam.done)} calls`}
      {exam.endedAt !== null && <> · took {duration(exam.endedAt - exam.startedAt)}</>}
      {spec.provisional && (
        <>
          {' '}
          · <b>provisional grade</b>
        </>
      )}
    </span>
  )
}

function Actions({
  spec,
  exam,
  deployments,
}: {
  spec: GradeSpec
  exam: ExamWithItems | null
  deployments: readonly Deployment[]
}) {
  const { client, queries } = useCore()
  const { venueId } = useVenue()
  const navigate = useNavigate()
  const refresh = (): void => void queries.invalidateQueries({ queryKey: [['exams']] })
  const deploymentId = examDeployment(exam, deployments)
  const start = useMutation({
    mutationFn: (id: Deployment['deploymentId']) =>
      client.exams.start({ venueId, instrument: spec.instrument, deploymentId: id }),
    onError: (error) => sayError('The exam did not start', error),
    onSettled: refresh,
  })
  const cancel = useMutation({
    mutationFn: (examId: ExamWithItems['examId']) => client.exams.cancel({ venueId, examId }),
    onError: (error) => sayError('The exam did not stop', error),
    onSettled: refresh,
  })
  if (exam?.state === 'running') {
    return (
      <Button variant="default" loading={cancel.isPending} onClick={() => cancel.mutate(exam.examId)}>
        Stop
      </Button>
    )
  }
  if (deploymentId === null) return null
  return (
    <>
      <Button
        variant={exam?.state === 'passed' ? 'default' : 'filled'}
        loading={start.isPending}
        onClick={() => start.mutate(deploymentId)}
      >
        {exam?.state === 'interrupted' ? 'Resume exam' : exam === null ? 'Start exam' : 'Take it again'}
      </Button>
      {exam?.state === 'passed' && (
        <Button onClick={() => void navigate({ to: '/market', search: { grade: spec.instrument } })}>Review ask</Button>
      )}
    </>
  )
}

function Body({ exam, spec }: { exam: ExamWithItems; spec: GradeSpec }) {
  const [item, setItem] = useState<string | null>(null)
  return (
    <>
      <div className="grid">
        <Card
          title="The contract, and where this machine stands"
          aside={<LimitLegend interval="interval, valid at any moment" />}
        >
          <LimitRows limits={exam.limits} spec={spec.limits} items={exam.items} />
          <p className="foot">
            {spec.caveat} Below the floor a model passes at most 5 % of the time; between floor and target either may
            happen.
          </p>
        </Card>
      </div>
      <div className="grid g21">
        <ItemsCard exam={exam} onOpen={setItem} />
        <FamilyTable items={exam.items} />
      </div>
      <Evidence exam={exam} />
      <ItemDrawer exam={exam} itemId={item} onClose={() => setItem(null)} />
    </>
  )
}

export function ExamPage() {
  const { rpc } = useCore()
  const { venueId } = useVenue()
  const navigate = useNavigate()
  const wanted = useSearch({ from: '/exam' }).grade
  const grades = useQuery(rpc.exams.grades.queryOptions({ input: { venueId } }))
  const deployments = useQuery(rpc.models.deployments.queryOptions())
  const list = useQuery(rpc.exams.list.queryOptions({ input: { venueId } }))
  const chosen = grades.data?.find((each) => each.spec.instrument === wanted) ?? grades.data?.[0]
  const { exam, error } = useExam(chosen?.qualification.examId ?? null)
  if (grades.data === undefined || chosen === undefined) {
    const none = grades.data !== undefined
    return (
      <>
        <PageHead title="Exam" sentence={none ? 'No grade is known yet.' : 'Reading the grades.'} />
        <Loaded query={grades}>
          {() => (
            <Empty title="The exchange has not sent its grades.">
              They come with the first connection to it; Home says whether it is online.
            </Empty>
          )}
        </Loaded>
      </>
    )
  }
  const { spec } = chosen
  return (
    <>
      <PageHead
        title="Exam"
        sentence={examSentence(spec, exam)}
        sub={<Sub exam={exam} spec={spec} />}
        actions={<Actions spec={spec} exam={exam} deployments={deployments.data ?? []} />}
      />
      <div className="btns" style={{ marginBottom: 14 }}>
        <SegmentedControl
          aria-label="Grade"
          value={spec.instrument}
          onChange={(grade) => void navigate({ to: '/exam', search: { grade } })}
          data={grades.data.map((each) => ({
            value: each.spec.instrument,
            label: `${gradeName(each.spec.instrument)}: ${verdictWord(each.qualification.state)}`,
          }))}
        />
      </div>
      {error !== null && <Failed error={error} />}
      {exam === null && chosen.qualification.examId !== null && error === null && <Skeleton lines={6} />}
      {exam === null && chosen.qualification.examId === null && (
        <SpecCard spec={spec}>
          {(deployments.data ?? []).length === 0 && (
            <Empty title="There is no loaded model to examine." action={<Link to="/models">Open models</Link>}>
              Load a model first; the exam then takes about a minute with the bundled model.
            </Empty>
          )}
        </SpecCard>
      )}
      {exam !== null && <Body exam={exam} spec={exam.spec} />}
      <Attempts exams={(list.data ?? []).filter((each) => each.instrument === spec.instrument)} />
    </>
  )
}
