import type { GradeSpec } from '#contract/grades.ts'

import { count, percent } from './format.ts'
import { duration } from './format-time.ts'
import { t } from './say.ts'

/** Share of the calls that must meet a limit of time (docs/exam.md). */
const OF_CALLS = 0.95

/** A grade's floors and ceilings in words, in the order of the exam. */
export function SpecFacts({ spec }: { spec: GradeSpec }) {
  const { limits } = spec
  return (
    <dl className="facts">
      <dt>{t('spec.intelligence')}</dt>
      <dd>
        {t('spec.intelligenceIs', {
          floor: percent(limits.intelligence.floor),
          level: spec.level,
          target: percent(limits.intelligence.target),
        })}
      </dd>
      {Object.entries(limits.families).map(([family, share]) => [
        <dt key={`${family}t`}>{family === 'tools' ? t('spec.tools') : family}</dt>,
        <dd key={family}>{t('spec.familyIs', { floor: percent(share.floor), target: percent(share.target) })}</dd>,
      ])}
      <dt>{t('spec.firstToken')}</dt>
      <dd>{t('spec.firstTokenIs', { duration: duration(limits.ttftCeilingMs), share: percent(OF_CALLS) })}</dd>
      <dt>{t('spec.throughput')}</dt>
      <dd>{t('spec.throughputIs', { rate: count(limits.throughputFloorTokPerS), share: percent(OF_CALLS) })}</dd>
      <dt>{t('spec.context')}</dt>
      <dd>{t('spec.contextIs', { tokens: count(limits.contextTokens), out: count(limits.outputTokens) })}</dd>
      <dt>{t('spec.errorRate')}</dt>
      <dd>{t('spec.errorRateIs', { share: percent(limits.errorRateCeiling, 1), jobs: count(300) })}</dd>
    </dl>
  )
}
