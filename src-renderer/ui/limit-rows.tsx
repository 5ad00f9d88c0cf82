/** The contract and where this machine stands: one row a limit. */
import type { ExamItemView, LimitView } from '#contract/exams.ts'
import type { GradeLimits } from '#contract/grades.ts'

import { limitRow } from './limit-figures.ts'
import { LimitTrack } from './limit.tsx'
import { Verdict } from './pill.tsx'

export function LimitRows({
  limits,
  spec,
  items = [],
}: {
  limits: readonly LimitView[]
  spec: GradeLimits
  items?: readonly ExamItemView[]
}) {
  return (
    <div>
      {limits.map((view) => {
        const row = limitRow(view, spec, items)
        return (
          <div className="limit-row" key={row.name}>
            <div>{row.title}</div>
            <LimitTrack
              min={row.min}
              max={row.max}
              limit={row.limit}
              value={row.value}
              low={row.value === null ? null : row.low}
              high={row.value === null ? null : row.high}
            />
            <div className="num">{row.text}</div>
            <div>
              <Verdict state={row.state} />
            </div>
          </div>
        )
      })}
    </div>
  )
}
