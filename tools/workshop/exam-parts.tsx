/** Verdicts, limits and items of an exam. */
import { countItems } from '#ui/exam/items.ts'
import { ItemGrid, ItemLegend } from '#ui/exam/item-grid.tsx'
import { LimitLegend, LimitTrack } from '#ui/limit.tsx'
import { LimitRows } from '#ui/limit-rows.tsx'
import { Card } from '#ui/page.tsx'
import { Verdict } from '#ui/pill.tsx'
import { SpecFacts } from '#ui/spec-facts.tsx'

import { exam } from '../../test/support/fake-core/exam-state.ts'
import { EXAM_MICRO, EXAM_NANO } from '../../test/support/fake-core/state.ts'

const STATES = ['passed', 'not-reached', 'undecided', 'running', 'interrupted', 'cancelled', 'none'] as const
const TRACKS = [
  { name: 'met', value: 0.86, low: 0.8, high: 0.92 },
  { name: 'missed', value: 0.5, low: 0.41, high: 0.6 },
  { name: 'the interval holds the limit', value: 0.7, low: 0.55, high: 0.85 },
  { name: 'at the edge', value: 1, low: 0.97, high: 1 },
  { name: 'nothing measured yet', value: null, low: null, high: null },
] as const

export function ExamParts({ now }: { now: number }) {
  const passed = exam(EXAM_NANO, now, 'passed')
  const missed = exam(EXAM_MICRO, now, 'not-reached')
  const running = exam(EXAM_NANO, now, 'running')
  return (
    <>
      <Card title="Verdicts">
        {STATES.map((state) => (
          <Verdict key={state} state={state} />
        ))}
      </Card>
      <Card title="A limit is a line, a measurement a dot with its interval" aside={<LimitLegend />}>
        {TRACKS.map(({ name, ...track }) => (
          <div key={name}>
            {name}
            <LimitTrack min={0} max={1} limit={0.7} {...track} />
          </div>
        ))}
      </Card>
      {[passed, missed, running].map((each) => (
        <Card
          key={`${each.examId} ${each.state}`}
          title={`Limits and items: ${each.state}`}
          aside={<ItemLegend {...countItems(each.items)} />}
        >
          <LimitRows limits={each.limits} spec={each.spec.limits} items={each.items} />
          <ItemGrid
            items={each.items}
            onOpen={() => undefined}
            atMost={each.state === 'running' ? 140 : each.items.length}
          />
        </Card>
      ))}
      <Card title="What a grade asks">
        <SpecFacts spec={missed.spec} />
      </Card>
    </>
  )
}
