/** Why am I (not) earning: rung by rung, the first "no" is what to mend. */
import { Link } from '@tanstack/react-router'

import type { Home } from '#contract/app.ts'
import { Card } from '#ui/page.tsx'
import { Pill } from '#ui/pill.tsx'
import { say, t } from '#ui/say.ts'

/** A tick, a cross, a dash: three shapes, so that colour is never alone. */
function Mark({ state }: { state: 'yes' | 'no' | 'unknown' }) {
  const path =
    state === 'yes'
      ? 'M2 6.5 5 9.500 10 3'
      : state === 'no'
        ? 'M2.500 2.500 9.500 9.500M9.500 2.500 2.500 9.500'
        : 'M2.500 6 9.500 6'
  const colour = state === 'yes' ? 'var(--good)' : state === 'no' ? 'var(--bad)' : 'var(--faint)'
  return (
    <svg viewBox="0 0 12 12" role="img" aria-label={t(`ladder.${state}`)}>
      <path d={path} fill="none" stroke={colour} strokeWidth="1.8" strokeLinecap="round" strokeLinejoin="round" />
    </svg>
  )
}

export function Ladder({ rungs }: { rungs: Home['ladder'] }) {
  const first = rungs.find((rung) => rung.state === 'no')
  const unsure = rungs.some((rung) => rung.state === 'unknown')
  return (
    <Card
      title={t('ladder.title')}
      aside={
        first === undefined ? (
          <Pill tone={unsure ? 'mute' : 'good'}>{t(unsure ? 'ladder.unsure' : 'ladder.yes')}</Pill>
        ) : (
          <Pill tone="warn">{t('ladder.no')}</Pill>
        )
      }
    >
      <ul className="ladder">
        {rungs.map((rung) => (
          <li key={rung.id}>
            <span className="rung-label">
              <Mark state={rung.state} />
              {t(`ladder.rung.${rung.id}`)}
            </span>
            <span className="rung-detail num">
              {say(rung.detail)}
              {rung.fix !== null && rung.state === 'no' && (
                <>
                  {' '}
                  <Link to={`/${rung.fix}`}>{t(`page.${rung.fix}`)}</Link>
                </>
              )}
            </span>
          </li>
        ))}
      </ul>
    </Card>
  )
}
