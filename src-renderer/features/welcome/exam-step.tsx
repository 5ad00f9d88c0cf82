import { Button, Progress } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useState } from 'react'

import type { GradeSpec } from '#contract/grades.ts'
import type { DeploymentId, ExamId } from '#contract/ids.ts'
import type { Deployment } from '#contract/models.ts'
import { countItems } from '#ui/exam/items.ts'
import { examDeployment } from '#ui/exam/exam-deployment.ts'
import { ItemGrid, ItemLegend } from '#ui/exam/item-grid.tsx'
import { count, gradeName } from '#ui/format.ts'
import { LimitLegend } from '#ui/limit.tsx'
import { evidenceShare } from '#ui/limit-figures.ts'
import { LimitRows } from '#ui/limit-rows.tsx'
import { Skeleton, Loaded } from '#ui/loaded.tsx'
import { errorText } from '#ui/say.ts'
import { Card, PageHead } from '#ui/page.tsx'
import { Verdict } from '#ui/pill.tsx'
import { SpecFacts } from '#ui/spec-facts.tsx'

import { type ExamWithItems, useCore, useExam, useVenue } from '../../core-client.ts'
import { MainAct } from './main-act.tsx'

function sentenceOf(name: string, exam: ExamWithItems | null): string {
  if (exam === null) return `The exam shows that your model meets ${name}.`
  if (exam.state === 'running')
    return `The exam is running: ${exam.limits.filter((limit) => limit.state !== 'undecided').length} of ${exam.limits.length} limits decided after ${count(exam.done)} calls.`
  if (exam.state === 'passed') return `Passed: this rig may sell ${name}.`
  if (exam.state === 'interrupted') return 'The exam was interrupted; resuming repeats nothing.'
  return `The exam ended as ${exam.state === 'not-reached' ? 'not reached' : exam.state}; this rig may not sell ${name} yet.`
}

function Progressing({ exam }: { exam: ExamWithItems }) {
  const counts = countItems(exam.items)
  return (
    <>
      <Progress value={evidenceShare(exam.limits) * 100} aria-label="evidence gathered" color="var(--c2)" mb={14} />
      <div className="grid">
        <Card title="The contract, and where this machine stands" aside={<LimitLegend interval="interval" />}>
          <LimitRows limits={exam.limits} spec={exam.spec.limits} items={exam.items} />
        </Card>
        <Card title="Items" aside={<ItemLegend {...counts} />}>
          <ItemGrid
            items={exam.items.filter((item) => item.phase === 'items')}
            atMost={exam.state === 'running' ? exam.atMost - counts.loadCalls : 0}
          />
          <p className="foot">
            Each mark is one question answered by your model, judged by a fixed rule. A cross is a wrong answer; some
            are expected.
          </p>
        </Card>
      </div>
    </>
  )
}

interface ExamRunProps {
  spec: GradeSpec
  examId: ExamId | null
  deployments: readonly Deployment[]
  onNext: () => void
  onModel: () => void
}

function ExamRun({ spec, examId: known, deployments, onNext, onModel }: ExamRunProps) {
  const { client, queries } = useCore()
  const { venueId } = useVenue()
  const [started, setStarted] = useState<ExamId | null>(null)
  const { exam } = useExam(started ?? known)
  const deploymentId = examDeployment(exam, deployments)
  const start = useMutation({
    mutationFn: (id: DeploymentId) => client.exams.start({ venueId, instrument: spec.instrument, deploymentId: id }),
    onSuccess: (fresh) => {
      setStarted(fresh.examId)
      void queries.invalidateQueries({ queryKey: [['exams']] })
    },
  })
  const passed = exam?.state === 'passed'
  const running = exam?.state === 'running'
  return (
    <>
      <PageHead
        title="First run: exam"
        sentence={sentenceOf(gradeName(spec.instrument), exam)}
        sub={<>{spec.caveat}</>}
      />
      <MainAct>
        {passed ? (
          <Button onClick={onNext}>Set my ask</Button>
        ) : running ? (
          <Verdict state="running" />
        ) : deploymentId === null ? (
          <Button onClick={onModel}>Load a model first</Button>
        ) : (
          <Button loading={start.isPending} onClick={() => start.mutate(deploymentId)}>
            {exam === null ? 'Start exam' : exam.state === 'interrupted' ? 'Resume exam' : 'Take it again'}
          </Button>
        )}
      </MainAct>
      {start.isError && (
        <p className="banner bad" role="alert">
          {errorText(start.error)}
        </p>
      )}
      {exam !== null && <Progressing exam={exam} />}
      {exam === null && (
        <Card title={`What ${spec.title} asks`}>
          <SpecFacts spec={spec} />
        </Card>
      )}
    </>
  )
}

export function ExamStep({ onNext, onModel }: { onNext: () => void; onModel: () => void }) {
  const { rpc } = useCore()
  const { venueId } = useVenue()
  const grades = useQuery(
    rpc.exams.grades.queryOptions({
      input: { venueId },
      refetchInterval: (query) => ((query.state.data?.length ?? 0) === 0 ? 1_000 : false),
    }),
  )
  const deployments = useQuery(rpc.models.deployments.queryOptions())
  if (deployments.data === undefined) return <Skeleton />
  return (
    <Loaded query={grades}>
      {(all) => {
        const first = all[0]
        if (first === undefined)
          return <PageHead title="First run: exam" sentence="Waiting for the practice exchange to send its grades." />
        return (
          <ExamRun
            spec={first.spec}
            examId={first.qualification.examId}
            deployments={deployments.data}
            onNext={onNext}
            onModel={onModel}
          />
        )
      }}
    </Loaded>
  )
}
