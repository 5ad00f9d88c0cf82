import type { ReactNode } from 'react'

import type { GradeSpec } from '#contract/grades.ts'
import { Card } from '#ui/page.tsx'
import { SpecFacts } from '#ui/spec-facts.tsx'

/** What the grade asks, before anything was measured. */
export function SpecCard({ spec, children }: { spec: GradeSpec; children?: ReactNode }) {
  return (
    <div className="grid">
      <Card title={`What ${spec.title} asks`} aside={<span className="age">version {spec.version}</span>}>
        <SpecFacts spec={spec} />
        <p className="foot">{spec.caveat}</p>
        {children}
      </Card>
    </div>
  )
}
