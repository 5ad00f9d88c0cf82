import type { Summary } from '#contract/earnings.ts'
import { amount, count, energy, POWER, powerMoney, rate, shortCount, unitWord } from '#ui/format.ts'
import { Tile } from '#ui/page.tsx'
import { duration, until } from '#ui/format-time.ts'
import { useNow } from '#ui/use-now.ts'

import { useUnit } from '../../core-client.ts'

/** Available, held, electricity and work done: four figures that are never added to each other. */
export function SummaryTiles({ summary }: { summary: Summary }) {
  const now = useNow()
  const unit = useUnit()
  const tokens = summary.inputTokens + summary.outputTokens
  return (
    <div className="grid g4">
      <Tile
        question="Available"
        value={amount(summary.availableNano, unit)}
        unit={unitWord(unit)}
        foot={`of gross ${amount(summary.grossNano, unit)}, fee ${amount(summary.feeNano, unit)}`}
      />
      <Tile
        question="Held until released"
        value={amount(summary.heldNano, unit)}
        unit={unitWord(unit)}
        foot={`${summary.nextRelease === null ? 'nothing to release' : `next ${until(summary.nextRelease.at, now)}`}${summary.pendingNano === 0 ? '' : `; pending ${amount(summary.pendingNano, unit)}`}`}
      />
      <Tile
        question="Electricity, idle included"
        value={summary.powerNano === null ? 'no price set' : amount(summary.powerNano, POWER)}
        unit={summary.powerNano === null ? undefined : `${summary.powerCurrency}, real cost`}
        foot={`${energy(summary.powerKwh)}, ${summary.powerMethod}`}
      />
      <Tile
        question="Work delivered"
        value={count(summary.jobs)}
        unit={`jobs, ${shortCount(tokens)} tokens`}
        foot={
          summary.powerNanoPerMtok === null || summary.powerNanoPerJob === null
            ? summary.listedMs === 0
              ? 'not listed in this span'
              : `${duration(summary.servedMs)} served of ${duration(summary.listedMs)} listed`
            : `electricity above idle: ${powerMoney(summary.powerNanoPerJob, summary.powerCurrency)} a job, ${rate(summary.powerNanoPerMtok, POWER)} a million tokens`
        }
      />
    </div>
  )
}
