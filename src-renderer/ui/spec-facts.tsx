import type { GradeSpec } from '#contract/grades.ts'

import { count, percent } from './format.ts'
import { duration } from './format-time.ts'

/** A grade's floors and ceilings in words, in the order of the exam. */
export function SpecFacts({ spec }: { spec: GradeSpec }) {
  const { limits } = spec
  return (
    <dl className="facts">
      <dt>Intelligence</dt>
      <dd>
        at least {percent(limits.intelligence.floor)} of level-{spec.level} items right (safe at{' '}
        {percent(limits.intelligence.target)})
      </dd>
      {Object.entries(limits.families).map(([family, share]) => [
        <dt key={`${family}t`}>{family === 'tools' ? 'Tool accuracy' : family}</dt>,
        <dd key={family}>
          at least {percent(share.floor)} (safe at {percent(share.target)})
        </dd>,
      ])}
      <dt>First token</dt>
      <dd>within {duration(limits.ttftCeilingMs)} on 95 % of calls</dd>
      <dt>Throughput</dt>
      <dd>at least {limits.throughputFloorTokPerS} tok/s a stream on 95 % of calls</dd>
      <dt>Context</dt>
      <dd>
        {count(limits.contextTokens)} tokens, of them up to {count(limits.outputTokens)} out
      </dd>
      <dt>Error rate</dt>
      <dd>at most {percent(limits.errorRateCeiling, 1)} of jobs, provisional until 300</dd>
    </dl>
  )
}
